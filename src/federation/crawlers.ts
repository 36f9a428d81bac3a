/**
 * Asks relays to crawl this host: when the server starts, and when there is something new, but each at most once in
 * twenty minutes; what happens within that time is made good at its end. A relay that does not answer is asked again,
 * with growing pauses.
 * @see https://atproto.com/specs/sync#relays
 */
import type { Sequencer } from '#sequencer/sequencer.ts'
import { type Clock, HOUR, MINUTE, SECOND } from '#std/clock.ts'
import type { SafeFetch } from '#std/safe-fetch.ts'
import type { Timers } from '#std/timers.ts'
import { logger } from '#telemetry/log.ts'
import { type CrawlOutcome, RelayClient } from './relay-client.ts'

const log = logger('federation')

const NOTIFY_EVERY_MS = 20 * MINUTE
const FIRST_RETRY_MS = 10 * SECOND
const LAST_RETRY_MS = HOUR

/** A crawl request, and what came of it. */
export interface LastCrawl {
  /** Unix milliseconds */
  readonly at: number
  /** null while the relay is being asked */
  readonly outcome: CrawlOutcome | null
}

interface CrawlersDeps {
  /** URLs of relays, without a slash at the end */
  relays: readonly string[]
  /** as relays know this server */
  host: string
  fetch: SafeFetch
  clock: Clock
  timers: Timers
  sequencer: Sequencer
}

export class Crawlers implements Disposable {
  private notifiers: readonly RelayNotifier[]
  private stopListening: (() => void) | null = null

  constructor(private readonly deps: CrawlersDeps) {
    this.notifiers = deps.relays.map((url) => this.notifier(url))
  }

  /** Notifies every relay now, and from now on of what is new. */
  start(): void {
    this.stopListening ??= this.deps.sequencer.listen(() => this.notify())
    this.notify()
  }

  /** Changes the relays. New ones are asked at once, if the others were. */
  setRelays(urls: readonly string[]): void {
    const before = this.notifiers
    this.notifiers = urls.map((url) => before.find((known) => known.url === url) ?? this.notifier(url))
    for (const notifier of before) if (!this.notifiers.includes(notifier)) notifier.stop()
    if (!this.stopListening) return
    for (const notifier of this.notifiers) if (!before.includes(notifier)) notifier.notify()
  }

  /** Asks one relay now, whenever it was asked last; it need not be one of ours. */
  async requestCrawl(url: string): Promise<CrawlOutcome> {
    const known = this.notifiers.find((notifier) => notifier.url === url)
    return known ? await known.ask() : await this.client(url).requestCrawl()
  }

  /** The last request to one of our relays since this server started; null when there was none. */
  lastCrawl(url: string): LastCrawl | null {
    return this.notifiers.find((notifier) => notifier.url === url)?.last ?? null
  }

  [Symbol.dispose](): void {
    this.stopListening?.()
    for (const notifier of this.notifiers) notifier.stop()
  }

  private notify(): void {
    for (const notifier of this.notifiers) notifier.notify()
  }

  private notifier(url: string): RelayNotifier {
    const { clock, timers } = this.deps
    return new RelayNotifier(this.client(url), { clock, timers })
  }

  private client(url: string): RelayClient {
    const { host, fetch } = this.deps
    return new RelayClient({ url, host, fetch })
  }
}

/** One relay, and when it is to be asked. */
class RelayNotifier {
  last: LastCrawl | null = null
  private cancelTimer: (() => void) | null = null
  private failures = 0
  private stopped = false

  constructor(
    private readonly client: RelayClient,
    private readonly deps: { clock: Clock; timers: Timers },
  ) {}

  get url(): string {
    return this.client.url
  }

  /** Asks now, or as soon as it may. */
  notify(): void {
    if (this.cancelTimer) return
    const sinceMs = this.last ? this.deps.clock.now() - this.last.at : NOTIFY_EVERY_MS
    if (sinceMs >= NOTIFY_EVERY_MS) void this.ask()
    else this.schedule(Math.min(NOTIFY_EVERY_MS - sinceMs, NOTIFY_EVERY_MS)) // a clock may be set back
  }

  /** Never throws: the outcome says what went wrong, and the next try is planned. */
  async ask(): Promise<CrawlOutcome> {
    this.cancel()
    const before = this.last?.outcome
    const at = this.deps.clock.now()
    this.last = { at, outcome: null }
    const outcome = await this.client.requestCrawl()
    this.last = { at, outcome }
    const { ok, relay, status, message } = outcome
    if (ok) {
      this.failures = 0
      log[before?.ok ? 'debug' : 'info']('crawl requested', { relay, status })
      return outcome
    }
    const retryMs = Math.min(FIRST_RETRY_MS * 4 ** this.failures++, LAST_RETRY_MS)
    log.warn('crawl request failed', { relay, status, reason: message, retryMs })
    this.schedule(retryMs)
    return outcome
  }

  stop(): void {
    this.stopped = true
    this.cancel()
  }

  private schedule(ms: number): void {
    this.cancel()
    if (this.stopped) return
    this.cancelTimer = this.deps.timers.after(ms, () => {
      this.cancelTimer = null
      void this.ask()
    })
  }

  private cancel(): void {
    this.cancelTimer?.()
    this.cancelTimer = null
  }
}
