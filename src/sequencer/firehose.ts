/**
 * The firehose: who listens, and where each of them stands.
 *
 * A consumer is at the head or behind it. Those at the head share each frame: it is broadcast once. One behind is sent
 * pages, from the ring of recent events or from the log, at the pace at which its socket drains, until it has what was
 * last broadcast; in that same turn it joins the broadcast, so that the seam has neither gap nor duplicate. A consumer
 * at the head whose socket fills up leaves the broadcast and continues as one behind. It costs a bounded buffer, however
 * far behind it is; one that takes nothing for `STALLED_MS` is told `ConsumerTooSlow` and closed.
 *
 * Frames are those of the log. Events are broadcast only when they are durable. Until `release`, consumers that connect
 * are held: connected, but sent nothing and not judged by their cursor, because the numbers may still jump ahead.
 */

import type { Did } from '#lexicon/strings.ts'
import { encodeErrorFrame, encodeInfoFrame } from '#repo/events.ts'
import type { Clock } from '#std/clock.ts'
import type { LoggedEvent, Sequencer } from './sequencer.ts'

/** bytes waiting in a socket above which a consumer is sent no more until it drains */
const HIGH_WATER = 1024 * 1024
/** bytes broadcast between two looks at the sockets of the consumers at the head */
const LOOK_EVERY = 256 * 1024
const PAGE_EVENTS = 100
const RING_BYTES = 8 * 1024 * 1024
const STALLED_MS = 30_000
const LOOK_MS = 1000

export interface ConsumerSocket {
  send(frame: Uint8Array): void
  /** bytes accepted by `send` that the network has not taken yet */
  buffered(): number
  /** starts and stops receiving what is broadcast */
  join(): void
  leave(): void
  close(code: number, reason: string): void
  /** ends the connection without waiting for the other side */
  terminate(): void
}

interface Consumer {
  readonly socket: ConsumerSocket
  /** the last event given to the socket */
  seq: number
  atHead: boolean
  /** bytes that were waiting when last looked at, and since when none of them went */
  waiting: number
  stalledSince: number | null
  closing: boolean
}

/** A consumer that waits for the release. */
interface Held {
  readonly cursor: number | null
  /** what was broadcast last when it came */
  readonly since: number
}

export class Firehose {
  private readonly held = new Map<ConsumerSocket, Held>()
  private readonly consumers = new Map<ConsumerSocket, Consumer>()
  private ring: LoggedEvent[] = []
  private ringBytes = 0
  private broadcastSeq: number
  private sinceLook = 0
  private readonly stopListening: (() => void)[]
  private readonly looking: ReturnType<typeof setInterval>

  constructor(
    private readonly deps: { sequencer: Sequencer; clock: Clock; broadcast: (frame: Uint8Array) => void },
    private isHeld = false,
  ) {
    this.broadcastSeq = deps.sequencer.lastSeq
    this.stopListening = [
      deps.sequencer.listen((events) => this.publish(events)),
      deps.sequencer.onErasure((did, throughSeq) => this.forget(did, throughSeq)),
    ]
    this.looking = setInterval(() => this.look(), LOOK_MS)
    this.looking.unref()
  }

  get consumerCount(): number {
    return this.consumers.size + this.held.size
  }

  /** Consumers that are being sent pages. */
  get behindCount(): number {
    let count = 0
    for (const consumer of this.consumers.values()) if (!consumer.atHead) count++
    return count
  }

  /** Begins to send to `socket` what comes after `cursor`, or only what is new when it has none. */
  open(socket: ConsumerSocket, cursor: number | null): void {
    if (this.isHeld) this.held.set(socket, { cursor, since: this.broadcastSeq })
    else this.admit(socket, cursor, this.broadcastSeq)
  }

  /** Lets in who was held, and from now on everyone at once. */
  release(): void {
    this.isHeld = false
    for (const [socket, { cursor, since }] of this.held) this.admit(socket, cursor, since)
    this.held.clear()
  }

  /** @param since where it starts when it has no cursor */
  private admit(socket: ConsumerSocket, cursor: number | null, since: number): void {
    const { sequencer } = this.deps
    if (cursor !== null && cursor > this.broadcastSeq && cursor > sequencer.lastSeq) {
      this.refuse(socket, 'FutureCursor', 'Cursor in the future.')
      return
    }
    const consumer: Consumer = {
      socket,
      seq: cursor ?? since,
      atHead: false,
      waiting: 0,
      stalledSince: null,
      closing: false,
    }
    this.consumers.set(socket, consumer)
    if (cursor !== null && cursor < sequencer.prunedThrough) {
      socket.send(
        encodeInfoFrame({
          name: 'OutdatedCursor',
          message: 'Requested cursor exceeded limit. Possibly missing events',
        }),
      )
    }
    this.advance(consumer)
  }

