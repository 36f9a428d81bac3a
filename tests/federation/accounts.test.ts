/** Accounts that a relay holds otherwise than their host: announced anew, or left to a person. */
import { expect, test } from 'bun:test'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { k256FromSecret } from '#keys/k256.ts'
import { DAY, HOUR, MINUTE } from '#std/clock.ts'
import type { TestAccount } from '#tests/support/pds.ts'
import { FederatedHost, logIn, post } from './federated-host.ts'

const ANNOUNCED = 'account announced anew'
const UNMENDABLE = 'relay holds an account in a way that this server cannot mend'

test.each(['deactivated', 'desynchronized', 'throttled', 'inactive'])(
  'an active account that the relay holds for %s is announced anew',
  async (status) => {
    await using host = await FederatedHost.create()
    const alice = await settledAccount(host)
    const before = host.relay.passed.length
    host.relay.account(alice.did).upstream = status

    await host.eventually(() => host.agrees([alice]))

    const passed = host.relay.passed.slice(before).map(({ type }) => type)
    expect(passed).toEqual(['identity', 'account', 'sync'])
    expect(host.logged(ANNOUNCED)).toHaveLength(1)
    await host.pass(DAY)
    expect(host.relay.passed.length - before).toBe(3)
    expect(host.relay.dropped).toEqual([])
    expect(host.pds.app.discrepancies.count()).toEqual({ found: 0, toCompare: 0 })
  },
)

test('a relay that cannot be convinced is told ever less often', async () => {
  await using host = await FederatedHost.create()
  const alice = await settledAccount(host)
  host.relay.account(alice.did).local = 'throttled'
  const before = eventsOf(host, alice)

  await host.pass(DAY)
  const inOneDay = eventsOf(host, alice) - before
  await host.pass(3 * DAY)
  const later = eventsOf(host, alice) - before - inOneDay

  expect(inOneDay).toBe(4 * 3) // at once, and after 0.5, 2.5 and 10.5 hours
  expect(later).toBeGreaterThanOrEqual(2 * 3)
  expect(later).toBeLessThanOrEqual(4 * 3)
  expect(host.logged('account announced anew, again without effect')).toHaveLength(1)
  expect(host.pds.app.discrepancies.get(alice.did)).toMatchObject({
    finding: 'inactive',
    status: 'throttled',
  })
})

test('the pauses outlast a restart', async () => {
  await using host = await FederatedHost.create()
  const alice = await settledAccount(host)
  host.relay.account(alice.did).local = 'throttled'
  await host.eventually(() => host.logged(ANNOUNCED).length > 0)
  const before = eventsOf(host, alice)

  for (let i = 0; i < 3; i++) {
    await host.stop()
    await host.start()
    await host.pass(MINUTE)
  }

  expect(eventsOf(host, alice)).toBe(before)
})

test('an account that is inactive here and not at the relay is announced as inactive', async () => {
  await using host = await FederatedHost.create()
  const alice = await settledAccount(host)
  host.pds.app.accounts.setTakedown(alice.did, 'test')

  await host.eventually(() => host.relay.account(alice.did).upstream === 'takendown')

  expect(host.relay.passedOf(alice.did).slice(-2)).toEqual(['identity', 'account'])
  expect(host.relay.dropped).toEqual([])
})

test('an account that the relay does not know is announced', async () => {
  await using host = await FederatedHost.create()
  const alice = await settledAccount(host)
  host.relay.accounts.delete(alice.did)

  await host.eventually(() => host.relay.accounts.has(alice.did) && host.agrees([alice]))

  expect(host.logged(ANNOUNCED)).toMatchObject([{ did: alice.did, finding: 'unknown' }])
})

test('an account whose commits the relay has missed is announced', async () => {
  await using host = await FederatedHost.create()
  const alice = await settledAccount(host)
  const { repo } = host.relay.account(alice.did)
  await post(alice, 'second')
  await host.eventually(() => host.agrees([alice]))
  host.relay.account(alice.did).repo = repo

  await host.eventually(() => host.agrees([alice]))

  expect(host.logged(ANNOUNCED)).toMatchObject([{ did: alice.did, finding: 'behind' }])
})

test('where one account has lost commits, all accounts are compared', async () => {
  await using host = await FederatedHost.create()
  const alice = await settledAccount(host)
  const bob = await host.pds.createAccount('bob')
  await host.eventually(() => host.agrees([alice, bob]))
  for (const { did } of [alice, bob]) {
    const repo = host.relay.account(did).repo!
    host.relay.account(did).repo = { ...repo, rev: `${repo.rev.slice(0, -2)}zz` }
  }

  await host.eventually(() => host.agrees([alice, bob]))

  const [line, ...more] = host.logged(
    'a relay has seen commits that are lost here: all accounts are compared',
  )
  expect(line).toMatchObject({ accountsToCompare: 2 })
  expect(more).toEqual([])
  expect(host.relay.dropped).toEqual([])
})

test('a rev of the future is not believed', async () => {
  await using host = await FederatedHost.create()
  const alice = await settledAccount(host)
  const before = eventsOf(host, alice)
  host.relay.lies = { getRepoStatus: { rev: '7zzzzzzzzzzzz' } }

  await host.pass(2 * DAY)

  expect(eventsOf(host, alice)).toBe(before)
  expect(host.logged(UNMENDABLE)).toMatchObject([{ did: alice.did, finding: 'future' }])
})

