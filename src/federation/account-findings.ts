/** What it means that a relay holds an account as it does: judged from both sides' words, without asking anyone. */
import type { AccountState } from '#account/accounts.ts'
import type { Tid } from '#lexicon/strings.ts'
import { microsecondsOf } from '#repo/tid.ts'
import { MINUTE } from '#std/clock.ts'
import type { RepoAnswer } from './relay-client.ts'

/**
 * `agreed`: as we do. `lags`: not yet, and its events are still on their way. `silent`: the relay does not say.
 * To be announced anew: `unknown`: the relay does not have it. `inactive`: the relay drops its events. `active`: the
 * relay has not seen that it is inactive here. `ahead`: the relay has seen commits that we lost. `behind`: it has missed
 * some. For a person to decide: `barred`: the relay's own moderation. `deleted`: the relay has seen its deletion, which
 * a restored backup may have undone. `future`: the relay claims commits of a time to come. `moved`, `withdrawn`, `other-key`: its DID document names another server, is gone,
 * or names another signing key.
 */
export type AccountFinding =
  | 'agreed'
  | 'lags'
  | 'silent'
  | 'unknown'
  | 'inactive'
  | 'active'
  | 'ahead'
  | 'behind'
  | 'barred'
  | 'deleted'
  | 'future'
  | 'moved'
  | 'withdrawn'
  | 'other-key'

export type Remedy = 'none' | 'announce' | 'person'

const REMEDIES: Readonly<Record<AccountFinding, Remedy>> = {
  agreed: 'none',
  lags: 'none',
  silent: 'none',
  unknown: 'announce',
  inactive: 'announce',
  active: 'announce',
  ahead: 'announce',
  behind: 'announce',
  barred: 'person',
  deleted: 'person',
  future: 'person',
  moved: 'person',
  withdrawn: 'person',
  'other-key': 'person',
}

export function remedyOf(finding: AccountFinding): Remedy {
  return REMEDIES[finding]
}

/** An account as we hold it. */
export interface OwnAccount {
  readonly state: AccountState
  readonly rev: Tid
  /** of the event that announced the head; null when none has */
  readonly seq: number | null
}

/** Revs later than this are refused by relays, and so not to be believed of one. */
const MAX_AHEAD_MS = 5 * MINUTE

/** @param relaySeq the last event that the relay had seen of us, before it was asked about the account */
export function judgeAccount(
  own: OwnAccount,
  answer: RepoAnswer,
  { relaySeq, now }: { relaySeq: number | null; now: number },
): AccountFinding {
  if (answer.kind === 'silent') return 'silent'
  const isActive = own.state === 'active'
  const isOnItsWay = own.seq === null || relaySeq === null || relaySeq < own.seq
  if (answer.kind === 'unknown') {
    if (!isActive) return 'agreed'
    return isOnItsWay ? 'lags' : 'unknown'
  }
  if (!isActive) return answer.active ? 'active' : 'agreed'
  if (!answer.active) return findingOfStatus(answer.status)
  if (answer.rev === null || answer.rev === own.rev) return 'agreed'
  if (answer.rev > own.rev) return isPlausible(answer.rev, now) ? 'ahead' : 'future'
  return isOnItsWay ? 'lags' : 'behind'
}

/** Where several relays say several things: what is to be announced before what a person must decide. */
export function gravest<T extends { readonly finding: AccountFinding }>(found: readonly T[]): T | undefined {
  const rank = ({ finding }: T) => ORDER.indexOf(finding)
  return found.toSorted((a, b) => rank(a) - rank(b))[0]
}

const ORDER: readonly AccountFinding[] = [
  'ahead',
  'inactive',
  'active',
  'unknown',
  'behind',
  'deleted',
  'barred',
  'future',
  'moved',
  'withdrawn',
  'other-key',
  'silent',
  'lags',
  'agreed',
]

/**
 * The rev that the account's head must be newer than, for a `#sync` to pass at every relay that answered; null when
 * the head as it is does. Relays drop what is not newer than what they know.
 */
export function revToPass(own: Tid, answers: readonly RepoAnswer[], now: number): Tid | null {
  let highest: Tid | null = null
  for (const answer of answers) {
    if (answer.kind === 'unknown') continue
    const rev = answer.kind === 'known' ? answer.rev : null
    const known = rev !== null && isPlausible(rev, now) ? rev : own
    if (known >= own && (highest === null || known > highest)) highest = known
  }
  return highest
}

function isPlausible(rev: Tid, now: number): boolean {
  return microsecondsOf(rev) <= (now + MAX_AHEAD_MS) * 1000
}

function findingOfStatus(status: string | null): AccountFinding {
  if (status === 'takendown' || status === 'suspended') return 'barred'
  return status === 'deleted' ? 'deleted' : 'inactive'
}
