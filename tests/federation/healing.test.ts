/** A host and a relay that have lost each other find together again, without anyone's help. */
import { expect, test } from 'bun:test'
import { DAY, HOUR, MINUTE } from '#std/clock.ts'
import { consume } from '#tests/support/firehose-consumer.ts'
import type { TestAccount } from '#tests/support/pds.ts'
import type { TestRelay } from '#tests/support/relay.ts'
import { TestTimers } from '#tests/support/timers.ts'
import { FederatedHost, logIn, post } from './federated-host.ts'

const JUMP = 'a relay has seen later events than are in the log: numbers jump ahead'

test('a fresh host asks its relay to crawl, and the relay has all of its accounts', async () => {
  await using host = await FederatedHost.create()
  const pds = await host.start()
  const alice = await pds.createAccount('alice')
  const bob = await pds.createAccount('bob')
  await post(alice, 'hello')

  await host.eventually(() => host.agrees([alice, bob]))

  expect(host.relay.host()).toMatchObject({ hostname: host.name, status: 'active', accountCount: 2 })
  expect(host.relay.dropped).toEqual([])
  expect(host.relay.warnings).toEqual([])
  await host.pass(11 * MINUTE)
  expect(host.relay.passedOf(alice.did)).toEqual(['identity', 'account', 'commit', 'sync', 'commit'])
})

for (const absence of ['short', 'long']) {
  test(`a restored backup goes on where the relay is, after a ${absence} absence`, async () => {
    await using host = await FederatedHost.create()
    let pds = await host.start()
    const alice = await pds.createAccount('alice')
    const bob = await pds.createAccount('bob')
    const carol = await pds.createAccount('carol')
    await post(alice, 'before')
    await post(carol, 'before')
    await host.eventually(() => host.agrees([alice, bob, carol]))
    await host.stop()
    host.backUp()
    pds = await host.start()
    const lost = await logIn(pds, alice)
    for (let i = 0; i < 20; i++) await post(lost, `lost ${i}`)
    await post(await logIn(pds, bob), 'lost')
    await host.eventually(() => host.agrees([alice, bob, carol]))
    const relaySeq = host.relay.host().lastSeq
    await host.stop()
    if (absence === 'long') await host.eventually(() => host.relay.host().status === 'offline')
    host.restore()
    const passedBefore = host.relay.passed.length

    pds = await host.start()
    await host.eventually(() => host.agrees([alice, bob, carol]))

    expect(pds.app.sequencer.lastSeq).toBeGreaterThan(relaySeq)
    const passed = host.relay.passed.slice(passedBefore)
    expect(passed.every(({ seq }) => seq > relaySeq)).toBe(true)
    expect(passed.filter(({ did }) => did === alice.did).map(({ type }) => type)).toEqual([
      'identity',
      'account',
      'sync',
    ])
    // who lost nothing is left in peace
    expect(passed.filter(({ did }) => did === carol.did)).toEqual([])
    expect(host.relay.host()).toMatchObject({ status: 'active', turnedAway: 0 })
    const [jump, ...more] = host.logged(
      'a relay has seen later events than are in the log: numbers jump ahead',
    )
    expect(jump).toMatchObject({ level: 'warn', accountsToCompare: 3 })
    expect(more).toEqual([])
    // and all goes on as ever
    await post(await logIn(pds, alice), 'after')
    await post(await logIn(pds, carol), 'after')
    await host.eventually(() => host.agrees([alice, bob, carol]))
    expect(host.relay.warnings).toEqual([])
    expect(host.relay.dropped).toEqual([])
    for (const { did } of [alice, bob, carol]) {
      expect((await pds.app.repos.verify(did)).problems).toEqual([])
    }
  })
}

test('a host that is installed anew under its old name goes on above what the relay has seen of the old one', async () => {
  await using host = await FederatedHost.create()
  const old = await host.start()
  await old.createAccount('alice')
  old.app.sequencer.bump(old.app.sequencer.lastSeq + 10 * HOUR) // it has announced a lot
  const bob = await old.createAccount('bob')
  await host.eventually(() => host.agrees([bob]))
  const relaySeq = host.relay.host().lastSeq
  await host.stop()
  host.wipe()
  host.timers = new TestTimers(Date.now())

  const pds = await host.start()
  const carol = await pds.createAccount('carol')
  await host.eventually(() => host.agrees([carol]))

  expect(pds.app.sequencer.lastSeq).toBeGreaterThan(relaySeq)
  expect(host.relay.dropped).toEqual([])
})

