import { expect, test } from 'bun:test'
import { RateLimitExceededError } from '#ratelimit/errors.ts'
import { FixedWindow } from '#ratelimit/fixed-window.ts'
import type { Limit } from '#ratelimit/limits.ts'
import { addressKey, type RateLimitSettings, RateLimits } from '#ratelimit/rate-limits.ts'
import { HOUR, MINUTE } from '#std/clock.ts'
import { TestClock } from '#tests/support/clock.ts'

const limit: Limit = {
  key: 'did',
  windows: [
    { points: 10, windowMs: MINUTE },
    { points: 25, windowMs: HOUR },
  ],
}

function rateLimits(settings: Partial<RateLimitSettings> = {}) {
  const clock = new TestClock()
  const all = { enabled: true, bypassKey: null, bypassNetworks: [], ...settings }
  return { clock, limits: new RateLimits({ clock, settings: all }) }
}

test('points run out, and come back when the window ends', () => {
  const { clock, limits } = rateLimits()

  for (let i = 0; i < 3; i++) limits.take(limit, 'a', 3)
  expect(() => limits.take(limit, 'a', 3)).toThrow(RateLimitExceededError)
  clock.advance(MINUTE - 1)
  expect(() => limits.take(limit, 'a', 3)).toThrow(RateLimitExceededError)
  clock.advance(1)

  expect(limits.take(limit, 'a', 3).remaining).toBe(7)
})

test('the tightest window is told', () => {
  const { clock, limits } = rateLimits()

  const first = limits.take(limit, 'a', 4)
  clock.advance(MINUTE)
  limits.take(limit, 'a', 10)
  clock.advance(MINUTE)
  const last = limits.take(limit, 'a', 8)

  expect(first).toEqual({ limit: 10, remaining: 6, resetAt: clock.now() - MINUTE, windowMs: MINUTE })
  expect(last).toMatchObject({ limit: 10, remaining: 2 })
  expect(limits.take(limit, 'a', 1)).toMatchObject({ limit: 10, remaining: 1 })
  clock.advance(MINUTE)
  expect(limits.take(limit, 'a', 1)).toMatchObject({ limit: 25, remaining: 1, windowMs: HOUR })
})

test('a refused call costs nothing, in no window', () => {
  const { limits } = rateLimits()
  limits.take(limit, 'a', 9)

  let refusal: unknown
  try {
    limits.take(limit, 'a', 2)
  } catch (error) {
    refusal = error
  }

  expect(refusal).toMatchObject({ retryAfterMs: MINUTE, state: { limit: 10, remaining: 1 } })
  expect(limits.take(limit, 'a', 1).remaining).toBe(0)
})

test('keys do not touch one another', () => {
  const { limits } = rateLimits()

  limits.take(limit, 'a', 10)

  expect(limits.take(limit, 'b', 1).remaining).toBe(9)
})

test('who knows the key, or comes from a named network, is not counted', () => {
  const { limits } = rateLimits({ bypassKey: 'let me in', bypassNetworks: ['192.0.2.0/24', '2001:db8::1'] })

  expect(limits.counts('198.51.100.1', null)).toBe(true)
  expect(limits.counts('198.51.100.1', 'let me')).toBe(true)
  expect(limits.counts('198.51.100.1', 'let me in')).toBe(false)
  expect(limits.counts('192.0.2.77', null)).toBe(false)
  expect(limits.counts('::ffff:192.0.2.77', null)).toBe(false)
  expect(limits.counts('::ffff:192.0.3.77', null)).toBe(true)
  expect(limits.counts('2001:db8::1', null)).toBe(false)
  expect(limits.counts('2001:db8::2', null)).toBe(true)
  expect(rateLimits({ enabled: false }).limits.counts('198.51.100.1', null)).toBe(false)
  expect(rateLimits().limits.counts('198.51.100.1', '')).toBe(true)
})

test('an IPv6 network of /64 is one caller, and an IPv4 address is itself in any notation', () => {
  expect(addressKey('2001:db8:1:2:3:4:5:6')).toBe(addressKey('2001:db8:1:2::1'))
  expect(addressKey('2001:db8:1:2::1')).not.toBe(addressKey('2001:db8:1:3::1'))
  expect(addressKey('::ffff:192.0.2.1')).toBe(addressKey('192.0.2.1'))
})

test('memory is bounded, and a window forgets what has ended', () => {
  const window = new FixedWindow({ points: 10, windowMs: MINUTE }, 1000)

  for (let i = 0; i < 5000; i++) window.use(`key ${i}`, 1, i)
  expect(window.size).toBe(1000)

  for (let i = 0; i < 600; i++) window.use(`later ${i}`, 1, 5000 + MINUTE)
  expect(window.size).toBeLessThan(1000)
  expect(window.look('key 4999', 5000 + MINUTE).left).toBe(10)
})

test('nobody wins points back by filling a window with other keys', () => {
  const window = new FixedWindow({ points: 30, windowMs: MINUTE }, 1000)
  window.use('guesser', 25, 0)
  window.use('once', 1, 0)

  for (let i = 0; i < 5000; i++) window.use(`filler ${i}`, 1, 1)

  expect(window.look('guesser', 2).left).toBe(5)
  expect(window.look('once', 2).left).toBeLessThanOrEqual(29)
})

test('a full window lets newcomers in', () => {
  const window = new FixedWindow({ points: 30, windowMs: MINUTE }, 1000)
  for (let i = 0; i < 2000; i++) window.use(`filler ${i}`, 1, 0)

  const seen = window.look('newcomer', 1).left
  window.use('newcomer', 1, 1)

  expect(seen).toBeGreaterThan(20)
  expect(window.look('newcomer', 1).left).toBe(seen - 1)
})

test('a window takes as little time when it is full', () => {
  const window = new FixedWindow({ points: 30, windowMs: MINUTE }, 50_000)
  for (let i = 0; i < 50_000; i++) window.use(`filler ${i}`, 1, 0)

  const began = performance.now()
  for (let i = 0; i < 20_000; i++) window.use(`newcomer ${i}`, 1, 1)

  expect(performance.now() - began).toBeLessThan(500)
})
