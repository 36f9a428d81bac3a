/**
 * The firehose: who listens, and where each of them stands.
 *
 * A consumer is at the head or behind it. Those at the head share each frame: it is broadcast once. One behind is sent
 * pages at the pace at which its socket drains, until it has what was last broadcast; in that same turn it joins the
 * broadcast, so that the seam has neither gap nor duplicate. A consumer at the head whose socket fills up leaves the
 * broadcast and continues as one behind. Pages are given out in turns of a few milliseconds, to everyone in rotation, so
 * that neither writers nor other consumers wait for those who catch up.
 *
 * What waits in a socket is bounded for each, and for all together: whoever takes nothing for `STALLED_LOOKS` is told
 * `ConsumerTooSlow` and closed, and when memory runs short the fullest are cut off.
 *
 * Frames are those of the log. Events are broadcast only when they are durable. Until `release`, consumers that connect
 * are held: connected, but sent nothing and not judged by their cursor, because the numbers may still jump ahead.
 */

import { encodeErrorFrame, encodeInfoFrame } from '#repo/events.ts'
import { SECOND } from '#std/clock.ts'
import { systemTimers, type Timers } from '#std/timers.ts'
import { logger } from '#telemetry/log.ts'
import { EventPages } from './event-pages.ts'
import type { LoggedEvent, Sequencer } from './sequencer.ts'

const log = logger('sequencer')

/** bytes that may wait in all sockets together */
const WAITING_BYTES = 128 * 1024 * 1024
/** what is left of them after some had to be cut off */
const ROOM_BYTES = 0.75 * WAITING_BYTES
/** bytes waiting in a socket above which it is sent no more until it drains: a share of half of all */
const MIN_HIGH_WATER = 64 * 1024
const MAX_HIGH_WATER = 1024 * 1024
/** a larger frame is not broadcast, but given out in turns, so that a thousand sockets do not copy it at once */
const LARGE_FRAME = 256 * 1024
/** bytes broadcast between two looks at the sockets of the consumers at the head */
const CHECK_EVERY = 64 * 1024
/** how long pages are given out before anything else gets a turn */
const TURN_MS = 4
const LOOK_MS = SECOND
/** looks during which bytes wait and none of them goes */
const STALLED_LOOKS = 30
/** looks during which nothing is heard of the other side, which is asked to answer by pings */
const SILENT_LOOKS = 120
const PING_LOOKS = 30
/** after which a follower is told that there was nothing */
const QUIET_MS = 5 * SECOND

export interface ConsumerSocket {
  /** Queues frames, in order. @returns false when not all were taken: the connection is then good for nothing */
  send(frames: readonly Uint8Array[]): boolean
  /** bytes queued that the network has not taken yet */
  buffered(): number
  ping(): void
  /** starts and stops receiving what is broadcast */
  join(): void
  leave(): void
  close(code: number, reason: string): void
  /** ends the connection without waiting for the other side */
  terminate(): void
}

export interface ConsumerCounts {
  /** that get what is new when it is broadcast */
  atHead: number
  /** that are being sent pages */
  behind: number
  /** that wait for the release */
  held: number
}

interface Consumer {
  readonly socket: ConsumerSocket
  /** the last event given to the socket, while it is behind */
  seq: number
  atHead: boolean
  /** bytes that waited in the socket when last counted */
  waiting: number
  /** looks in a row at which bytes waited and none had gone */
  stalledLooks: number
  /** looks since it took bytes or said anything */
  silentLooks: number
  /** it was told why it is dropped; it is closed when it has taken that */
  isRefused: boolean
}

/** A consumer that waits for the release. */
interface Held {
  readonly cursor: number | null
  /** what was broadcast last when it came */
  readonly since: number
}

