/**
 * Brings relays to hold our accounts as we do. Each account is compared with what the relays say of it; where they
 * differ in a way that telling them again can mend, it is announced anew: `#identity`, so that they look its DID up
 * again, `#account`, and `#sync`, with a head that is newer than what they know. Whether that helped is seen when it is
 * compared again, later each time, so that a relay that cannot be convinced is not talked at forever. What telling
 * cannot mend is left to a person: logged, and shown by `locus relay status`.
 *
 * Invariants: an account is announced only as what it is here at that moment, and only when its DID document says that
 * it is ours; never faster than relays take it (event-pace.ts).
 */
import { type Account, type Accounts, statusOf } from '#account/accounts.ts'
import { RepoNotFoundError } from '#actor/errors.ts'
import { pdsEndpoint, verificationKey } from '#identity/did-document.ts'
import type { IdentityResolver } from '#identity/resolver.ts'
import type { SigningKeys } from '#keys/signing-keys.ts'
import type { Did, Tid } from '#lexicon/strings.ts'
import type { Announcement, Committer } from '#records/committer.ts'
import type { Repos } from '#records/repos.ts'
import type { Sequencer } from '#sequencer/sequencer.ts'
import { type Clock, DAY, HOUR, MINUTE } from '#std/clock.ts'
import { DomainError } from '#std/errors.ts'
import type { Timers } from '#std/timers.ts'
import { logger } from '#telemetry/log.ts'
import {
  type AccountFinding,
  gravest,
  judgeAccount,
  type OwnAccount,
  type Remedy,
  remedyOf,
  revToPass,
} from './account-findings.ts'
import type { Discrepancies, Discrepancy } from './discrepancies.ts'
import type { EventPace } from './event-pace.ts'
import type { RelayClient } from './relay-client.ts'

const log = logger('federation')

/** accounts that are compared in one round: each costs a question to each relay */
const SAMPLE = 20
const PAGE = 500
/** waits from one announcement of an account to the next look at it; the last one is repeated */
const BACK_OFF_MS = [30 * MINUTE, 2 * HOUR, 8 * HOUR, DAY] as const
/** until a relay that did not say anything about an account is asked again */
const ASK_AGAIN_MS = 10 * MINUTE
const EVENTS_PER_ACCOUNT = 3
/** announcements without effect after which the operator is warned */
const WORTH_A_WARNING = 3

/** A relay that listens to us, and where it stands. */
export interface ListeningRelay {
  readonly client: RelayClient
  /** the last event that it has seen of us, as it says */
  readonly seq: number | null
}

export interface Comparison {
  readonly did: Did
  readonly finding: AccountFinding
  /** whose answer it is; null when there was none to ask */
  readonly relay: string | null
  /** of the account, in the relay's words */
  readonly status: string | null
  /** the rev that a `#sync` must be newer than; null when the head is good as it is */
  readonly newerThan: Tid | null
}

/** `announce`: it would be, on a dry run. `later`: as soon as the pace allows. `left`: a person must decide. */
export interface AccountTreatment extends Comparison {
  readonly action: 'none' | 'announce' | 'announced' | 'later' | 'left'
}

interface Deps {
  accounts: Accounts
  committer: Committer
  repos: Repos
  sequencer: Sequencer
  identity: IdentityResolver
  keys: SigningKeys
  discrepancies: Discrepancies
  pace: EventPace
  clock: Clock
  timers: Timers
  /** of this server, as DID documents name it */
  publicUrl: string
}

export class AccountHealing implements AsyncDisposable {
  private sampled: string | undefined
  private lossSeenAt: number | null = null
  private relays: readonly ListeningRelay[] = []
  private working: Promise<void> | null = null
  private stopped = false
  private wake: (() => void) | null = null

  constructor(private readonly deps: Deps) {}

  /** Has every account compared, those first that were made first. Durable when it returns. @returns how many */
  async compareAll(): Promise<number> {
    const { accounts, discrepancies, clock } = this.deps
    let count = 0
    let cursor: string | undefined
    do {
      const page = accounts.list({ limit: PAGE, cursor })
      discrepancies.compareAll(
        page.accounts.map(({ did }) => did),
        clock.now(),
      )
      count += page.accounts.length
      cursor = page.cursor
      await Bun.sleep(0) // lets requests through
    } while (cursor !== undefined)
    return count
  }

  /**
   * Compares what is due and a sample of the rest with `relays`, and heals what it finds. Goes on behind the scenes
   * with those relays until nothing is due; a call meanwhile only tells it of relays that changed.
   */
  work(relays: readonly ListeningRelay[]): Promise<void> {
    this.relays = relays
    this.working ??= this.round()
      .catch((error: unknown) => log.error('accounts could not be compared with relays', { error }))
      .finally(() => {
        this.working = null
      })
    return this.working
  }

