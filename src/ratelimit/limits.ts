/**
 * The limits, as data. A request that would take a bucket below zero is refused until its window ends.
 * The windows of the official server, whose clients know them.
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

/** Counts every request from the network but those of methods with a limit of their own for large answers. */
export const globalLimit: Limit = { key: 'ip', windows: [per(3000, 5 * MINUTE)] }

export const limits = {
  'create-account': { key: 'ip', windows: [per(100, 5 * MINUTE)] },
  'create-session': { key: 'identifier+ip', windows: [per(30, 5 * MINUTE), per(300, DAY)] },
  'repo-write': { key: 'did', windows: [per(5000, HOUR), per(35_000, DAY)] },
  'get-repo': { key: 'ip', windows: [per(6000, 5 * MINUTE)] },
} as const satisfies Record<string, Limit>

export type LimitName = keyof typeof limits
