/**
 * How fast accounts may be announced anew. A relay takes so many events of a host in a second, an hour and a day, and
 * lets the rest wait or drops it; the accounts' own writes must find room in there too, so this takes half.
 *
 * The limits of Bluesky's relay for a host that it does not know better: 50 + n/1000, 2500 + n and 20000 + 10 n events,
 * n being the accounts that it allows, at least 100.
 */
import { type Clock, DAY, HOUR, SECOND } from '#std/clock.ts'

/** Accounts that a relay takes of a host until its operator is asked for more. */
export const DEFAULT_ACCOUNT_LIMIT = 100

/** twice in the second after a rest */
const PER_SECOND = 12
/** of what an hour allows, how much may go at once: all accounts of a small host */
const BURST = 300

export class EventPace {
  private readonly second: Bucket
  private readonly long: Bucket

  constructor(private readonly deps: { clock: Clock; accountCount: () => number }) {
    const now = deps.clock.now()
    this.second = new Bucket(PER_SECOND, now)
    this.long = new Bucket(BURST, now)
  }

  /** Takes room for `count` events. @returns 0, or the milliseconds to wait before asking again: nothing was taken then */
  take(count: number): number {
    const now = this.deps.clock.now()
    const wait = Math.max(
      this.second.waitFor(count, PER_SECOND / SECOND, now),
      this.long.waitFor(count, this.perMillisecond, now),
    )
    if (wait > 0) return wait
    this.second.spend(count)
    this.long.spend(count)
    return 0
  }

  private get perMillisecond(): number {
    const allowed = Math.max(DEFAULT_ACCOUNT_LIMIT, this.deps.accountCount())
    return Math.min((2500 + allowed) / HOUR, (20_000 + 10 * allowed) / DAY) / 2
  }
}

/** Fills at a steady rate up to its size. */
class Bucket {
  private level: number

  constructor(
    private readonly size: number,
    private filledAt: number,
  ) {
    this.level = size
  }

  /** @returns milliseconds until it holds `count` */
  waitFor(count: number, rate: number, now: number): number {
    this.level = Math.min(this.size, this.level + Math.max(0, now - this.filledAt) * rate)
    this.filledAt = now
    return this.level >= count ? 0 : Math.ceil((count - this.level) / rate)
  }

  spend(count: number): void {
    this.level -= count
  }
}
