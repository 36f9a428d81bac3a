/**
 * Notices that a relay and this host have lost each other, and brings them together again: at start, and every ten
 * minutes, each relay is asked what it knows of us.
 *
 * - It has seen later events than our log has: a backup was restored, or the server was installed anew. It would refuse
 *   to listen, for good. Our numbers jump ahead of all that it has seen; then every account is compared with what the
 *   relay holds, and announced anew where that differs (account-healing.ts).
 * - It is not listening: it is asked to crawl.
 * - It holds one of our accounts otherwise than we do: a sample is compared each time.
 *
 * Consumers of the firehose are held until the first round is through, for one that connects with a cursor of lost
 * events would be turned away; what keeps them waiting is bounded by the relays' time to answer. Relays are not
 * believed blindly: numbers that no host can have are not followed, and none makes us jump twice a day.
 */
import type { Sequencer } from '#sequencer/sequencer.ts'
import { type Clock, DAY, HOUR, MINUTE, SECOND } from '#std/clock.ts'
import type { SafeFetch } from '#std/safe-fetch.ts'
import type { Timers } from '#std/timers.ts'
import { logger } from '#telemetry/log.ts'
import type { AccountHealing, ListeningRelay } from './account-healing.ts'
import type { Crawlers } from './crawlers.ts'
import { type HostFinding, judgeHost, jumpTarget } from './host-findings.ts'
import { type HostAnswer, RelayClient } from './relay-client.ts'

const log = logger('federation')

const EVERY_MS = 10 * MINUTE
/** the same while a relay is silent or not listening yet, doubled with each round */
const SOON_MS = 30 * SECOND
/** between two crawl requests to a relay that does not come, doubled with each */
const CRAWL_AGAIN_MS = 10 * MINUTE
const LAST_CRAWL_AGAIN_MS = 6 * HOUR

interface Relay {
  readonly client: RelayClient
  /** of the last round */
  last: RelayTreatment | null
  /** when it last made us jump, in Unix milliseconds */
  jumpedAt: number | null
  /** how often it was asked to crawl since it last listened */
  crawls: number
}

export interface RelayReport {
  readonly relay: string
  readonly answer: HostAnswer
  readonly finding: HostFinding
}

/** What a round does about it; `left`: nothing, though something is wrong. */
export interface RelayTreatment extends RelayReport {
  readonly action: 'none' | 'jump' | 'crawl' | 'left'
  /** of a jump: the number after which events go on */
  readonly to: number | null
}

interface HealingDeps {
  relays: readonly string[]
  /** as relays know this server */
  host: string
  fetch: SafeFetch
  clock: Clock
  timers: Timers
  sequencer: Sequencer
  crawlers: Crawlers
  accounts: AccountHealing
}

export class Healing implements AsyncDisposable {
  private relays: readonly Relay[]
  private cancelTimer: (() => void) | null = null
  private unsettledRounds = 0
  private started = false
  private readonly stopping = new AbortController()
  private running: Promise<unknown> = Promise.resolve()

  constructor(private readonly deps: HealingDeps) {
    this.relays = deps.relays.map((url) => this.relay(url))
  }

  /** As relays know this server. */
  get host(): string {
    return this.deps.host
  }

  /** Begins the rounds. Resolves when consumers may be let in; never rejects. */
  async start(): Promise<void> {
    this.started = true
    await this.round()
  }

  /** Changes the relays. New ones are asked at once, if the others were. */
  setRelays(urls: readonly string[]): void {
    const before = this.relays
    this.relays = urls.map((url) => before.find(({ client }) => client.url === url) ?? this.relay(url))
    if (this.started && this.relays.some((relay) => !before.includes(relay))) void this.round()
  }

  /** Asks every relay what it knows of this host, and changes nothing. */
  async look(): Promise<RelayReport[]> {
    return await Promise.all(this.relays.map((relay) => this.ask(relay)))
  }

  /** The relays that listen to us, of those that were asked. */
  listening(reports: readonly RelayReport[]): ListeningRelay[] {
    return reports.flatMap(({ relay, answer, finding }) => {
      const client = this.known(relay)?.client
      if (!client || answer.kind !== 'known') return []
      const listens = finding === 'listening' || (finding === 'ahead' && answer.status === 'active')
      return listens ? [{ client, seq: answer.seq }] : []
    })
  }

