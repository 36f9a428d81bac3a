import type { Window } from '#ratelimit/limits.ts'
import { type Link, LinkedList } from '#std/linked-list.ts'

/** More than the bits of any count of points. */
const LEVELS = 33

/**
 * Points used by each key in the window that began with its first use.
 *
 * Entries end in the order in which they were made, and each new one clears away two that have. When `maxKeys` are live,
 * a new key takes the place of one that has used least, and begins with what that one has used. So nobody wins points
 * back by filling the table with other keys: whoever was put out comes back with about as much as before, and to put out
 * a key that has used n points takes `maxKeys` times half of that. Nor are newcomers shut out: as a rule they begin
 * with the one point of a passer-by. Entries are grouped by the number of bits of what they have used, so that all this
 * takes constant time.
 * @see https://www.cs.ucsb.edu/sites/default/files/documents/2005-23.pdf ("Space-Saving")
 */
export class FixedWindow {
  private readonly entries = new Map<string, Entry>()
  /** the one that ends first, first */
  private readonly byAge = new LinkedList<Entry>()
  private readonly levels = Array.from({ length: LEVELS }, () => new LinkedList<Entry>())

  constructor(
    readonly window: Window,
    /** keys that are kept at once */
    private readonly maxKeys: number,
  ) {}

  get size(): number {
    return this.entries.size
  }

  /** The points that `key` has left, and when it gets all back. */
  look(key: string, now: number): { left: number; resetAt: number } {
    const { points, windowMs } = this.window
    const entry = this.live(key, now)
    if (entry) return { left: points - entry.used, resetAt: entry.resetAt }
    return { left: points - (this.displaced(now)?.used ?? 0), resetAt: now + windowMs }
  }

  use(key: string, points: number, now: number): void {
    const live = this.live(key, now)
    if (live) {
      live.use(points, this.levels)
      return
    }
    this.remove(this.entries.get(key))
    const displaced = this.displaced(now)
    this.remove(displaced)
    this.clearEnded(now)
    const entry = new Entry(key, now + this.window.windowMs, this.byAge, this.levels)
    entry.use((displaced?.used ?? 0) + points, this.levels)
    this.entries.set(key, entry)
  }

  private live(key: string, now: number): Entry | null {
    const entry = this.entries.get(key)
    return entry && entry.resetAt > now ? entry : null
  }

  /** What has to go for a new key: nothing as long as there is room or something that has ended. */
  private displaced(now: number): Entry | null {
    const { first } = this.byAge
    if (this.entries.size < this.maxKeys || !first || first.resetAt <= now) return null
    return this.levels.find((level) => level.first !== null)?.first ?? null
  }

  private clearEnded(now: number): void {
    for (let cleared = 0; cleared < 2; cleared++) {
      const { first } = this.byAge
      if (!first || first.resetAt > now) return
      this.remove(first)
    }
  }

  private remove(entry: Entry | null | undefined): void {
    if (!entry) return
    this.entries.delete(entry.key)
    entry.leave(this.byAge, this.levels)
  }
}

type Levels = readonly LinkedList<Entry>[]

class Entry {
  used = 0
  private readonly age: Link<Entry>
  private place: Link<Entry>

  constructor(
    readonly key: string,
    /** Unix milliseconds */
    readonly resetAt: number,
    byAge: LinkedList<Entry>,
    levels: Levels,
  ) {
    this.age = byAge.append(this)
    this.place = levelOf(0, levels).append(this)
  }

  use(points: number, levels: Levels): void {
    const from = levelOf(this.used, levels)
    this.used += points
    const to = levelOf(this.used, levels)
    if (from === to) return
    from.remove(this.place)
    this.place = to.append(this)
  }

  leave(byAge: LinkedList<Entry>, levels: Levels): void {
    byAge.remove(this.age)
    levelOf(this.used, levels).remove(this.place)
  }
}

function levelOf(used: number, levels: Levels): LinkedList<Entry> {
  const level = levels[32 - Math.clz32(used)]
  if (!level) throw new RangeError(`no level for ${used} points`)
  return level
}
