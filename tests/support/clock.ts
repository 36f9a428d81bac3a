import type { Clock } from '#std/clock.ts'

/** A clock that goes when it is told to. */
export class TestClock implements Clock {
  constructor(private time = Date.UTC(2026, 0, 1)) {}

  now(): number {
    return this.time
  }

  advance(ms: number): void {
    this.time += ms
  }
}
