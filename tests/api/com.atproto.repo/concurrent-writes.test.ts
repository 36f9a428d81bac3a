/** Many writers at once, of one repository and of several: none is lost, and where only one can win, one does. */
import { expect, test } from 'bun:test'
import { ServerError } from '#cli/errors.ts'
import { fetchExport } from '#tests/support/fetch-export.ts'
import { type CommitEvent, consume, type FirehoseConsumer } from '#tests/support/firehose-consumer.ts'
import { type Pds, startPds, type TestAccount } from '#tests/support/pds.ts'

const POST = 'app.bsky.feed.post'
const THING = 'com.example.thing'

function range(count: number): number[] {
  return [...Array(count).keys()]
}

function create(account: TestAccount, input: { rkey?: string; record?: object; swapCommit?: string }) {
  const { record = {}, ...rest } = input
  return account.call('com.atproto.repo.createRecord', {
    repo: account.did,
    collection: THING,
    record: { ...record },
    ...rest,
  })
}

/** What the attempts gave, and how those that failed were refused. */
async function outcomes<T>(attempts: Promise<T>[]): Promise<{ won: T[]; refusals: string[] }> {
  const won: T[] = []
  const refusals: string[] = []
  for (const outcome of await Promise.allSettled(attempts)) {
    if (outcome.status === 'fulfilled') won.push(outcome.value)
    else if (outcome.reason instanceof ServerError)
      refusals.push(`${outcome.reason.status} ${outcome.reason.error}`)
    else throw outcome.reason
  }
  return { won, refusals }
}

async function headOf(account: TestAccount) {
  return await account.call('com.atproto.sync.getLatestCommit', { did: account.did })
}

function listen({ url, app }: Pds): Promise<FirehoseConsumer> {
  return consume(url, { plcUrl: app.config.plcUrl, cursor: 0, fromGenesis: true })
}

/** The commits of an account, once everything so far has arrived. */
async function commitsOf({ app }: Pds, consumer: FirehoseConsumer, did: string): Promise<CommitEvent[]> {
  await consumer.waitForSeq(app.sequencer.lastSeq)
  return consumer.of(did).filter((event) => event.type === 'commit')
}

test('32 writers of one repository all succeed, in one chain of commits', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  await using consumer = await listen(pds)

  const answers = await Promise.all(range(32).map((n) => create(alice, { record: { n } })))

  const revs = answers.map(({ commit }) => commit?.rev ?? '')
  const commits = await commitsOf(pds, consumer, alice.did)
  expect(consumer.faults).toEqual([])
  expect(commits.map(({ rev }) => rev).slice(1)).toEqual([...new Set(revs)].sort())
  expect(commits.at(-1)).toMatchObject(await headOf(alice).then(({ cid, rev }) => ({ commit: cid, rev })))
  const { records } = await fetchExport(pds, alice.did)
  const written = answers.map(({ uri, cid }) => [uri.replace(`at://${alice.did}/`, ''), cid] as const)
  expect(records).toEqual(new Map(written))
})

test('writers of many repositories do not disturb one another, also where some are refused', async () => {
  await using pds = await startPds()
  const accounts = await Promise.all(range(8).map((n) => pds.createAccount(`writer${n}`)))
  await using consumer = await listen(pds)

  const attempts = accounts.flatMap((account) =>
    range(12).map((n) =>
      n % 3 === 0
        ? create(account, { rkey: 'taken', record: { n } })
        : create(account, { rkey: `n${n}`, record: { n } }),
    ),
  )
  const { won, refusals } = await outcomes(attempts)

  expect(won).toHaveLength(8 * 9)
  expect(refusals).toEqual(Array(8 * 3).fill('400 InvalidRequest'))
  for (const { did } of accounts) {
    expect(await commitsOf(pds, consumer, did)).toHaveLength(10)
    expect((await fetchExport(pds, did)).records.size).toBe(9)
  }
  expect(consumer.faults).toEqual([])
})

test('of 16 writers who expect the same head, one wins', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const { cid: swapCommit } = await headOf(alice)
  await using consumer = await listen(pds)

  const { won, refusals } = await outcomes(range(16).map((n) => create(alice, { record: { n }, swapCommit })))

  expect(refusals).toEqual(Array(15).fill('400 InvalidSwap'))
  expect(won).toHaveLength(1)
  expect(await headOf(alice)).toEqual(won[0]?.commit ?? { cid: '', rev: '' })
  expect(await commitsOf(pds, consumer, alice.did)).toHaveLength(2)
  expect((await fetchExport(pds, alice.did)).records.size).toBe(1)
})

