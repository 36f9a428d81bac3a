/** Numbers that jump ahead: durable, and never backwards. */
import { expect, test } from 'bun:test'
import { TestLog } from '#tests/support/event-log.ts'
import { didNamed } from '#tests/support/service.ts'
import { until } from '#tests/support/until.ts'

const ALICE = didNamed('alice')

test('events after a jump are numbered above it', () => {
  using log = new TestLog()
  const before = log.append(ALICE)

  log.sequencer.bump(before + 1_000_000)

  expect(log.sequencer.lastSeq).toBe(before + 1_000_000)
  expect(log.append(ALICE)).toBe(before + 1_000_001)
})

test('a jump outlasts a restart', () => {
  using log = new TestLog()
  const to = log.append(ALICE) + 1000

  log.sequencer.bump(to)
  log.reopen()

  expect(log.append(ALICE)).toBe(to + 1)
})

test.each([
  ['back', (last: number) => last - 1],
  ['to the last number', (last: number) => last],
  ['to a fraction', (last: number) => last + 0.5],
  ['to no number', () => Number.NaN],
  ['near the end of numbers', () => Number.MAX_SAFE_INTEGER],
])('a jump %s is refused', (_, target) => {
  using log = new TestLog()
  const last = log.append(ALICE)

  const jump = () => log.sequencer.bump(target(last))

  expect(jump).toThrow(expect.objectContaining({ code: 'SequenceRefused', kind: 'invalid' }))
  expect(log.append(ALICE)).toBe(last + 1)
})

test('a held consumer is sent nothing, and judged by the numbers after the jump', async () => {
  using log = new TestLog()
  using firehose = log.firehose({ held: true })
  const last = log.append(ALICE)
  const [future, live] = [log.socket(), log.socket()]
  firehose.open(future, last + 500)
  firehose.open(live, null)
  const missed = log.append(ALICE)
  log.sequencer.bump(last + 1000)
  const heldFrames = [...future.seqs, ...live.seqs]

  firehose.release()
  await until(() => live.seqs.length > 0)

  expect(heldFrames).toEqual([])
  expect(future.closed).toBeNull()
  expect(future.seqs).toEqual([])
  expect(live.seqs).toEqual([missed])
  expect(firehose.counts).toMatchObject({ held: 0, behind: 1, atHead: 1 })
})

test('a held consumer whose cursor is still ahead is refused when it is let in', () => {
  using log = new TestLog()
  using firehose = log.firehose({ held: true })
  const socket = log.socket()
  firehose.open(socket, log.append(ALICE) + 500)
  const before = socket.closed

  firehose.release()

  expect(before).toBeNull()
  expect(socket.closed).toEqual({ code: 1008, reason: 'FutureCursor' })
})

test('a consumer that leaves while it is held is forgotten', () => {
  using log = new TestLog()
  using firehose = log.firehose({ held: true })
  const socket = log.socket()
  firehose.open(socket, null)

  firehose.closed(socket)
  firehose.release()
  log.append(ALICE)

  expect(firehose.counts).toEqual({ held: 0, behind: 0, atHead: 0 })
  expect(socket.seqs).toEqual([])
})