  /** What `relays` make of an account. Null when it is not here any more. */
  async compare(did: Did, relays: readonly ListeningRelay[]): Promise<Comparison | null> {
    const answers = await Promise.all(
      relays.map(async ({ client, seq }) => ({
        relay: client.url,
        relaySeq: seq,
        answer: await client.repoStatus(did),
      })),
    )
    const { accounts, clock } = this.deps
    const account = accounts.get(did)
    const own = account && this.ownAccount(account)
    if (!own) return null
    const now = clock.now()
    const found = answers.map(({ relay, relaySeq, answer }) => {
      const status = answer.kind === 'known' ? answer.status : null
      return { relay, status, finding: judgeAccount(own, answer, { relaySeq, now }) }
    })
    const { relay = null, status = null, finding = 'silent' } = gravest(found) ?? {}
    const newerThan = revToPass(
      own.rev,
      answers.map(({ answer }) => answer),
      now,
    )
    return await this.unlessNotOurs({ did, finding, relay, status, newerThan }, own)
  }

  /** Announces an account as it is, as soon as the pace allows; at once, or not at all, unless `wait`. @returns whether */
  async announce(comparison: Pick<Comparison, 'did' | 'newerThan'>, wait: boolean): Promise<boolean> {
    const { pace, committer } = this.deps
    for (let ms = pace.take(EVENTS_PER_ACCOUNT); ms > 0; ms = pace.take(EVENTS_PER_ACCOUNT)) {
      if (!wait || this.stopped) return false
      await this.pause(ms)
    }
    const events = this.announcements(comparison)
    if (events.length > 0) await committer.announce(comparison.did, events)
    return events.length > 0
  }

  /**
   * Compares an account and heals what is found, whatever was tried before; nothing of it on a dry run. Null when it is
   * not here any more.
   */
  async treat(
    did: Did,
    relays: readonly ListeningRelay[],
    { dryRun }: { dryRun: boolean },
  ): Promise<AccountTreatment | null> {
    const { discrepancies, clock } = this.deps
    const comparison = await this.compare(did, relays)
    if (!comparison) return null
    const remedy = remedyFor(comparison, discrepancies.get(did))
    if (remedy === 'announce' && dryRun) return { ...comparison, action: 'announce' }
    if (remedy === 'announce') {
      const announced = await this.announce(comparison, false)
      if (announced) this.settle(comparison, true)
      else discrepancies.compareAll([did], clock.now())
      return { ...comparison, action: announced ? 'announced' : 'later' }
    }
    if (!dryRun && (remedy === 'person' || comparison.finding === 'agreed')) this.settle(comparison, false)
    return { ...comparison, action: remedy === 'person' ? 'left' : 'none' }
  }

  /** Notes what was found of an account and, with `announced`, that it was announced because of it. */
  settle(comparison: Comparison, announced: boolean): void {
    const { discrepancies, clock } = this.deps
    const { did, finding, relay, status } = comparison
    const before = discrepancies.get(did)
    if (finding === 'agreed') {
      if (before) discrepancies.remove(did)
      if (before?.announcedCount) log.info('relay holds an account as this server does again', { did })
      return
    }
    const announcedCount = (before?.announcedCount ?? 0) + (announced ? 1 : 0)
    const wait = announced || remedyOf(finding) === 'person' ? backOff(announcedCount) : ASK_AGAIN_MS
    discrepancies.set({ did, finding, relay, status, announcedCount, dueAt: clock.now() + wait })
    report(comparison, before, { announced, announcedCount })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopped = true
    this.wake?.()
    await this.working
  }

  private async round(): Promise<void> {
    await this.healDue()
    for (const did of this.sample()) {
      if (this.isIdle) return
      await this.healOrPutOff(did, null)
    }
    await this.healDue()
  }

  private get isIdle(): boolean {
    return this.stopped || this.relays.length === 0
  }

  private async healDue(): Promise<void> {
    const { discrepancies, clock } = this.deps
    for (let next = discrepancies.nextDue(clock.now()); next; next = discrepancies.nextDue(clock.now())) {
      if (this.isIdle) return
      await this.healOrPutOff(next.did, next)
    }
  }

  /** An account in trouble, a damaged repository say, does not keep the others waiting. */
  private async healOrPutOff(did: Did, before: Discrepancy | null): Promise<void> {
    try {
      await this.heal(did, before)
    } catch (error) {
      log.error('account could not be compared with relays', { did, error })
      if (before) this.putOff(before)
    }
  }