export class Firehose {
  private readonly consumers = new Map<ConsumerSocket, Consumer>()
  private readonly held = new Map<ConsumerSocket, Held>()
  /** that get a page in the next turn, in this order */
  private readonly due = new Set<Consumer>()
  /** whose cursor is above what was broadcast */
  private readonly ahead = new Set<Consumer>()
  /** that wait for what is new */
  private readonly followers = new Set<() => void>()
  private readonly pages: EventPages
  private broadcast: ((frame: Uint8Array) => void) | null = null
  private broadcastSeq: number
  /** bytes in all sockets, as last counted */
  private waiting = 0
  private sinceCheck = 0
  private looks = 0
  /** calls the next turn off */
  private cancelTurn: (() => void) | null = null
  private cancelLook: (() => void) | null = null
  private readonly stopListening: readonly (() => void)[]

  constructor(
    private readonly deps: { sequencer: Sequencer; timers?: Timers },
    private isHeld = false,
  ) {
    const { sequencer } = deps
    this.broadcastSeq = sequencer.lastSeq
    this.pages = new EventPages(sequencer)
    this.stopListening = [
      sequencer.listen((events) => this.publish(events)),
      sequencer.onErasure((did, throughSeq) => this.pages.forget(did, throughSeq)),
    ]
  }

  get counts(): ConsumerCounts {
    let atHead = 0
    for (const consumer of this.consumers.values()) if (consumer.atHead) atHead++
    return { atHead, behind: this.consumers.size - atHead, held: this.held.size }
  }

  /** Begins to take consumers. `broadcast` sends a frame to every socket that has joined. */
  start(broadcast: (frame: Uint8Array) => void): void {
    this.broadcast = broadcast
    this.planLook()
  }

  /** Begins to send to `socket` what comes after `cursor`, or only what is new when it has none. */
  open(socket: ConsumerSocket, cursor: number | null): void {
    if (!this.broadcast) socket.close(1001, 'server is stopping')
    else if (this.isHeld) this.held.set(socket, { cursor, since: this.broadcastSeq })
    else this.admit(socket, cursor, this.broadcastSeq)
  }

  /** Lets in who was held, and from now on everyone at once. */
  release(): void {
    this.isHeld = false
    for (const [socket, { cursor, since }] of this.held) this.admit(socket, cursor, since)
    this.held.clear()
  }

  /**
   * What comes after `cursor`, or only what is new, a page at a time, for readers in this process; an empty page when
   * there was nothing for a while. Ends when the server stops, or where none runs, at the end of the log.
   */
  async *follow(cursor: number | null): AsyncGenerator<readonly LoggedEvent[], void> {
    for (let seq = cursor ?? this.broadcastSeq; ; ) {
      while (seq < this.broadcastSeq) {
        const { events, through } = this.pages.page(seq, this.broadcastSeq)
        seq = through
        yield events
      }
      if (!this.broadcast) return
      if (!(await this.news())) yield []
    }
  }

  /** Sends an error frame to a socket that was sent nothing yet, and closes it. */
  refuse(socket: ConsumerSocket, error: string, message: string): void {
    socket.send([encodeErrorFrame({ error, message })])
    socket.close(1008, error)
  }

  /** The socket has taken some of what was waiting. */
  drained(socket: ConsumerSocket): void {
    const consumer = this.consumers.get(socket)
    if (!consumer) return
    heard(consumer)
    this.count(consumer)
    if (consumer.isRefused) this.closeIfTaken(consumer)
    else if (!consumer.atHead) this.plan(consumer)
  }

  /** The other side has said something. */
  heard(socket: ConsumerSocket): void {
    const consumer = this.consumers.get(socket)
    if (consumer) consumer.silentLooks = 0
  }

  closed(socket: ConsumerSocket): void {
    this.held.delete(socket)
    const consumer = this.consumers.get(socket)
    if (!consumer) return
    this.waiting -= consumer.waiting
    this.consumers.delete(socket)
    this.due.delete(consumer)
    this.ahead.delete(consumer)
  }

  /** Ends every connection and takes no more: the server stops. */
  stop(): void {
    this.broadcast = null
    this.cancelLook?.()
    this.cancelTurn?.()
    this.cancelTurn = null
    for (const socket of [...this.consumers.keys(), ...this.held.keys()]) {
      this.closed(socket)
      socket.close(1001, 'server is stopping')
    }
    for (const tell of this.followers) tell()
  }

  [Symbol.dispose](): void {
    for (const stop of this.stopListening) stop()
    this.stop()
  }

