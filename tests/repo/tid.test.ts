import { expect, test } from 'bun:test'
import { isTid, type Tid } from '#lexicon/strings.ts'
import { InvalidCommitError } from '#repo/errors.ts'
import { formatTid, microsecondsOf, TidGenerator } from '#repo/tid.ts'
import { TestClock } from '#tests/support/clock.ts'

function tid(text: string): Tid {
  if (!isTid(text)) throw new TypeError(`${text} is no TID`)
  return text
}

test('TIDs are written as the specification does', () => {
  expect<string>(formatTid(0, 0)).toBe('2222222222222')
  expect<string>(formatTid(1_700_000_000_000_000, 3)).toBe('3ke6kg3wk2225')
  expect(microsecondsOf(tid('3ke6kg3wk2225'))).toBe(1_700_000_000_000_000)
  expect(isTid(formatTid(2 ** 53 - 1, 1023))).toBe(true)
})

test('TIDs ascend while the clock stands still or is set back', () => {
  const clock = new TestClock()
  const tids = new TidGenerator(clock)
  const made: string[] = []
  for (let i = 0; i < 3000; i++) {
    if (i % 1000 === 500) clock.advance(-60_000)
    if (i % 1000 === 900) clock.advance(120_000)
    made.push(tids.next())
  }

  expect(made).toEqual(made.toSorted())
  expect(new Set(made).size).toBe(made.length)
  expect(made.every(isTid)).toBe(true)
})

test('a TID tells the time at which it was made', () => {
  const clock = new TestClock()

  expect(microsecondsOf(new TidGenerator(clock).next())).toBe(clock.now() * 1000)
})

test('a rev ahead of our clock is followed, and does not draw the TIDs of others along', () => {
  const clock = new TestClock()
  const tids = new TidGenerator(clock)
  const ahead = formatTid((clock.now() + 3_600_000) * 1000, 1023)

  const next = tids.next(ahead)

  expect(next > ahead).toBe(true)
  expect(tids.next(next) > next).toBe(true)
  expect(tids.next() < ahead).toBe(true)
})

test('there is no rev after the last', () => {
  const tids = new TidGenerator(new TestClock())

  for (const last of ['bzzzzzzzzzzzz', 'jzzzzzzzzzzzz']) {
    expect(() => tids.next(tid(last))).toThrow(InvalidCommitError)
  }
})
