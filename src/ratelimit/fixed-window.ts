import type { Window } from '#ratelimit/limits.ts'

interface Entry {
  used: number
  /** Unix milliseconds */
  resetAt: number
}

/**
 * Points used by each key in the window that began with its first use. A window takes constant time per use: entries
 * stand in the order in which they end, so the expired ones are at the front, and each new one clears away two of them.
 */
export class FixedWindow {
  private readonly entries = new Map<string, Entry>()

  constructor(
    readonly window: Window,
    /** keys that are kept at once; the one that ends first makes room for another */
    private readonly maxKeys: number,
  ) {}

  get size(): number {
    return this.entries.size
  }

  /** The points that `key` has left, and when it gets all back. */
  look(key: string, now: number): { left: number; resetAt: number } {
    const entry = this.live(key, now)
    return entry
      ? { left: this.window.points - entry.used, resetAt: entry.resetAt }
      : { left: this.window.points, resetAt: now + this.window.windowMs }
  }

  use(key: string, points: number, now: number): void {
    const entry = this.live(key, now)
    if (entry) {
      entry.used += points
      return
    }
    this.entries.delete(key)
    this.makeRoom(now)
    this.entries.set(key, { used: points, resetAt: now + this.window.windowMs })
  }

  private live(key: string, now: number): Entry | null {
    const entry = this.entries.get(key)
    return entry && entry.resetAt > now ? entry : null
  }

  private makeRoom(now: number): void {
    let looked = 0
    for (const [key, entry] of this.entries) {
      if (entry.resetAt > now && this.entries.size < this.maxKeys) return
      this.entries.delete(key)
      if (++looked === 2) return
    }
  }
}
