/** An event log in a directory of its own, and consumers of its firehose whose sockets a test fills and empties. */
import { join } from 'node:path'
import type { Did } from '#lexicon/strings.ts'
import { decodeFrame, encodeIdentityFrame, encodeSyncFrame, type FirehoseEvent } from '#repo/events.ts'
import { type ConsumerSocket, Firehose } from '#sequencer/firehose.ts'
import { type LoggedEvent, Sequencer } from '#sequencer/sequencer.ts'
import { configureLog } from '#telemetry/log.ts'
import { TemporaryDirectory } from '#tests/support/directory.ts'
import { didNamed } from '#tests/support/service.ts'
import { TestTimers } from '#tests/support/timers.ts'

configureLog({ level: 'error' })

const REV = '3k22222222222'

export class TestLog implements Disposable {
  private readonly directory = new TemporaryDirectory()
  readonly timers = new TestTimers()
  sequencer = this.open()

  /** Announces something. @returns its number */
  append(did: Did = didNamed('alice')): number {
    const seq = this.log(did)
    this.publish()
    return seq
  }

  /** Announces something of about so many bytes. @returns its number */
  appendLarge(bytes: number, did: Did = didNamed('alice')): number {
    const seq = this.log(did, bytes)
    this.publish()
    return seq
  }

  /** Logs something, which is not broadcast before `publish`. @returns its number */
  log(did: Did = didNamed('alice'), bytes = 0): number {
    this.sequencer.begin()
    const encode = (seq: number, time: string) =>
      bytes === 0
        ? encodeIdentityFrame({ seq, time, did })
        : encodeSyncFrame({ seq, time, did, rev: REV as never, blocks: new Uint8Array(bytes) })
    const seq = this.sequencer.append({ did, kind: bytes === 0 ? 'identity' : 'sync', encode })
    this.logged.push(...this.sequencer.commit())
    return seq
  }

  publish(): void {
    this.sequencer.publish(this.logged.splice(0))
  }

  private readonly logged: LoggedEvent[] = []

  /** A firehose that broadcasts to the sockets of this log. */
  firehose({ held = false }: { held?: boolean } = {}): Firehose {
    const firehose = new Firehose({ sequencer: this.sequencer, timers: this.timers }, held)
    firehose.start((frame) => {
      for (const socket of this.joined) socket.take(frame)
    })
    return firehose
  }

  /** A socket that takes what is broadcast when it has joined. */
  socket(): TestSocket {
    return new TestSocket(this.joined)
  }

  private readonly joined = new Set<TestSocket>()

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
    return new Sequencer({ path, clock: this.timers, durability: 'full' })
  }
}

/** A connection. Its other side takes everything at once, unless `stalls`; then bytes wait until `drain`. */
export class TestSocket implements ConsumerSocket {
  readonly frames: FirehoseEvent[] = []
  stalls = false
  /** nothing more is taken */
  broken = false
  closed: { code: number; reason: string } | null = null
  terminated = false
  pings = 0
  private waiting = 0

  constructor(private readonly joined: Set<TestSocket>) {}

  get seqs(): number[] {
    return this.frames.flatMap((frame) => ('seq' in frame ? [frame.seq] : []))
  }

  /** Takes so many bytes of what waits. */
  drain(bytes: number = this.waiting): void {
    this.waiting -= Math.min(bytes, this.waiting)
  }

  take(bytes: Uint8Array): void {
    if (this.closed || this.terminated) throw new Error('a frame for a connection that was closed')
    if (this.stalls) this.waiting += bytes.length
    const frame = decodeFrame(bytes)
    this.frames.push('blocks' in frame ? { ...frame, blocks: new Uint8Array(0) } : frame)
  }

  send(frames: readonly Uint8Array[]): boolean {
    if (this.broken) return false
    for (const frame of frames) this.take(frame)
    return true
  }

  buffered(): number {
    return this.waiting
  }

  ping(): void {
    this.pings++
  }

  join(): void {
    this.joined.add(this)
  }

  leave(): void {
    this.joined.delete(this)
  }

  close(code: number, reason: string): void {
    this.joined.delete(this)
    this.closed = { code, reason }
  }

  terminate(): void {
    this.joined.delete(this)
    this.terminated = true
  }
}