test('of 16 writers who try again with the new head, each wins once', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  let refused = 0
  async function persist(n: number): Promise<void> {
    for (;;) {
      const { cid: swapCommit } = await headOf(alice)
      const { won } = await outcomes([create(alice, { rkey: `n${n}`, swapCommit })])
      if (won.length === 1) return
      refused++
    }
  }

  await Promise.all(range(16).map(persist))

  expect((await fetchExport(pds, alice.did)).records.size).toBe(16)
  expect(refused).toBeGreaterThan(0)
})

test('of 16 writers who expect the same record, one wins', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const { cid: swapRecord } = await create(alice, { rkey: 'self' })
  const target = { repo: alice.did, collection: THING, rkey: 'self' }
  function put(n: number) {
    return alice.call('com.atproto.repo.putRecord', { ...target, record: { n }, swapRecord })
  }

  const { won, refusals } = await outcomes(range(16).map(put))

  expect(refusals).toEqual(Array(15).fill('400 InvalidSwap'))
  const { cid } = await alice.call('com.atproto.repo.getRecord', target)
  expect(cid).toBe(won[0]?.cid ?? '')
})

test('of 16 writers who expect nothing, one wins', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const target = { repo: alice.did, collection: THING, rkey: 'self' }
  function put(n: number) {
    return alice.call('com.atproto.repo.putRecord', { ...target, record: { n }, swapRecord: null })
  }

  const { won, refusals } = await outcomes(range(16).map(put))

  expect(won).toHaveLength(1)
  expect(refusals).toEqual(Array(15).fill('400 InvalidSwap'))
})

test('of 16 writers who create the same record, one wins', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')

  const { won, refusals } = await outcomes(
    range(16).map((n) => create(alice, { rkey: 'self', record: { n } })),
  )

  expect(won).toHaveLength(1)
  expect(refusals).toEqual(Array(15).fill('400 InvalidRequest'))
  expect([...(await fetchExport(pds, alice.did)).records.values()]).toEqual([won[0]?.cid ?? ''])
})

test('of 16 deletions of one record, one makes a commit', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  await create(alice, { rkey: 'self' })
  const target = { repo: alice.did, collection: THING, rkey: 'self' }

  const answers = await Promise.all(range(16).map(() => alice.call('com.atproto.repo.deleteRecord', target)))

  expect(answers.filter(({ commit }) => commit)).toHaveLength(1)
  expect((await fetchExport(pds, alice.did)).records.size).toBe(0)
})

test('of 16 simultaneous follows of one account, one stays', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const bob = await pds.createAccount('bob')
  await using consumer = await listen(pds)
  const collection = 'app.bsky.graph.follow'
  const record = { subject: bob.did, createdAt: '2026-11-21T00:00:00Z' }

  await Promise.all(
    range(16).map(() => alice.call('com.atproto.repo.createRecord', { repo: alice.did, collection, record })),
  )

  const { records } = await alice.call('com.atproto.repo.listRecords', { repo: alice.did, collection })
  expect(records).toHaveLength(1)
  expect((await fetchExport(pds, alice.did)).records.size).toBe(1)
  expect(await commitsOf(pds, consumer, alice.did)).toHaveLength(17)
  expect(consumer.faults).toEqual([])
})

test('readers beside a writer see each record whole, and their own writes', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const target = { repo: alice.did, collection: POST, rkey: '3jzfcijpj2z2a' }

  await Promise.all(
    range(20).map(async (n) => {
      const record = { text: `${n}`, createdAt: '2026-11-21T00:00:00Z' }
      const put = await alice.call('com.atproto.repo.putRecord', { ...target, record })
      const got = await alice.call('com.atproto.repo.getRecord', target)
      if (got.cid === put.cid) expect(got.value).toEqual({ $type: POST, ...record })
      expect(got.value).toMatchObject({ $type: POST, createdAt: record.createdAt })
    }),
  )

  const { value, cid } = await alice.call('com.atproto.repo.getRecord', target)
  const listed = await alice.call('com.atproto.repo.listRecords', { repo: alice.did, collection: POST })
  expect(listed.records).toMatchObject([{ cid, value }])
})
