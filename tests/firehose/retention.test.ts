/** What becomes of old events, and of those of deleted accounts, while accounts write and consumers listen. */
import { expect, test } from 'bun:test'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { HOUR, SECOND } from '#std/clock.ts'
import { TestClock } from '#tests/support/clock.ts'
import { TemporaryDirectory } from '#tests/support/directory.ts'
import { consume, type FirehoseConsumer } from '#tests/support/firehose-consumer.ts'
import { type Pds, startPds, type TestAccount } from '#tests/support/pds.ts'

const POST = 'app.bsky.feed.post'

test('old events are dropped while accounts write, and nobody waits for it', async () => {
  await using pds = await startPds({ config: { firehose: { backfillWindowMs: 2 * SECOND } } })
  await using live = await listen(pds, 0)
  const writers = await Promise.all(['alice', 'bobby', 'carol'].map((name) => pds.createAccount(name)))
  const first = pds.app.sequencer.lastSeq
  let writing = true
  const written = writers.map((writer) => writeUntil(writer, () => !writing))
  let largest = 0
  for (let i = 0; i < 16; i++) {
    await Bun.sleep(400)
    await pds.app.storeSync.flush()
    await pds.app.upkeep.run()
    largest = Math.max(largest, logBytes(pds))
  }
  writing = false
  const latencies = (await Promise.all(written)).flat()
  await using late = await listen(pds, first)
  const last = pds.app.sequencer.lastSeq
  await Promise.all([live.waitForSeq(last), late.waitForSeq(last)])

  const all = seqsOf(live)
  const left = seqsOf(late)
  expect(live.faults).toEqual([])
  expect(late.faults).toEqual([])
  expect(late.events[0]).toMatchObject({ type: 'info', name: 'OutdatedCursor' })
  expect(left).toEqual(all.slice(-left.length))
  expect(left.length).toBeLessThan(all.length * 0.7)
  const longest = Math.max(...latencies)
  console.error(
    `${latencies.length} writes, the longest took ${longest.toFixed(0)} ms; ${all.length - left.length} of ${all.length} events dropped, file at most ${(largest / 1e6).toFixed(1)} MB`,
  )
  expect(longest).toBeLessThan(500)
}, 60_000)

test('the file of the log becomes smaller when much of it was dropped', async () => {
  using directory = new TemporaryDirectory()
  const clock = new TestClock()
  await using pds = await startPds({ clock, data: directory.path })
  const alice = await pds.createAccount('alice')
  for (let i = 0; i < 60; i++) await postMany(alice, 200)
  await pds.app.storeSync.flush()
  const before = logBytes(pds)
  clock.advance(73 * HOUR)

  await pds.app.upkeep.run()

  await pds.stop() // and so all that was done is in the file

  expect(before).toBeGreaterThan(1_000_000)
  expect(logBytes(pds)).toBeLessThan(before / 4)
})

test('events that the stores do not have on disk yet are kept, however old they are', async () => {
  const clock = new TestClock()
  await using pds = await startPds({ clock })
  const alice = await pds.createAccount('alice')
  await pds.app.storeSync.flush()
  const applied = pds.app.sequencer.lastSeq
  await postMany(alice, 1)
  clock.advance(73 * HOUR)

  await pds.app.upkeep.run()

  expect(pds.app.sequencer.oldest()?.seq).toBe(applied + 1)
})

test('with nothing left, a cursor from before gets what is new', async () => {
  const clock = new TestClock()
  await using pds = await startPds({ clock })
  await pds.createAccount('alice')
  await pds.app.storeSync.flush()
  const last = pds.app.sequencer.lastSeq
  expect(pds.app.sequencer.oldest()?.seq).toBe(last - 3)
  clock.advance(73 * HOUR)
  await pds.app.upkeep.run()
  await using outdated = await listen(pds, last - 1)
  await using newest = await listen(pds, last)
  await outdated.waitForFrames(1)
  await pds.createAccount('bobby')
  await Promise.all([outdated.waitForSeq(last + 4), newest.waitForSeq(last + 4)])

  const created = ['identity', 'account', 'commit', 'sync'] as const
  expect(outdated.events.map(({ type }) => type)).toEqual(['info', ...created])
  expect(newest.events.map(({ type }) => type)).toEqual([...created])
})

test('a deleted account leaves one event behind, for consumers of now and of later', async () => {
  using directory = new TemporaryDirectory()
  const before = await startPds({ data: directory.path })
  await using live = await listen(before, 0)
  const [alice, bobby] = [await before.createAccount('alice'), await before.createAccount('bobby')]
  await postMany(alice, 3)
  await postMany(bobby, 3)
  await before.admin.call('com.atproto.admin.deleteAccount', { did: alice.did })
  await postMany(bobby, 1)
  const last = before.app.sequencer.lastSeq
  await live.waitForSeq(last)
  expect(live.of(alice.did).map(({ type }) => type)).toEqual([
    'identity',
    'account',
    'commit',
    'sync',
    'commit',
    'account',
  ])

  await expectOnlyDeletion(before, alice, bobby)
  await before.app.upkeep.run() // takes them from the disk as well
  await expectOnlyDeletion(before, alice, bobby)
  await before.stop()
  await using after = await startPds({ data: directory.path })
  await expectOnlyDeletion(after, alice, bobby)
})

async function expectOnlyDeletion(pds: Pds, deleted: TestAccount, other: TestAccount): Promise<void> {
  await using consumer = await listen(pds, 0)
  await consumer.waitForSeq(pds.app.sequencer.lastSeq)
  expect(consumer.of(deleted.did)).toMatchObject([{ type: 'account', active: false, status: 'deleted' }])
  expect(consumer.of(other.did).map(({ type }) => type)).toEqual([
    'identity',
    'account',
    'commit',
    'sync',
    'commit',
    'commit',
  ])
  expect(consumer.faults).toEqual([])
}

function listen(pds: Pds, cursor: number): Promise<FirehoseConsumer> {
  return consume(pds.url, { plcUrl: `http://localhost:${pds.server.plcPort}`, cursor })
}

function seqsOf({ events }: FirehoseConsumer): number[] {
  return events.flatMap((event) => ('seq' in event ? [event.seq] : []))
}

function logBytes(pds: Pds): number {
  return statSync(join(pds.data, 'sequencer.sqlite')).size
}

async function postMany(account: TestAccount, count: number): Promise<void> {
  const writes = Array.from({ length: count }, (_, i) => ({
    $type: 'com.atproto.repo.applyWrites#create' as const,
    collection: POST,
    value: { $type: POST, text: `post ${i}`, createdAt: new Date().toISOString() },
  }))
  await account.call('com.atproto.repo.applyWrites', { repo: account.did, writes })
}

/** @returns how long each write took, in milliseconds */
async function writeUntil(account: TestAccount, ended: () => boolean): Promise<number[]> {
  const latencies: number[] = []
  while (!ended()) {
    const start = performance.now()
    await postMany(account, 1)
    latencies.push(performance.now() - start)
  }
  return latencies
}
