import type { Timers } from '#std/timers.ts'
import { TestClock } from './clock.ts'

interface Planned {
  at: number
  readonly work: () => void
}

/** A clock that goes when it is told to, and the timers that go by it. */
export class TestTimers extends TestClock implements Timers {
  private readonly planned = new Set<Planned>()

  after(ms: number, work: () => void): () => void {
    const plan = { at: this.now() + ms, work }
    this.planned.add(plan)
    return () => void this.planned.delete(plan)
  }

  /** Milliseconds until the next one is due, null when there is none. */
  get next(): number | null {
    return this.planned.size === 0 ? null : Math.min(...[...this.planned].map(({ at }) => at)) - this.now()
  }

  /** Moves on, stopping at every timer that is due on the way. */
  override advance(ms: number): void {
    const end = this.now() + ms
    for (let next = this.dueBy(end); next; next = this.dueBy(end)) {
      this.planned.delete(next)
      super.advance(Math.max(0, next.at - this.now()))
      next.work()
    }
    super.advance(end - this.now())
  }

  /** Sets the clock back, as an operator does; timers go on as they were. */
  setBack(ms: number): void {
    super.advance(-ms)
    for (const plan of this.planned) plan.at -= ms
  }

  private dueBy(end: number): Planned | undefined {
    return [...this.planned].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
  }
}