test('numbers that jumped ahead stay ahead after a crash, and no second jump follows', async () => {
  await using host = await FederatedHost.create()
  const { alice, relaySeq } = await rolledBack(host)
  await host.start()
  await host.eventually(() => host.agrees([alice]))
  const { lastSeq } = host.pds.app.sequencer
  await host.stop()

  const pds = await host.start()
  await host.pass(HOUR)

  expect(lastSeq).toBeGreaterThan(relaySeq)
  expect(pds.app.sequencer.lastSeq).toBe(lastSeq)
  expect(host.agrees([alice])).toBe(true)
  expect(host.logged(JUMP)).toHaveLength(1)
})

test('a relay that is down when a restored backup starts is met later', async () => {
  await using host = await FederatedHost.create()
  const { alice, relaySeq } = await rolledBack(host)
  await host.relay.become('down')
  const pds = await host.start()
  await post(await logIn(pds, alice), 'while the relay is down')
  await host.pass(2 * MINUTE)
  const lastSeq = pds.app.sequencer.lastSeq

  await host.relay.become('well')
  await host.eventually(() => host.agrees([alice]))

  expect(lastSeq).toBeLessThan(relaySeq)
  expect(pds.app.sequencer.lastSeq).toBeGreaterThan(relaySeq)
  await host.eventually(() => host.relay.host().status === 'active')
  await post(await logIn(pds, alice), 'after')
  await host.eventually(() => host.agrees([alice]))
})

test('a relay that says nothing holds consumers up for seconds, and nobody else', async () => {
  await using host = await FederatedHost.create()
  host.relay.condition = 'slow'

  const started = performance.now()
  const pds = await host.start()
  const healthy = await fetch(`${pds.url}/xrpc/_health`)
  const healthyMs = performance.now() - started
  const alice = await pds.createAccount('alice')
  await using consumer = await consume(pds.url, { plcUrl: host.plc.url, cursor: 0 })
  const { held } = pds.app.firehose.counts
  await consumer.until((event) => event.type === 'sync' && event.did === alice.did)
  const heldMs = performance.now() - started

  expect(healthy.status).toBe(200)
  expect(healthyMs).toBeLessThan(1000)
  expect(held).toBe(1)
  expect(heldMs).toBeGreaterThan(4000)
  expect(heldMs).toBeLessThan(8000)
  expect(host.logged('relay does not say what it knows of this host')).toHaveLength(1)
}, 20_000)

test('a host stops at once while a relay keeps it waiting', async () => {
  await using host = await FederatedHost.create()
  host.relay.condition = 'slow'
  await host.start()
  await host.eventually(() => host.relay.count('getHostStatus') > 0)

  const started = performance.now()
  await host.stop()

  expect(performance.now() - started).toBeLessThan(2000)
})

test.each<[string, number]>([
  ['above what numbers can hold', 2 ** 60],
  ['beyond any time', Date.now() * 10_000],
  ['that is no whole number', 1.8e12 + 0.5],
])('an event number %s is not followed', async (_, seq) => {
  await using host = await FederatedHost.create()
  const pds = await host.start()
  const alice = await pds.createAccount('alice')
  await host.eventually(() => host.agrees([alice]))
  const { lastSeq } = pds.app.sequencer

  host.relay.lies = { getHostStatus: { seq } }
  await host.pass(30 * MINUTE)

  expect(pds.app.sequencer.lastSeq).toBe(lastSeq)
  const [line, ...more] = host.logged('relay claims events that no host can have sent')
  expect(line).toMatchObject({ level: 'error', relaySeq: seq, lastSeq })
  expect(line?.hint).toContain('locus firehose bump --to')
  expect(more).toEqual([])
})

test('a relay that claims ever higher numbers is followed once a day', async () => {
  await using host = await FederatedHost.create()
  const pds = await host.start()
  const claim = () => {
    host.relay.lies = { getHostStatus: { seq: pds.app.sequencer.lastSeq + 5 } }
  }
  const alice = await pds.createAccount('alice')
  await host.eventually(() => host.agrees([alice]))

  for (let i = 0; i < 6; i++) {
    claim()
    await host.pass(30 * MINUTE)
  }

  expect(host.logged(JUMP)).toHaveLength(1)
  expect(host.logged('relay claims later events a second time')).toHaveLength(1)
  await host.pass(DAY)
  expect(host.logged(JUMP)).toHaveLength(2)
})