  /** @param since where it starts when it has no cursor */
  private admit(socket: ConsumerSocket, cursor: number | null, since: number): void {
    const { sequencer } = this.deps
    if (cursor !== null && cursor > sequencer.lastSeq) {
      this.refuse(socket, 'FutureCursor', 'Cursor in the future.')
      return
    }
    const consumer = {
      socket,
      seq: cursor ?? since,
      atHead: false,
      waiting: 0,
      stalledLooks: 0,
      silentLooks: 0,
      isRefused: false,
    }
    this.consumers.set(socket, consumer)
    if (consumer.seq < this.broadcastSeq) this.plan(consumer)
    else this.advance(consumer)
  }

  private publish(events: readonly LoggedEvent[]): void {
    for (const event of events) {
      if (this.deps.sequencer.isErased(event)) continue
      const { seq, frame } = event
      const isLarge = frame.length > LARGE_FRAME
      if (isLarge) for (const consumer of this.consumers.values()) this.fallBehind(consumer)
      this.pages.push(event)
      this.broadcastSeq = seq
      if (!isLarge) this.share(frame)
    }
    for (const consumer of this.ahead) this.plan(consumer)
    this.ahead.clear()
    for (const tell of this.followers) tell()
  }

  /** Waits until something is broadcast or the server stops. @returns false when nothing was for a while */
  private news(): Promise<boolean> {
    const { timers = systemTimers } = this.deps
    return new Promise((resolve) => {
      const tell = () => end(true)
      const end = (isNew: boolean) => {
        cancel()
        this.followers.delete(tell)
        resolve(isNew)
      }
      const cancel = timers.after(QUIET_MS, () => end(false))
      this.followers.add(tell)
    })
  }

  private share(frame: Uint8Array): void {
    this.broadcast?.(frame)
    this.sinceCheck += frame.length
    if (this.sinceCheck < CHECK_EVERY) return
    this.sinceCheck = 0
    const limit = this.highWater
    for (const consumer of this.consumers.values()) {
      if (consumer.atHead && this.count(consumer) > limit) this.fallBehind(consumer)
    }
  }

  /** Takes a consumer out of the broadcast; it has everything up to `broadcastSeq`. */
  private fallBehind(consumer: Consumer): void {
    if (!consumer.atHead) return
    consumer.socket.leave()
    consumer.atHead = false
    consumer.seq = this.broadcastSeq
    this.plan(consumer)
  }

  private plan(consumer: Consumer): void {
    this.due.add(consumer)
    if (this.cancelTurn) return
    const turn = setImmediate(() => this.giveTurn())
    this.cancelTurn = () => clearImmediate(turn)
  }

  private giveTurn(): void {
    const end = performance.now() + TURN_MS
    for (const consumer of this.due) {
      this.due.delete(consumer)
      this.advance(consumer) // who is not done is added again, behind the others
      if (performance.now() >= end) break
    }
    this.cancelTurn = null
    if (this.due.size === 0 || !this.broadcast) return
    // a timer, because Bun does immediates that immediates ask for at once: requests would wait for seconds
    const turn = setTimeout(() => this.giveTurn(), 0)
    this.cancelTurn = () => clearTimeout(turn)
  }

  /** Sends a page, or lets join, unless the socket is full: then it goes on when that has drained. */
  private advance(consumer: Consumer): void {
    const { socket } = consumer
    if (consumer.atHead || consumer.isRefused || !this.consumers.has(socket)) return
    if (this.count(consumer) >= this.highWater) return
    if (consumer.seq < this.deps.sequencer.prunedThrough && !this.skipPruned(consumer)) return
    if (consumer.seq < this.broadcastSeq) {
      const { events, through } = this.pages.page(consumer.seq, this.broadcastSeq)
      consumer.seq = through
      if (!this.send(consumer, framesOf(events))) return
    }
    if (consumer.seq < this.broadcastSeq) this.plan(consumer)
    else if (consumer.seq > this.broadcastSeq) this.ahead.add(consumer)
    else this.join(consumer)
  }

