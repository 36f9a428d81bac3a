/** What is too much for one event is refused as a whole, measured on the event that would be sent. */
import { expect, test } from 'bun:test'
import type { Did, Nsid } from '#lexicon/strings.ts'
import type { RecordWrite } from '#records/write.ts'
import { consume, type FirehoseConsumer } from '#tests/support/firehose-consumer.ts'
import { type Pds, startPds } from '#tests/support/pds.ts'

const NOTE = 'com.example.note' as Nsid
const MAX_BLOCKS = 2_000_000

test('an event may have 200 operations and no more', async () => {
  await using pds = await startPds()
  const { did } = await pds.createAccount('alice')
  await using consumer = await listen(pds)

  await write(pds, did, 200, 100)
  const refused = write(pds, did, 201, 100)

  await expect(refused).rejects.toMatchObject({
    code: 'InvalidRequest',
    message: 'Too many writes. Max: 200',
  })
  await consumer.waitForSeq(pds.app.sequencer.lastSeq)
  expect(consumer.events).toMatchObject([{ type: 'commit' }])
  expect(consumer.events.map((event) => event.type === 'commit' && event.ops.length)).toEqual([200])
  expect(consumer.faults).toEqual([])
})

test('the blocks of an event may have 2,000,000 bytes and no more', async () => {
  await using pds = await startPds()
  const { did } = await pds.createAccount('alice')
  await using consumer = await listen(pds)
  const sizes: number[] = []
  let [fits, tooLarge] = [9000, 10_500]
  while (tooLarge - fits > 1) {
    const size = (fits + tooLarge) >>> 1
    const head = pds.app.repos.head(did)
    const before = pds.app.sequencer.lastSeq
    const refusal = await write(pds, did, 200, size).then(
      () => null,
      (error: unknown) => error,
    )
    if (refusal === null) {
      fits = size
      sizes.push(size)
      await discard(pds, did)
    } else {
      tooLarge = size
      expect(refusal).toMatchObject({
        code: 'InvalidRequest',
        message: 'Too many writes. Max event size: 2MB',
      })
      expect(pds.app.repos.head(did)).toEqual(head)
      expect(pds.app.sequencer.lastSeq).toBe(before)
    }
  }
  await consumer.waitForSeq(pds.app.sequencer.lastSeq)

  const blocks = consumer.events.flatMap((event) => (event.type === 'commit' ? [event.blocks.length] : []))
  expect(Math.max(...blocks)).toBeLessThanOrEqual(MAX_BLOCKS)
  expect(Math.max(...blocks)).toBeGreaterThan(MAX_BLOCKS - 1000) // 200 records that are a byte or two smaller, and nodes
  expect(sizes.length).toBeGreaterThan(2)
  expect(consumer.faults).toEqual([])
}, 60_000)

function listen(pds: Pds): Promise<FirehoseConsumer> {
  return consume(pds.url, { plcUrl: `http://localhost:${pds.server.plcPort}` })
}

/** Over HTTP a body would be too large before the event is. The keys are the same every time, and so are the nodes. */
async function write(pds: Pds, did: Did, count: number, size: number): Promise<void> {
  const record = (n: number) => ({ $type: NOTE, n, text: 'x'.repeat(size) })
  const writes = Array.from(
    { length: count },
    (_, n): RecordWrite => ({
      action: 'create',
      collection: NOTE,
      rkey: `note${n}` as never,
      record: record(n),
    }),
  )
  await pds.app.records.write(did, writes)
}

async function discard(pds: Pds, did: Did): Promise<void> {
  const writes = Array.from(
    { length: 200 },
    (_, n): RecordWrite => ({
      action: 'delete',
      collection: NOTE,
      rkey: `note${n}` as never,
    }),
  )
  await pds.app.records.write(did, writes)
}