test.each([
  ['takendown', 'barred'],
  ['suspended', 'barred'],
  ['deleted', 'deleted'],
])(
  'an account that the relay holds for %s is left to a person, who is told once',
  async (status, finding) => {
    await using host = await FederatedHost.create()
    const alice = await settledAccount(host)
    const before = eventsOf(host, alice)
    host.relay.account(alice.did).local = status

    await host.pass(3 * DAY)

    expect(eventsOf(host, alice)).toBe(before)
    expect(host.logged(UNMENDABLE)).toMatchObject([{ level: 'warn', did: alice.did, finding, status }])
  },
)

test('an account that has moved to another server is not announced', async () => {
  await using host = await FederatedHost.create()
  const alice = await settledAccount(host)
  const before = eventsOf(host, alice)
  await moveAway(host, alice)
  host.relay.account(alice.did).upstream = 'deactivated'

  await host.pass(HOUR)

  expect(eventsOf(host, alice)).toBe(before)
  expect(host.logged(UNMENDABLE)).toMatchObject([{ did: alice.did, finding: 'moved' }])
})

test('an account that was deactivated here and is active elsewhere is left in peace', async () => {
  await using host = await FederatedHost.create()
  const alice = await settledAccount(host)
  const before = eventsOf(host, alice)
  await moveAway(host, alice)
  host.pds.app.accounts.setDeactivated(alice.did, { at: host.timers.now(), deleteAfter: null })

  await host.pass(3 * HOUR)

  expect(eventsOf(host, alice)).toBe(before)
  expect(host.logged(UNMENDABLE)).toEqual([])
  expect(host.pds.app.discrepancies.count().found).toBe(0)
})

test('more accounts than one round compares are all compared in turn', async () => {
  await using host = await FederatedHost.create()
  await host.start()
  const accounts: TestAccount[] = []
  for (let i = 0; i < 25; i++) accounts.push(await host.pds.createAccount(`account${i}`))
  await host.eventually(() => host.agrees(accounts))
  const last = accounts.at(-1)!
  host.relay.account(last.did).upstream = 'deactivated'

  await host.eventually(() => host.agrees([last]))

  expect(host.logged(ANNOUNCED)).toHaveLength(1)
})

test('accounts are announced below the pace that a relay takes', async () => {
  await using host = await FederatedHost.create({ accountLimit: 1000 })
  await host.start()
  const accounts: TestAccount[] = []
  for (let i = 0; i < 20; i++) accounts.push(await host.pds.createAccount(`account${i}`))
  await host.eventually(() => host.agrees(accounts))
  const before = host.relay.passed.length
  for (const { did } of accounts) host.relay.account(did).upstream = 'deactivated'
  await host.eventually(() => host.logged(ANNOUNCED).length > 0)
  const atOnce = host.logged(ANNOUNCED).length

  await host.eventually(() => host.agrees(accounts))

  expect(atOnce).toBeLessThanOrEqual(9) // 25 events in a second
  expect(host.relay.passed.length - before).toBe(60)
})

test('an account whose store is gone does not keep the others from being healed', async () => {
  await using host = await FederatedHost.create()
  const alice = await settledAccount(host)
  const bob = await host.pds.createAccount('bob')
  await host.eventually(() => host.agrees([alice, bob]))
  const { directory } = host.pds.app.layout.actor(alice.did)
  await host.stop()
  rmSync(join(directory, 'store.sqlite'))
  await host.start()
  host.relay.account(alice.did).upstream = 'deactivated'
  host.relay.account(bob.did).upstream = 'deactivated'

  await host.eventually(() => host.relay.account(bob.did).upstream === 'active')

  expect(host.relay.account(alice.did).upstream).toBe('deactivated')
  expect(host.logged('account could not be compared with relays')).not.toEqual([])
})

test('a write in the same moment as a comparison is no difference', async () => {
  await using host = await FederatedHost.create()
  const alice = await settledAccount(host)

  for (let i = 0; i < 5; i++) {
    await Promise.all([post(await logIn(host.pds, alice), `post ${i}`), host.pass(10 * MINUTE)])
  }

  expect(host.logged(ANNOUNCED)).toEqual([])
})

/** An account of a running host, which the relay holds as it is. */
async function settledAccount(host: FederatedHost): Promise<TestAccount> {
  const pds = await host.start()
  const alice = await pds.createAccount('alice')
  await post(alice, 'first')
  await host.eventually(() => host.agrees([alice]))
  await host.pass(11 * MINUTE)
  return await logIn(pds, alice)
}

/** Has the DID document of an account name another server. */
async function moveAway(host: FederatedHost, { did }: TestAccount): Promise<void> {
  const { plc, config } = host.pds.app
  const services = {
    atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: 'https://elsewhere.example' },
  }
  await plc.update(did, () => ({ services }), k256FromSecret(config.secrets.plcRotationKey))
}

function eventsOf(host: FederatedHost, { did }: TestAccount): number {
  return host.relay.passedOf(did).length + host.relay.dropped.filter((event) => event.did === did).length
}