  /** Goes on from the oldest event there is: the consumer came too late for others, or was too slow. */
  private skipPruned(consumer: Consumer): boolean {
    consumer.seq = this.deps.sequencer.prunedThrough
    const message = 'Requested cursor exceeded limit. Possibly missing events'
    return this.send(consumer, [encodeInfoFrame({ name: 'OutdatedCursor', message })])
  }

  private join(consumer: Consumer): void {
    consumer.socket.join()
    consumer.atHead = true
  }

  /** @returns whether the consumer is still there */
  private send(consumer: Consumer, frames: readonly Uint8Array[]): boolean {
    if (frames.length === 0) return true
    if (!consumer.socket.send(frames)) {
      this.cutOff(consumer)
      return false
    }
    this.count(consumer)
    if (this.waiting > WAITING_BYTES) this.makeRoom()
    return this.consumers.has(consumer.socket)
  }

  /** Notes how much waits in the socket. */
  private count(consumer: Consumer): number {
    const buffered = consumer.socket.buffered()
    this.waiting += buffered - consumer.waiting
    consumer.waiting = buffered
    return buffered
  }

  private get highWater(): number {
    const share = WAITING_BYTES / 2 / this.consumers.size
    return Math.min(MAX_HIGH_WATER, Math.max(MIN_HIGH_WATER, share))
  }

  /** Cuts off those for whom most waits, until there is room again. */
  private makeRoom(): void {
    for (const consumer of this.consumers.values()) this.count(consumer)
    if (this.waiting <= WAITING_BYTES) return
    const fullest = [...this.consumers.values()].sort((a, b) => b.waiting - a.waiting)
    let count = 0
    for (; this.waiting > ROOM_BYTES; count++) {
      const consumer = fullest[count]
      if (!consumer) break
      this.cutOff(consumer)
    }
    log.warn('consumers cut off for want of memory', { consumers: count, left: this.consumers.size })
  }

  private planLook(): void {
    const { timers = systemTimers } = this.deps
    this.cancelLook?.()
    this.cancelLook = timers.after(LOOK_MS, () => {
      this.planLook()
      this.look()
    })
  }

  /** Sends those behind on, pings, and drops who takes nothing or is not heard of. */
  private look(): void {
    const isPing = ++this.looks % PING_LOOKS === 0
    const limit = this.highWater
    for (const consumer of this.consumers.values()) {
      const before = consumer.waiting
      const waiting = this.count(consumer)
      if (waiting < before) heard(consumer)
      consumer.stalledLooks = waiting > 0 ? consumer.stalledLooks + 1 : 0
      consumer.silentLooks++
      if (consumer.stalledLooks > STALLED_LOOKS || consumer.silentLooks > SILENT_LOOKS) this.drop(consumer)
      else if (consumer.atHead && waiting > limit) this.fallBehind(consumer)
      else if (!consumer.atHead) this.plan(consumer)
      if (isPing && waiting === 0) consumer.socket.ping()
    }
    if (this.waiting > WAITING_BYTES) this.makeRoom()
  }

  /** Tells a consumer that it is too slow; who does not even take that is cut off. */
  private drop(consumer: Consumer): void {
    if (consumer.isRefused) {
      this.cutOff(consumer)
      return
    }
    log.info('consumer is too slow', { waitingBytes: consumer.waiting })
    if (consumer.atHead) consumer.socket.leave()
    consumer.atHead = false
    consumer.isRefused = true
    heard(consumer)
    const message = 'Stream consumer too slow'
    if (this.send(consumer, [encodeErrorFrame({ error: 'ConsumerTooSlow', message })]))
      this.closeIfTaken(consumer)
  }

  private closeIfTaken({ socket, waiting }: Consumer): void {
    if (waiting > 0) return
    this.closed(socket)
    socket.close(1008, 'ConsumerTooSlow')
  }

  private cutOff({ socket }: Consumer): void {
    this.closed(socket)
    socket.terminate()
  }
}

function heard(consumer: Consumer): void {
  consumer.stalledLooks = 0
  consumer.silentLooks = 0
}

function framesOf(events: readonly LoggedEvent[]): Uint8Array[] {
  return events.map(({ frame }) => frame)
}
