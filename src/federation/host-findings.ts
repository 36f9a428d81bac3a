/** What it means that a relay knows this host as it does, judged without asking anyone. */
import { HOUR } from '#std/clock.ts'
import type { HostAnswer } from './relay-client.ts'

/**
 * `listening`: all is well. `silent`: the relay does not say. `unknown`, `not-listening`: it must be asked to crawl.
 * `refused`: it has banned or throttled this host. `ahead`: it has seen events that we lost, so that it would take no
 * new ones. `absurd`: it says so of numbers that no host can have reached.
 */
export type HostFinding =
  | 'listening'
  | 'silent'
  | 'unknown'
  | 'not-listening'
  | 'refused'
  | 'ahead'
  | 'absurd'

/** numbers left out above what a relay is known to have seen: it notes that only now and then */
const MARGIN = 1_000_000

export function judgeHost(
  answer: HostAnswer,
  { lastSeq, now }: { lastSeq: number; now: number },
): HostFinding {
  if (answer.kind !== 'known') return answer.kind
  const { seq, status } = answer
  if (seq !== null && !isPlausible(seq, now)) return 'absurd'
  if (seq !== null && seq > lastSeq) return 'ahead'
  if (status === 'idle' || status === 'offline') return 'not-listening'
  return status === 'banned' || status === 'throttled' ? 'refused' : 'listening'
}

/** Where the numbers go on, so that no one has seen them: hosts of our kind count from the time in milliseconds. */
export function jumpTarget(relaySeq: number, now: number): number {
  return Math.max(relaySeq + MARGIN, now)
}

/** Hosts number their events from 1, or begin at the time, in microseconds at the most. */
function isPlausible(seq: number, now: number): boolean {
  return Number.isSafeInteger(seq) && seq <= (now + HOUR) * 1000
}
