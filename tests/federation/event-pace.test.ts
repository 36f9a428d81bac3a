import { expect, test } from 'bun:test'
import { EventPace } from '#federation/event-pace.ts'
import { DAY, HOUR, SECOND } from '#std/clock.ts'
import { TestClock } from '#tests/support/clock.ts'

/** Takes three events at a time for so long, as fast as it may. @returns how many */
function taken(clock: TestClock, pace: EventPace, ms: number): number {
  const end = clock.now() + ms
  let count = 0
  for (;;) {
    const wait = pace.take(3)
    if (wait === 0) count += 3
    else if (clock.now() + wait >= end) return count
    else clock.advance(wait)
  }
}

test.each([
  [1, 100],
  [100, 100],
  [10_000, 10_000],
])('the pace of %d accounts takes at most half of what a relay allows', (accounts, limit) => {
  for (const [period, allowed] of [
    [SECOND, 50 + limit / 1000],
    [HOUR, 2500 + limit],
    [DAY, 20_000 + 10 * limit],
  ] as const) {
    const clock = new TestClock()
    const pace = new EventPace({ clock, accountCount: () => accounts })

    const count = taken(clock, pace, period)

    expect(count).toBeLessThan(allowed * 0.6) // with the burst
    expect(count).toBeGreaterThan(0)
  }
})

test('the accounts of a small host go within half a minute', () => {
  const clock = new TestClock()
  const pace = new EventPace({ clock, accountCount: () => 100 })

  expect(taken(clock, pace, 30 * SECOND)).toBeGreaterThanOrEqual(300)
})

test('a clock that is set back stops nothing for long', () => {
  const clock = new TestClock()
  const pace = new EventPace({ clock, accountCount: () => 100 })
  taken(clock, pace, HOUR)
  clock.advance(-DAY)

  expect(pace.take(3)).toBeLessThan(30 * SECOND)
})
