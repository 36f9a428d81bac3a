/**
 * What consumers behind the head are sent: the newest events from memory, older ones from the log. Pages that were read
 * from the log are kept for a while. Consumers who come back together stand at about the same place, and whoever was
 * given a page stands at its end, so that many of them cost about as much reading as one.
 */
import type { Did } from '#lexicon/strings.ts'
import type { LoggedEvent, Sequencer } from './sequencer.ts'

/** bytes of the newest events that stay in memory */
const RING_BYTES = 8 * 1024 * 1024
/** bytes of a page, unless its first event alone is larger */
const PAGE_BYTES = 128 * 1024
const KEPT_PAGES_BYTES = 4 * 1024 * 1024

/** All events there are above one number and up to another. */
interface Page {
  readonly after: number
  readonly through: number
  readonly events: readonly LoggedEvent[]
}

export class EventPages {
  private ring: LoggedEvent[] = []
  private ringBytes = 0
  /** every event above it is in the ring */
  private ringAfter: number
  /** the one that was used last at the end */
  private kept: Page[] = []

  constructor(private readonly sequencer: Sequencer) {
    this.ringAfter = sequencer.lastSeq
  }

  /** Adds the newest event. */
  push(event: LoggedEvent): void {
    this.ring.push(event)
    this.ringBytes += event.frame.length
    if (this.ringBytes > RING_BYTES) this.trim()
  }

  /** The next events above `after` and none above `upTo`: all there are up to `through`. */
  page(after: number, upTo: number): { events: readonly LoggedEvent[]; through: number } {
    if (after >= this.ringAfter) return this.fromRing(after, upTo)
    const page = this.keptPage(after) ?? this.read(after, upTo)
    return { events: page.events.slice(firstAbove(page.events, after)), through: page.through }
  }

  /** Forgets the events of `did` up to `throughSeq`. */
  forget(did: Did, throughSeq: number): void {
    this.ring = this.ring.filter((event) => event.did !== did || event.seq > throughSeq)
    this.ringBytes = bytesOf(this.ring)
    this.kept = []
  }

  private trim(): void {
    let drop = 0
    for (; this.ringBytes > RING_BYTES; drop++) {
      const { seq, frame } = this.ring[drop] as LoggedEvent
      this.ringBytes -= frame.length
      this.ringAfter = seq
    }
    this.ring = this.ring.slice(drop)
  }

  private fromRing(after: number, upTo: number): { events: readonly LoggedEvent[]; through: number } {
    const from = firstAbove(this.ring, after)
    let to = from
    for (let bytes = 0; to < this.ring.length; to++) {
      bytes += this.ring[to]?.frame.length ?? 0
      if (bytes > PAGE_BYTES && to > from) break
    }
    const through = to < this.ring.length ? this.ring[to - 1]?.seq : upTo
    return { events: this.ring.slice(from, to), through: through ?? upTo }
  }

  private keptPage(after: number): Page | undefined {
    const page = this.kept.find((candidate) => candidate.after <= after && after < candidate.through)
    if (!page) return undefined
    this.kept = [...this.kept.filter((other) => other !== page), page]
    return page
  }

  private read(after: number, upTo: number): Page {
    const page = { after, ...this.sequencer.page(after, upTo, PAGE_BYTES) }
    this.kept.push(page)
    let bytes = 0
    const from = this.kept.findLastIndex(({ events }) => {
      bytes += bytesOf(events)
      return bytes > KEPT_PAGES_BYTES
    })
    this.kept = this.kept.slice(from + 1)
    return page
  }
}

function bytesOf(events: readonly LoggedEvent[]): number {
  let bytes = 0
  for (const { frame } of events) bytes += frame.length
  return bytes
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
