/**
 * The limits, as data. A call that would take more points than a window has left is refused until the window ends.
 * The windows are those of the official server, which clients know; what it lacks is marked.
 */
import { DAY, HOUR, MINUTE } from '#std/clock.ts'

/** What is counted apart: the client's address, the account that calls, or the account that is logged in to. */
export type LimitKey = 'ip' | 'did' | 'identifier+ip'

export interface Window {
  readonly points: number
  readonly windowMs: number
}

export interface Limit {
  readonly key: LimitKey
  readonly windows: readonly Window[]
}

function per(points: number, windowMs: number): Window {
  return { points, windowMs }
}

/** Counts every call, except of the methods in `UNCOUNTED`. */
export const globalLimit: Limit = { key: 'ip', windows: [per(3000, 5 * MINUTE)] }

/** Ours. Counts wrong admin passwords. */
export const adminGuessLimit: Limit = { key: 'ip', windows: [per(30, 5 * MINUTE)] }

/** Ours. Counts how often other servers are asked who is who, for a stranger; what we know ourselves is free. */
export const lookUpLimit: Limit = { key: 'ip', windows: [per(300, 5 * MINUTE)] }

export const limits = {
  'create-account': [{ key: 'ip', windows: [per(100, 5 * MINUTE)] }],
  'create-session': [
    { key: 'identifier+ip', windows: [per(30, 5 * MINUTE), per(300, DAY)] },
    { key: 'ip', windows: [per(300, 5 * MINUTE)] }, // ours: one address guesses at many accounts
  ],
  /** a create costs 3 points, an update 2, a delete 1 */
  'repo-write': [{ key: 'did', windows: [per(5000, HOUR), per(35_000, DAY)] }],
  'get-repo': [{ key: 'ip', windows: [per(6000, 5 * MINUTE)] }],
} as const satisfies Record<string, readonly Limit[]>

export type LimitName = keyof typeof limits

/** Limits that stand instead of the global one: whoever copies many repositories does not use up his other calls. */
export const UNCOUNTED: ReadonlySet<LimitName> = new Set(['get-repo'])
