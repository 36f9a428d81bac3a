/** Numbers that jump ahead: durable, and never backwards. */
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import type { Did } from '#lexicon/strings.ts'
import { encodeIdentityFrame } from '#repo/events.ts'
import { type ConsumerSocket, Firehose } from '#sequencer/firehose.ts'
import { Sequencer } from '#sequencer/sequencer.ts'
import { TestClock } from '#tests/support/clock.ts'
import { TemporaryDirectory } from '#tests/support/directory.ts'
import { readFrame } from '#tests/support/independent/frame.ts'
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
  const [future, live] = [new TestSocket(), new TestSocket()]
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
  const socket = new TestSocket()
  firehose.open(socket, log.append(ALICE) + 500)
  const before = socket.closed

  firehose.release()

  expect(before).toBeNull()
  expect(socket.closed).toEqual({ code: 1008, reason: 'FutureCursor' })
})

test('a consumer that leaves while it is held is forgotten', () => {
  using log = new TestLog()
  using firehose = log.firehose({ held: true })
  const socket = new TestSocket()
  firehose.open(socket, null)

  firehose.closed(socket)
  firehose.release()
  log.append(ALICE)

  expect(firehose.counts).toEqual({ held: 0, behind: 0, atHead: 0 })
  expect(socket.seqs).toEqual([])
})

class TestLog implements Disposable {
  private readonly directory = new TemporaryDirectory()
  private readonly clock = new TestClock()
  sequencer = this.open()

  /** Announces something. @returns its number */
  append(did: Did): number {
    this.sequencer.begin()
    const encode = (seq: number, time: string) => encodeIdentityFrame({ seq, time, did })
    const seq = this.sequencer.append({ did, kind: 'identity', encode })
    this.sequencer.publish(this.sequencer.commit())
    return seq
  }

  firehose({ held }: { held: boolean }): Firehose {
    const firehose = new Firehose({ sequencer: this.sequencer }, held)
    firehose.start(() => {})
    return firehose
  }

  reopen(): void {
    this.sequencer.close()
    this.sequencer = this.open()
  }

  [Symbol.dispose](): void {
    this.sequencer.close()
    this.directory[Symbol.dispose]()
  }

  private open(): Sequencer {
    const path = join(this.directory.path, 'sequencer.sqlite')
    return new Sequencer({ path, clock: this.clock, durability: 'full' })
  }
}

class TestSocket implements ConsumerSocket {
  readonly seqs: number[] = []
  closed: { code: number; reason: string } | null = null

  send(frames: readonly Uint8Array[]): boolean {
    for (const frame of frames.map(readFrame)) if ('seq' in frame) this.seqs.push(frame.seq)
    return true
  }

  buffered(): number {
    return 0
  }

  ping(): void {}
  join(): void {}
  leave(): void {}

  close(code: number, reason: string): void {
    this.closed = { code, reason }
  }

  terminate(): void {}
}
