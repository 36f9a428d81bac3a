/**
 * TIDs: 53 bits of Unix microseconds and 10 bits that tell generators apart, as 13 letters that sort as the time does.
 * 1,700,000,000,000,000 µs of generator 3 is `3ke6kg3wk2225`. A repository's `rev` and the record keys that we choose
 * are TIDs.
 * @see https://atproto.com/specs/tid
 */
import type { Tid } from '#lexicon/strings.ts'
import type { Clock } from '#std/clock.ts'
import { InvalidCommitError } from './errors.ts'

const LETTERS = '234567abcdefghijklmnopqrstuvwxyz'
const TIME_LETTERS = 11
const GENERATORS = 1024
const LATEST = 2 ** 53 - 1

/** Makes TIDs, each greater than those before it, also where the clock stands still or is set back. */
export class TidGenerator {
  private last = 0
  private readonly generator = Math.floor(Math.random() * GENERATORS)

  constructor(private readonly clock: Clock) {}

  /**
   * The next TID; greater than `after` as well, which may be ahead of our clock when another host made it. That does
   * not draw the TIDs of other repositories along.
   * @throws InvalidCommitError when `after` is the end of time
   */
  next(after?: Tid): Tid {
    this.last = Math.max(this.clock.now() * 1000, this.last + 1)
    const microseconds = after === undefined ? this.last : Math.max(this.last, microsecondsOf(after) + 1)
    if (microseconds > LATEST) throw new InvalidCommitError(`no TID is later than ${after}`)
    return formatTid(microseconds, this.generator)
  }
}

/** @param microseconds below 2^53 @param generator 0 to 1023 */
export function formatTid(microseconds: number, generator: number): Tid {
  let text = letter(generator >> 5) + letter(generator & 31)
  let rest = microseconds
  for (let i = 0; i < TIME_LETTERS; i++) {
    text = letter(rest % 32) + text
    rest = Math.floor(rest / 32)
  }
  return text as Tid
}

/** The time in a TID, in Unix microseconds. */
export function microsecondsOf(tid: Tid): number {
  let microseconds = 0
  for (let i = 0; i < TIME_LETTERS; i++) microseconds = microseconds * 32 + LETTERS.indexOf(tid.charAt(i))
  return microseconds
}

function letter(value: number): string {
  return LETTERS.charAt(value)
}
