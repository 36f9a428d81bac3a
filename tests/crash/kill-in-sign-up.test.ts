import { expect, test } from 'bun:test'
import { consume } from '#tests/support/firehose-consumer.ts'
import { checkHost, History } from './check-host.ts'
import { type Account, call, createAccount, logIn, Refused } from './client.ts'
import { Host } from './host.ts'

const ROUNDS = Number(process.env.LOCUS_CRASH_ROUNDS ?? 5)
const AT_ONCE = 8
const LATEST_MS = 300
const ROUND_MS = 30_000

test(
  `an account is there completely or not at all when the server is killed ${ROUNDS} times during sign-ups`,
  async () => {
    await using host = await Host.start()
    const history = new History()
    const accounts: Account[] = []
    let finished = 0
    for (let round = 0; round < ROUNDS; round++) {
      const names = Array.from({ length: AT_ONCE }, (_, i) => `alice-${round}-${i}`)
      const acknowledged = await signUpUntilKilled(host, names)

      await host.start()

      const made: Account[] = []
      const found = await Promise.all(names.map((name) => logInOrNothing(host, `${name}.test`)))
      for (const [i, account] of found.entries()) {
        const name = names[i]
        const promised = acknowledged.find(({ handle }) => handle === `${name}.test`)
        expect(account?.did ?? null).toBe(promised?.did ?? account?.did ?? null)
        if (account) made.push(account)
      }
      finished += made.length
      accounts.push(...made)
      const dids = accounts.map(({ did }) => did)
      expect(await listedRepos(host)).toEqual(dids.toSorted())
      expect(host.storedDids()).toEqual(dids.toSorted())
      await checkHost(host, dids, history)
      if (accounts.length > 0) await checkAnnouncements(host, accounts, history)

      for (const { did, token } of made) await post(host, did, token)
      for (const name of names.filter((name) => !made.some(({ handle }) => handle === `${name}.test`))) {
        accounts.push(await createAccount(host, name)) // its handle and its address are free
      }
    }
    console.log(`${ROUNDS} kills, ${finished} of ${ROUNDS * AT_ONCE} sign-ups were finished`)
  },
  ROUNDS * ROUND_MS,
)

/** Signs all of them up at once, and kills the server at a random moment. @returns those who were told that it worked */
async function signUpUntilKilled(host: Host, names: readonly string[]): Promise<Account[]> {
  const attempts = names.map((name) =>
    createAccount(host, name).catch((error: unknown) => {
      if (error instanceof Refused) throw error
      return null
    }),
  )
  await Promise.race([Promise.all(attempts), moment()])
  await host.kill()
  return (await Promise.all(attempts)).filter((account) => account !== null)
}

function moment(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * LATEST_MS))
}

async function logInOrNothing(host: Host, handle: string): Promise<Account | null> {
  try {
    return await logIn(host, handle)
  } catch (error) {
    if (error instanceof Refused && error.status === 401) return null
    throw error
  }
}

/** Each account was announced once, by four events in a row, and nothing else was. */
async function checkAnnouncements(host: Host, accounts: readonly Account[], history: History): Promise<void> {
  const { plcUrl } = host
  await using consumer = await consume(host.url, { plcUrl, cursor: 0, checked: history.checked })
  const complete = new Set<string>()
  await consumer.until((event) => {
    if (event.type === 'sync') complete.add(event.did)
    return complete.size === accounts.length && 'seq' in event && event.seq >= history.lastSeq
  })
  const announced = new Map<string, { type: string; seq: number }[]>()
  for (const event of consumer.events) {
    if (!('seq' in event)) throw new Error(`a ${event.type} frame`)
    const { did, type, seq } = event
    announced.set(did, [...(announced.get(did) ?? []), { type, seq }])
  }
  expect([...announced.keys()].sort()).toEqual(accounts.map(({ did }) => did).sort())
  for (const [first, ...others] of announced.values()) {
    const types = ['identity', 'account', 'commit', 'sync']
    expect([first, ...others].slice(0, 4)).toEqual(types.map((type, i) => ({ type, seq: first!.seq + i })))
    expect(others.slice(3).filter(({ type }) => type !== 'commit')).toEqual([])
  }
}

async function listedRepos(host: Host): Promise<string[]> {
  const { repos } = await call<{ repos: { did: string }[] }>(host, 'com.atproto.sync.listRepos', {
    params: { limit: '1000' },
  })
  return repos.map(({ did }) => did).sort()
}

async function post(host: Host, did: string, token: string): Promise<void> {
  const collection = 'app.bsky.feed.post'
  const record = { $type: collection, text: 'first', createdAt: new Date().toISOString() }
  await call<object>(host, 'com.atproto.repo.createRecord', {
    token,
    input: { repo: did, collection, record },
  })
}