  /** Sends an error frame and closes. */
  refuse(socket: ConsumerSocket, error: string, message: string): void {
    socket.send(encodeErrorFrame({ error, message }))
    socket.close(1008, error)
  }

  /** The socket has taken what was waiting. */
  drained(socket: ConsumerSocket): void {
    const consumer = this.consumers.get(socket)
    if (!consumer) return
    consumer.stalledSince = null
    this.advance(consumer)
  }

  closed(socket: ConsumerSocket): void {
    this.consumers.delete(socket)
    this.held.delete(socket)
  }

  /** Ends every connection: the server stops. */
  [Symbol.dispose](): void {
    clearInterval(this.looking)
    for (const stop of this.stopListening) stop()
    for (const socket of [...this.consumers.keys(), ...this.held.keys()]) {
      socket.close(1001, 'server is stopping')
    }
    this.consumers.clear()
    this.held.clear()
  }

  private publish(events: readonly LoggedEvent[]): void {
    for (const event of events) {
      this.deps.broadcast(event.frame)
      this.ring.push(event)
      this.ringBytes += event.frame.length
      this.sinceLook += event.frame.length
      this.broadcastSeq = event.seq
    }
    this.trimRing()
    if (this.sinceLook < LOOK_EVERY) return
    this.sinceLook = 0
    for (const consumer of this.consumers.values()) {
      if (consumer.atHead && consumer.socket.buffered() > HIGH_WATER) this.fallBehind(consumer)
    }
  }

  private forget(did: Did, throughSeq: number): void {
    this.ring = this.ring.filter((event) => event.did !== did || event.seq > throughSeq)
    this.ringBytes = this.ring.reduce((sum, { frame }) => sum + frame.length, 0)
  }

  private trimRing(): void {
    let drop = 0
    while (this.ringBytes > RING_BYTES) this.ringBytes -= this.ring[drop++]?.frame.length ?? 0
    if (drop > 0) this.ring = this.ring.slice(drop)
  }

  private fallBehind(consumer: Consumer): void {
    consumer.socket.leave()
    consumer.atHead = false
    consumer.seq = this.broadcastSeq
  }

  /** Sends a page, and goes on in the next turn, until the socket is full or the consumer is at the head. */
  private advance(consumer: Consumer): void {
    const { socket } = consumer
    if (consumer.atHead || consumer.closing || !this.consumers.has(socket) || socket.buffered() >= HIGH_WATER)
      return
    if (consumer.seq < this.broadcastSeq) {
      const { events, through } = this.page(consumer.seq)
      for (const { frame } of events) socket.send(frame)
      consumer.seq = through
    }
    if (consumer.seq < this.broadcastSeq) {
      setImmediate(() => this.advance(consumer))
      return
    }
    socket.join()
    consumer.atHead = true
  }

  /** The next events that have been broadcast, and the number up to which these are all. */
  private page(after: number): { events: readonly LoggedEvent[]; through: number } {
    const oldest = this.ring[0]
    if (oldest && oldest.seq <= after) {
      const from = firstAbove(this.ring, after)
      const events = this.ring.slice(from, from + PAGE_EVENTS)
      return { events, through: events.at(-1)?.seq ?? this.broadcastSeq }
    }
    return this.deps.sequencer.page(after, this.broadcastSeq, PAGE_EVENTS)
  }

  /** Once a second: sends those who fell behind on, and drops those who take nothing. */
  private look(): void {
    const now = this.deps.clock.now()
    for (const consumer of this.consumers.values()) {
      const buffered = consumer.socket.buffered()
      if (consumer.atHead && buffered > HIGH_WATER) this.fallBehind(consumer)
      const moves = buffered === 0 || buffered < consumer.waiting
      consumer.waiting = buffered
      if (moves) consumer.stalledSince = null
      else consumer.stalledSince ??= now
      if (consumer.atHead) continue
      if (consumer.stalledSince !== null && now - consumer.stalledSince >= STALLED_MS) this.drop(consumer)
      else this.advance(consumer)
    }
  }

  private drop(consumer: Consumer): void {
    const { socket } = consumer
    if (consumer.closing) {
      socket.terminate()
      this.closed(socket)
      return
    }
    consumer.closing = true
    consumer.stalledSince = null
    this.refuse(socket, 'ConsumerTooSlow', 'Stream consumer too slow')
  }
}

/** Index of the first event with a number above `seq`, in a list that is in order. */
function firstAbove(events: readonly LoggedEvent[], seq: number): number {
  let low = 0
  let high = events.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((events[middle]?.seq ?? 0) <= seq) low = middle + 1
    else high = middle
  }
  return low
}
