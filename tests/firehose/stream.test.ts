/** The stream of events, as a strict consumer finds it. What every frame must be, the consumer checks by itself. */
import { expect, test } from 'bun:test'
import type { Did } from '#lexicon/strings.ts'
import { HOUR } from '#std/clock.ts'
import { TestClock } from '#tests/support/clock.ts'
import { TemporaryDirectory } from '#tests/support/directory.ts'
import {
  type CheckedCommit,
  consume,
  type FirehoseConsumer,
  type FirehoseEvent,
} from '#tests/support/firehose-consumer.ts'
import type { CommitFrame } from '#tests/support/independent/frame.ts'
import { type Pds, startPds, type TestAccount } from '#tests/support/pds.ts'

const POST = 'app.bsky.feed.post'

test('a new account is announced by four events in a row', async () => {
  await using pds = await startPds()
  await using consumer = await listen(pds)

  const alice = await pds.createAccount('alice')
  await consumer.until(({ type }) => type === 'sync')

  const { did } = alice
  const [identity, account, commit, sync] = consumer.events as [
    FirehoseEvent,
    FirehoseEvent,
    CommitFrame,
    FirehoseEvent,
  ]
  expect(identity).toMatchObject({ type: 'identity', did, handle: 'alice.test' })
  expect(account).toMatchObject({ type: 'account', did, active: true, status: null })
  expect(commit).toMatchObject({ type: 'commit', did, since: null, prevData: null, ops: [] })
  expect(sync).toMatchObject({ type: 'sync', did, rev: commit.rev, commit: commit.commit })
  const first = commit.seq - 2
  expect(consumer.events.map((event) => 'seq' in event && event.seq - first)).toEqual([0, 1, 2, 3])
  expect(consumer.faults).toEqual([])
})

test('every write is one commit that can be taken back', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  await using consumer = await listen(pds, 0)

  const { uri } = await post(alice, 'first')
  const rkey = uri.split('/').at(-1) ?? ''
  const record = { $type: POST, text: 'changed', createdAt: new Date().toISOString() }
  await alice.call('com.atproto.repo.putRecord', { repo: alice.did, collection: POST, rkey, record })
  await alice.call('com.atproto.repo.deleteRecord', { repo: alice.did, collection: POST, rkey })
  const writes = Array.from({ length: 200 }, (_, i) => ({
    $type: 'com.atproto.repo.applyWrites#create' as const,
    collection: POST,
    value: { ...record, text: `one of many ${i}` },
  }))
  await alice.call('com.atproto.repo.applyWrites', { repo: alice.did, writes })
  await alice.call('com.atproto.repo.applyWrites', { repo: alice.did, writes: [] })
  await consumer.until((event) => event.type === 'commit' && event.ops.length === 200)
  await consumer.waitForSeq(pds.app.sequencer.lastSeq)

  const commits = consumer.events.filter((event) => event.type === 'commit').slice(1)
  expect(commits.map(({ ops }) => [...new Set(ops.map(({ action }) => action))])).toEqual([
    ['create'],
    ['update'],
    ['delete'],
    ['create'],
    [],
  ])
  expect(consumer.faults).toEqual([])
})

test('a like that takes the place of another is one commit with both', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const { uri, cid } = await post(alice, 'to be liked')
  await using consumer = await listen(pds)
  const like = async () => {
    const collection = 'app.bsky.feed.like'
    const record = { $type: collection, subject: { uri, cid }, createdAt: new Date().toISOString() }
    return await alice.call('com.atproto.repo.createRecord', { repo: alice.did, collection, record })
  }
  await like()
  await like()

  await consumer.until(({ type }) => type === 'commit' && consumer.events.length === 2)

  const [, second] = consumer.events as [FirehoseEvent, CommitFrame]
  expect(second.ops.map(({ action }) => action).sort()).toEqual(['create', 'delete'])
  expect(consumer.faults).toEqual([])
})

test('a request that is refused is not on the stream', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  await using consumer = await listen(pds)
  const write = {
    $type: 'com.atproto.repo.applyWrites#create' as const,
    collection: POST,
    rkey: '3k22222222222',
  }
  const value = { $type: POST, text: 'twice', createdAt: new Date().toISOString() }
  const attempt = alice.call('com.atproto.repo.applyWrites', {
    repo: alice.did,
    writes: [
      { ...write, value },
      { ...write, value },
    ],
  })
  await expect(attempt).rejects.toMatchObject({ status: 400, error: 'InvalidRequest' })

  const { cid } = await post(alice, 'the next')
  await consumer.until(({ type }) => type === 'commit')

  expect(consumer.events).toMatchObject([{ ops: [{ action: 'create', cid }] }])
  expect(consumer.faults).toEqual([])
})

test('events that belong together are announced together or not at all', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  await using consumer = await listen(pds)
  const nobody = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa' as Did
  const attempt = pds.app.committer.announce(nobody, [{ type: 'identity' }, { type: 'sync' }])
  const written = post(alice, 'in the same batch')
  await expect(attempt).rejects.toThrow()
  await written

  await consumer.until(({ type }) => type === 'commit')

  expect(consumer.events).toHaveLength(1)
  expect(consumer.faults).toEqual([])
})

