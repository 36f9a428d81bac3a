/** What follows from a relay's words, case by case. */
import { describe, expect, test } from 'bun:test'
import {
  type AccountFinding,
  gravest,
  judgeAccount,
  type OwnAccount,
  revToPass,
} from '#federation/account-findings.ts'
import { type HostFinding, judgeHost, jumpTarget } from '#federation/host-findings.ts'
import type { HostAnswer, RepoAnswer } from '#federation/relay-client.ts'
import type { Tid } from '#lexicon/strings.ts'
import { formatTid } from '#repo/tid.ts'
import { MINUTE } from '#std/clock.ts'

const NOW = Date.UTC(2026, 10, 21)
const OLDER = revAt(NOW - 60 * MINUTE)
const OURS = revAt(NOW - 30 * MINUTE)
const NEWER = revAt(NOW - 10 * MINUTE)
const FUTURE = revAt(NOW + 6 * MINUTE)
const ACTIVE: OwnAccount = { state: 'active', rev: OURS, seq: 500 }
const TAKEN_DOWN: OwnAccount = { ...ACTIVE, state: 'takendown' }

function revAt(time: number): Tid {
  return formatTid(time * 1000, 7)
}

function known(rev: Tid | null, status: string | null = null): RepoAnswer {
  return { kind: 'known', active: status === null, status, rev }
}

describe('an account', () => {
  const cases: [OwnAccount, RepoAnswer, relaySeq: number | null, AccountFinding][] = [
    [ACTIVE, known(OURS), 500, 'agreed'],
    [ACTIVE, known(OURS), null, 'agreed'],
    [ACTIVE, known(null), 500, 'agreed'],
    [ACTIVE, known(OLDER), 499, 'lags'],
    [ACTIVE, known(OLDER), null, 'lags'],
    [ACTIVE, known(OLDER), 500, 'behind'],
    [ACTIVE, known(NEWER), 400, 'ahead'],
    [ACTIVE, known(FUTURE), 500, 'future'],
    [ACTIVE, known(OURS, 'deactivated'), 500, 'inactive'],
    [ACTIVE, known(null, 'something new'), 500, 'inactive'],
    [ACTIVE, { kind: 'known', active: false, status: null, rev: null }, 500, 'inactive'],
    [ACTIVE, known(OURS, 'takendown'), 500, 'barred'],
    [ACTIVE, known(OURS, 'suspended'), 500, 'barred'],
    [ACTIVE, known(null, 'deleted'), 500, 'deleted'],
    [ACTIVE, { kind: 'unknown' }, 499, 'lags'],
    [ACTIVE, { kind: 'unknown' }, 500, 'unknown'],
    [{ ...ACTIVE, seq: null }, { kind: 'unknown' }, 500, 'lags'],
    [ACTIVE, { kind: 'silent', message: '' }, 500, 'silent'],
    [TAKEN_DOWN, known(OURS), 500, 'active'],
    [TAKEN_DOWN, known(OURS, 'deactivated'), 500, 'agreed'],
    [TAKEN_DOWN, { kind: 'unknown' }, 500, 'agreed'],
  ]
  for (const [own, answer, relaySeq, finding] of cases) {
    test(`that is ${own.state} and of which a relay at ${relaySeq} says ${JSON.stringify(answer)} is ${finding}`, () => {
      expect(judgeAccount(own, answer, { relaySeq, now: NOW })).toBe(finding)
    })
  }

  test('is what the relay says that is furthest from it', () => {
    const finding = (...found: AccountFinding[]) => gravest(found.map((one) => ({ finding: one })))?.finding

    expect(finding('agreed', 'silent', 'behind', 'barred')).toBe('behind')
    expect(finding('agreed', 'deleted', 'silent')).toBe('deleted')
    expect(finding('agreed', 'lags')).toBe('lags')
    expect(finding('inactive', 'ahead')).toBe('ahead')
    expect(finding()).toBeUndefined()
  })
})

test.each<[string, RepoAnswer[], Tid | null]>([
  ['no relay has it', [{ kind: 'unknown' }], null],
  ['every relay is behind it', [known(OLDER), { kind: 'unknown' }], null],
  ['a relay has the same', [known(OLDER), known(OURS, 'deactivated')], OURS],
  ['a relay is ahead', [known(NEWER), known(OURS)], NEWER],
  ['a relay does not say', [known(OLDER), { kind: 'silent', message: '' }], OURS],
  ['a relay says no rev', [known(null, 'deactivated')], OURS],
  ['a relay says one of the future', [known(FUTURE)], OURS],
])('a head passes when it is newer than what is known: %s', (_, answers, rev) => {
  expect(revToPass(OURS, answers, NOW)).toBe(rev)
})

describe('a host', () => {
  const says = (seq: number | null, status: string | null): HostAnswer => ({
    kind: 'known',
    status,
    seq,
    accountCount: 3,
  })
  const cases: [HostAnswer, HostFinding][] = [
    [says(999, 'active'), 'listening'],
    [says(1000, null), 'listening'],
    [says(null, 'active'), 'listening'],
    [says(1000, 'something new'), 'listening'],
    [says(1001, 'active'), 'ahead'],
    [says(1001, 'idle'), 'ahead'],
    [says(999, 'idle'), 'not-listening'],
    [says(null, 'offline'), 'not-listening'],
    [says(999, 'banned'), 'refused'],
    [says(999, 'throttled'), 'refused'],
    [says(NOW * 1000, 'active'), 'ahead'],
    [says(NOW * 1001, 'active'), 'absurd'],
    [says(Number.POSITIVE_INFINITY, 'active'), 'absurd'],
    [says(10.5, 'active'), 'absurd'],
    [{ kind: 'unknown' }, 'unknown'],
    [{ kind: 'silent', message: '' }, 'silent'],
  ]
  for (const [answer, finding] of cases) {
    test(`whose last event is 1000 and of which a relay says ${JSON.stringify(answer)} is ${finding}`, () => {
      expect(judgeHost(answer, { lastSeq: 1000, now: NOW })).toBe(finding)
    })
  }

  test('goes on far above what a relay has seen, and not below the time', () => {
    expect(jumpTarget(5000, NOW)).toBe(NOW)
    expect(jumpTarget(NOW + 7, NOW)).toBe(NOW + 1_000_007)
  })
})