  /** Asks every relay, and does what is to be done about the host as a whole; nothing on a dry run. */
  async healHost({ dryRun }: { dryRun: boolean }): Promise<RelayTreatment[]> {
    if (dryRun) return this.plan(await this.look(), { again: true })
    return await this.exclusively(() => this.treat({ again: true }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopping.abort()
    this.cancelTimer?.()
    await this.running
  }

  private async round(): Promise<void> {
    this.cancelTimer?.()
    try {
      const treatments = await this.exclusively(() => this.treat({ again: false }))
      this.scheduleAfter(treatments)
      void this.deps.accounts.work(this.listening(treatments))
    } catch (error) {
      log.error('relays could not be checked', { error })
      this.schedule(EVERY_MS)
    }
  }

  /** One round at a time: two would jump twice. */
  private exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.running.then(work)
    this.running = result.catch(() => {})
    return result
  }

  private async treat(options: { again: boolean }): Promise<RelayTreatment[]> {
    const plan = this.plan(await this.look(), options)
    if (this.stopping.signal.aborted) return []
    await this.jump(plan)
    for (const treatment of plan) {
      this.note(treatment)
      if (this.needsCrawl(treatment)) void this.deps.crawlers.requestCrawl(treatment.relay)
    }
    return plan
  }

  private plan(reports: readonly RelayReport[], { again }: { again: boolean }): RelayTreatment[] {
    const now = this.deps.clock.now()
    return reports.map((report): RelayTreatment => {
      const { relay: url, answer, finding } = report
      const relay = this.known(url)
      switch (finding) {
        case 'ahead': {
          const seq = answer.kind === 'known' ? (answer.seq ?? 0) : 0
          const wasFollowed = relay?.jumpedAt != null && now - relay.jumpedAt < DAY
          if (wasFollowed && !again) return { ...report, action: 'left', to: null }
          return { ...report, action: 'jump', to: jumpTarget(seq, now) }
        }
        case 'unknown':
        case 'not-listening':
          return { ...report, action: again || this.mayBeAsked(relay, now) ? 'crawl' : 'none', to: null }
        case 'absurd':
        case 'refused':
          return { ...report, action: 'left', to: null }
        default:
          return { ...report, action: 'none', to: null }
      }
    })
  }

  /** A relay that does not come is asked less and less often; one that could not be asked, `crawlers` asks again. */
  private mayBeAsked(relay: Relay | undefined, now: number): boolean {
    const last = relay && this.deps.crawlers.lastCrawl(relay.client.url)
    if (!last) return true
    if (!last.outcome?.ok) return false
    const pause = relay.crawls === 0 ? SOON_MS : CRAWL_AGAIN_MS * 2 ** (relay.crawls - 1)
    return now - last.at >= Math.min(pause, LAST_CRAWL_AGAIN_MS)
  }

  /** After a jump a relay may come that was turned away before. */
  private needsCrawl({ relay, answer, action }: RelayTreatment): boolean {
    if (action === 'crawl') return true
    if (action !== 'jump' || (answer.kind === 'known' && answer.status === 'active')) return false
    const last = this.deps.crawlers.lastCrawl(relay)
    return !last || last.outcome !== null
  }

  private async jump(plan: readonly RelayTreatment[]): Promise<void> {
    const { sequencer, accounts, clock } = this.deps
    const jumps = plan.filter(({ action }) => action === 'jump')
    const to = Math.max(...jumps.map((treatment) => treatment.to ?? 0))
    if (jumps.length === 0 || to <= sequencer.lastSeq) return
    // in this order, so that a crash in between leaves accounts to compare, and not some that nobody compares
    const count = await accounts.compareAll()
    const from = sequencer.lastSeq
    if (to > from) sequencer.bump(to)
    await accounts.compareAll()
    for (const relay of this.relays) {
      if (jumps.some(({ relay: url }) => url === relay.client.url)) relay.jumpedAt = clock.now()
    }
    log.warn('a relay has seen later events than are in the log: numbers jump ahead', {
      relays: jumps.map(({ relay }) => relay),
      lastSeq: from,
      to,
      accountsToCompare: count,
    })
  }

  private async ask(relay: Relay): Promise<RelayReport> {
    const answer = await relay.client.hostStatus()
    const { clock, sequencer } = this.deps
    const finding = judgeHost(answer, { lastSeq: sequencer.lastSeq, now: clock.now() })
    return { relay: relay.client.url, answer, finding }
  }

  /** Keeps what a relay said and what was done, and logs it when it is new. */
  private note(treatment: RelayTreatment): void {
    const relay = this.known(treatment.relay)
    if (!relay) return
    const { finding, action } = treatment
    const isNew = relay.last?.finding !== finding || (action === 'left' && relay.last.action !== 'left')
    if (finding === 'listening') relay.crawls = 0
    if (action === 'crawl') relay.crawls++
    relay.last = treatment
    if (isNew) report(treatment, this.deps.sequencer.lastSeq)
  }

  private known(url: string): Relay | undefined {
    return this.relays.find(({ client }) => client.url === url)
  }

  /** Soon, while a relay is on its way to us. */
  private scheduleAfter(treatments: readonly RelayTreatment[]): void {
    const settled = treatments.every(({ finding, action }) => finding === 'listening' || action === 'left')
    this.unsettledRounds = settled ? 0 : this.unsettledRounds + 1
    this.schedule(settled ? EVERY_MS : Math.min(SOON_MS * 2 ** (this.unsettledRounds - 1), EVERY_MS))
  }

  private schedule(ms: number): void {
    this.cancelTimer?.()
    if (this.stopping.signal.aborted) return
    this.cancelTimer = this.deps.timers.after(ms, () => void this.round())
  }

  private relay(url: string): Relay {
    const { host, fetch } = this.deps
    const client = new RelayClient({ url, host, fetch, signal: this.stopping.signal })
    return { client, last: null, jumpedAt: null, crawls: 0 }
  }
}

function report({ relay, answer, finding, action }: RelayTreatment, lastSeq: number): void {
  if (answer.kind !== 'known') {
    if (answer.kind === 'unknown') log.info('relay does not know this host yet', { relay })
    else log.warn('relay does not say what it knows of this host', { relay, reason: answer.message })
    return
  }
  const { seq, status, accountCount } = answer
  const fields = { relay, status, relaySeq: seq, lastSeq }
  if (finding === 'listening') log.info('relay listens', { ...fields, accountCount })
  if (finding === 'not-listening') log.warn('relay does not listen to this host', fields)
  if (finding === 'refused') log.error('relay refuses this host', { ...fields, hint: REFUSED })
  if (finding === 'absurd')
    log.error('relay claims events that no host can have sent', { ...fields, hint: ABSURD })
  if (finding === 'ahead' && action === 'left')
    log.error('relay claims later events a second time', { ...fields, hint: AGAIN })
}

const REFUSED = 'only its operator can change that'
const AGAIN = 'its number is not followed; if it is true: locus relay heal --yes'
const ABSURD =
  'its number is not followed: ask its operator to reset what it has of this host, or, if the number is true: locus firehose bump --to NUMBER'
