/**
 * How long a server waits for a body. Whoever sends a byte now and then is never idle, so there is a time that any body
 * may take, and more of it for each byte that has arrived: large bodies may come by slow lines.
 */
import { MINUTE, SECOND } from '#std/clock.ts'
import { SlowBodyError } from '#xrpc/errors.ts'

export interface BodyPace {
  /** milliseconds that any body may take */
  readonly graceMs: number
  /** on average, beyond that */
  readonly bytesPerSecond: number
}

export const USUAL_PACE: BodyPace = { graceMs: 30 * SECOND, bytesPerSecond: 10_000 }

/** What has come quickly earns no more than this. */
const MOST_SAVED_MS = 5 * MINUTE

/** The patience with one body. Only the time counts in which we wait for the client. */
export class Patience {
  private leftMs: number

  constructor(private readonly pace: BodyPace) {
    this.leftMs = pace.graceMs
  }

  /** Expects `bytes`, or has got them. */
  extend(bytes: number): void {
    const earnedMs = (bytes / this.pace.bytesPerSecond) * SECOND
    this.leftMs = Math.min(this.leftMs + earnedMs, this.pace.graceMs + MOST_SAVED_MS)
  }

  /**
   * Waits for a part of the body.
   * @throws SlowBodyError when patience ends before it is there
   */
  async wait<T>(part: Promise<T>): Promise<T> {
    const began = performance.now()
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => late.reject(new SlowBodyError()), Math.max(this.leftMs, 0))
    try {
      return await Promise.race([part, late.promise])
    } finally {
      clearTimeout(timer)
      this.leftMs -= performance.now() - began
    }
  }
}