  private async heal(did: Did, before: Discrepancy | null): Promise<void> {
    const comparison = await this.compare(did, this.relays)
    if (!comparison) return this.deps.discrepancies.remove(did)
    const { finding } = comparison
    if (finding === 'ahead' && !before) await this.compareAllAfterLoss(comparison)
    const remedy = remedyFor(comparison, before)
    if (remedy === 'announce') {
      if (await this.announce(comparison, true)) this.settle(comparison, true)
    } else if (remedy === 'person' || finding === 'agreed') {
      this.settle(comparison, false)
    } else if (before) {
      this.putOff(before)
    }
  }

  /** Where one account has lost commits that a relay has seen, others have too. */
  private async compareAllAfterLoss({ did, relay }: Comparison): Promise<void> {
    const now = this.deps.clock.now()
    if (this.lossSeenAt !== null && now - this.lossSeenAt < DAY) return
    this.lossSeenAt = now
    log.warn('a relay has seen commits that are lost here: all accounts are compared', {
      did,
      relay,
      accountsToCompare: await this.compareAll(),
    })
  }

  private putOff(discrepancy: Discrepancy): void {
    const { discrepancies, clock } = this.deps
    discrepancies.set({ ...discrepancy, dueAt: clock.now() + ASK_AGAIN_MS })
  }

  /** The next accounts, in rounds through all of them, without those that are waiting for their time. */
  private sample(): Did[] {
    const { accounts, discrepancies } = this.deps
    const page = accounts.list({ limit: SAMPLE, cursor: this.sampled })
    this.sampled = page.cursor
    return page.accounts.map(({ did }) => did).filter((did) => !discrepancies.get(did))
  }

  /** Null when it has no repository. */
  private ownAccount(account: Account): OwnAccount | null {
    const { repos, sequencer } = this.deps
    try {
      const { rev } = repos.head(account.did)
      return { state: statusOf(account), rev, seq: sequencer.head(account.did)?.seq ?? null }
    } catch (error) {
      if (error instanceof RepoNotFoundError) return null
      throw error
    }
  }

  /** An account whose DID document does not say that it is ours is not ours to announce. */
  private async unlessNotOurs(comparison: Comparison, { state }: OwnAccount): Promise<Comparison> {
    const { did, finding } = comparison
    if (remedyOf(finding) !== 'announce') return comparison
    const isActive = state === 'active'
    // one that is inactive here and active elsewhere has as a rule moved away, which the document in the cache tells
    let fault = isActive ? null : await this.ownershipFault(did, false)
    fault ??= await this.ownershipFault(did, true)
    if (!fault) return comparison
    return { ...comparison, finding: isActive ? fault : 'agreed' }
  }

  private async ownershipFault(
    did: Did,
    fresh: boolean,
  ): Promise<'moved' | 'withdrawn' | 'other-key' | null> {
    const { identity, keys, publicUrl } = this.deps
    try {
      const document = await identity.resolveDid(did, { fresh })
      if (!document) return 'withdrawn'
      if (pdsEndpoint(document) !== publicUrl) return 'moved'
      return verificationKey(document) === keys.load(did).did ? null : 'other-key'
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      return null // it cannot be found out, and telling relays does no harm: they look it up themselves
    }
  }

  private announcements({ did, newerThan }: Pick<Comparison, 'did' | 'newerThan'>): Announcement[] {
    const account = this.deps.accounts.get(did)
    if (!account) return []
    const status = statusOf(account)
    const identity: Announcement = account.handle
      ? { type: 'identity', handle: account.handle }
      : { type: 'identity' }
    if (status !== 'active') return [identity, { type: 'account', active: false, status }]
    const sync: Announcement = newerThan === null ? { type: 'sync' } : { type: 'sync', newerThan }
    return [identity, { type: 'account', active: true }, sync]
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.deps.timers.after(ms, resolve)
      this.wake = () => {
        cancel()
        resolve()
      }
    })
  }
}

/** After a loss an account is announced even if no relay says what it holds: it is more likely wrong than right. */
function remedyFor({ finding }: Comparison, before: Discrepancy | null): Remedy {
  const isUncompared = before !== null && before.finding === null
  return isUncompared && finding === 'silent' ? 'announce' : remedyOf(finding)
}

function backOff(announcedCount: number): number {
  return BACK_OFF_MS[Math.min(Math.max(announcedCount, 1), BACK_OFF_MS.length) - 1] ?? DAY
}

/** Says it once: when it is new, and when telling the relay does not help. */
function report(
  { did, finding, relay, status }: Comparison,
  before: Discrepancy | null,
  { announced, announcedCount }: { announced: boolean; announcedCount: number },
): void {
  const fields = { did, relay, finding, status: status ?? undefined }
  if (announced && announcedCount === 1) log.info('account announced anew', fields)
  else if (announced && announcedCount === WORTH_A_WARNING)
    log.warn('account announced anew, again without effect', { ...fields, times: announcedCount })
  else if (!announced && before?.finding !== finding)
    log.warn('relay holds an account in a way that this server cannot mend', fields)
}