test('a relay that answers with nonsense changes nothing', async () => {
  await using host = await FederatedHost.create()
  host.relay.lies = {
    getHostStatus: { seq: 'many', status: 7, accountCount: -0.5 },
    getRepoStatus: { did: 'did:plc:somebodyelse', active: 'yes', rev: 12 },
  }
  const pds = await host.start()
  const alice = await pds.createAccount('alice')
  await host.eventually(() => host.agrees([alice]))
  const { lastSeq } = pds.app.sequencer

  await host.pass(HOUR)

  expect(pds.app.sequencer.lastSeq).toBe(lastSeq)
  expect(host.log.filter(({ level }) => level === 'error')).toEqual([])
})

for (const status of ['idle', 'offline'] as const) {
  test(`a host that its relay holds for ${status} asks to be crawled, again and again, ever less often`, async () => {
    await using host = await FederatedHost.create()
    const pds = await host.start()
    const alice = await pds.createAccount('alice')
    await host.eventually(() => host.agrees([alice]))
    const relayHost = host.relay.host()
    await relayHost.subscription?.end()
    relayHost.status = status
    await post(alice, 'nobody listens')

    await host.eventually(() => host.agrees([alice]))

    expect<string>(relayHost.status).toBe('active')
    expect(host.logged('relay does not listen to this host')).toHaveLength(1)
    host.relay.lies = { getHostStatus: { status } }
    const before = host.relay.count('requestCrawl')
    await host.pass(DAY)
    expect(host.relay.count('requestCrawl') - before).toBeGreaterThan(3)
    expect(host.relay.count('requestCrawl') - before).toBeLessThan(12)
  })
}

test('a host that was turned away for its cursor jumps, and asks to be crawled', async () => {
  await using host = await FederatedHost.create()
  const { alice, relaySeq } = await rolledBack(host)
  host.relay.condition = 'failing'
  const pds = await host.start()
  await host.eventually(() => host.relay.host().status === 'idle')

  host.relay.condition = 'well'
  await host.eventually(() => host.agrees([alice]))

  expect(pds.app.sequencer.lastSeq).toBeGreaterThan(relaySeq)
  expect(host.relay.host().status).toBe('active')
})

test('two relays: the one that has seen the most decides, and both end with every head', async () => {
  await using host = await FederatedHost.create({ relayCount: 2 })
  const [first, second] = host.relays as [TestRelay, TestRelay]
  let pds = await host.start()
  const alice = await pds.createAccount('alice')
  await host.eventually(() => host.agrees([alice], first) && host.agrees([alice], second))
  await host.stop()
  host.backUp()
  await second.become('down')
  pds = await host.start()
  const lost = await logIn(pds, alice)
  for (let i = 0; i < 3; i++) await post(lost, `lost ${i}`)
  await host.eventually(() => host.agrees([alice], first))
  await host.stop()
  host.restore()
  await second.become('well')

  pds = await host.start()
  await host.eventually(() => host.agrees([alice], first) && host.agrees([alice], second))

  expect(pds.app.sequencer.lastSeq).toBeGreaterThan(first.host().lastSeq - 1)
  expect([...first.warnings, ...second.warnings, ...first.dropped, ...second.dropped]).toEqual([])
})

/** A host that is stopped and rolled back: the relay has seen three posts of alice that it has lost. */
async function rolledBack(host: FederatedHost): Promise<{ alice: TestAccount; relaySeq: number }> {
  let pds = await host.start()
  const alice = await pds.createAccount('alice')
  await post(alice, 'before')
  await host.eventually(() => host.agrees([alice]))
  await host.stop()
  host.backUp()
  pds = await host.start()
  const lost = await logIn(pds, alice)
  for (let i = 0; i < 3; i++) await post(lost, `lost ${i}`)
  await host.eventually(() => host.agrees([alice]))
  await host.stop()
  host.restore()
  return { alice, relaySeq: host.relay.host().lastSeq }
}