test('a cursor says what was seen last', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  for (let i = 0; i < 10; i++) await post(alice, `post ${i}`)
  await using all = await listen(pds, 0)
  await all.waitForSeq(pds.app.sequencer.lastSeq)
  const seqs = seqsOf(all)
  expect(seqs).toHaveLength(14)

  await using middle = await listen(pds, seqs[6])
  await using newest = await listen(pds, seqs.at(-1))
  await using none = await listen(pds)
  await post(alice, 'the last')
  for (const consumer of [all, middle, newest, none]) await consumer.waitForSeq(pds.app.sequencer.lastSeq)

  const last = pds.app.sequencer.lastSeq
  expect(seqsOf(middle)).toEqual([...seqs.slice(7), last])
  expect(seqsOf(newest)).toEqual([last])
  expect(seqsOf(none)).toEqual([last])
  for (const consumer of [all, middle, newest, none]) expect(consumer.faults).toEqual([])
})

test('a cursor that cannot be is refused by an error frame', async () => {
  await using pds = await startPds()
  await pds.createAccount('alice')

  await using future = await listen(pds, pds.app.sequencer.lastSeq + 1)
  expect(await future.until(({ type }) => type === 'error')).toMatchObject({ error: 'FutureCursor' })
  expect(await future.untilClosed()).toEqual({ code: 1008, reason: 'FutureCursor' })

  for (const cursor of [1.5, Number.NaN, 2 ** 60]) {
    await using wrong = await listen(pds, cursor)
    expect(await wrong.until(({ type }) => type === 'error')).toMatchObject({ error: 'InvalidRequest' })
    expect(await wrong.untilClosed()).toEqual({ code: 1008, reason: 'InvalidRequest' })
  }
})

test('a cursor from before the window is told so, and gets what there is', async () => {
  const clock = new TestClock()
  await using pds = await startPds({ clock })
  const alice = await pds.createAccount('alice')
  await post(alice, 'long ago')
  await pds.app.storeSync.run()
  clock.advance(73 * HOUR)
  await pds.app.upkeep.run()
  await pds.createAccount('bobby')

  await using consumer = await listen(pds, 1)
  await consumer.waitForSeq(pds.app.sequencer.lastSeq)

  const types = consumer.events.map(({ type }) => type)
  expect(types).toEqual(['info', 'identity', 'account', 'commit', 'sync'])
  expect(consumer.events[0]).toMatchObject({ name: 'OutdatedCursor' })
  expect(consumer.faults).toEqual([])
})

test('consumers that come at any time and with any cursor miss nothing and get nothing twice', async () => {
  await using pds = await startPds()
  const writers = [await pds.createAccount('alice'), await pds.createAccount('bobby')]
  const checked = new Map<string, CheckedCommit>()
  await using first = await listen(pds, 0, checked)
  let writing = true
  const work = writers.map(async (account) => {
    for (let i = 0; writing; i++) await post(account, `post ${i}`)
  })
  const others: { cursor: number | undefined; consumer: FirehoseConsumer }[] = []
  for (let i = 0; i < 24; i++) {
    const seqs = seqsOf(first)
    await first.waitForFrames(seqs.length + 10)
    const cursor = i % 4 === 0 ? undefined : seqs[Math.floor(Math.random() * seqs.length)]
    others.push({ cursor, consumer: await listen(pds, cursor, checked) })
  }
  writing = false
  await Promise.all(work)

  const last = pds.app.sequencer.lastSeq
  await first.waitForSeq(last)
  const seqs = seqsOf(first)
  expect(first.faults).toEqual([])
  for (const { cursor, consumer } of others) {
    await consumer.waitForSeq(last)
    const from = cursor ?? seqsOf(consumer)[0]! - 1
    expect(seqsOf(consumer)).toEqual(seqs.filter((seq) => seq > from))
    expect(consumer.faults).toEqual([])
    await consumer[Symbol.asyncDispose]()
  }
})

test('the numbers go on after a restart, and so does every chain', async () => {
  using directory = new TemporaryDirectory()
  const data = directory.path
  const before = await startPds({ data })
  await post(await before.createAccount('alice'), 'before')
  const seq = before.app.sequencer.lastSeq
  await before.stop()
  await using pds = await startPds({ data })
  const session = { identifier: 'alice.test', password: 'password-of-alice' }
  const { accessJwt, did } = await pds.call('com.atproto.server.createSession', session)
  const record = { $type: POST, text: 'after', createdAt: new Date().toISOString() }
  const alice = pds.as(`Bearer ${accessJwt}`)
  await alice.call('com.atproto.repo.createRecord', { repo: did, collection: POST, record })

  await using consumer = await listen(pds, 0)
  await consumer.waitForSeq(seq + 1)

  expect(seqsOf(consumer)).toEqual([-4, -3, -2, -1, 0, 1].map((distance) => seq + distance))
  expect(consumer.faults).toEqual([])
})

function listen(
  pds: Pds,
  cursor?: number,
  checked = new Map<string, CheckedCommit>(),
): Promise<FirehoseConsumer> {
  const plcUrl = `http://localhost:${pds.server.plcPort}`
  const from = cursor === undefined ? {} : { cursor }
  return consume(pds.url, { plcUrl, ...from, fromGenesis: cursor === 0, checked })
}

function seqsOf({ events }: FirehoseConsumer): number[] {
  return events.flatMap((event) => ('seq' in event ? [event.seq] : []))
}

async function post(account: TestAccount, text: string): Promise<{ uri: string; cid: string }> {
  const record = { $type: POST, text, createdAt: new Date().toISOString() }
  return await account.call('com.atproto.repo.createRecord', { repo: account.did, collection: POST, record })
}
