/**
 * Asks relays to crawl this host: when the server starts, and when there is something new, but each at most once in
 * twenty minutes; what happens within that time is made good at its end. A relay that does not answer is asked again,
 * with growing pauses.
 * @see https://atproto.com/specs/sync#relays
 */
import type { Sequencer } from '#sequencer/sequencer.ts'
import { type Clock, HOUR, MINUTE, SECOND } from '#std/clock.ts'
import { messageOf } from '#std/errors.ts'
import type { SafeFetch } from '#std/safe-fetch.ts'
import { logger } from '#telemetry/log.ts'

const log = logger('federation')

const NOTIFY_EVERY_MS = 20 * MINUTE
const FIRST_RETRY_MS = 10 * SECOND
const LAST_RETRY_MS = HOUR
const TIMEOUT_MS = 10 * SECOND
/** characters of a relay's refusal that are kept */
const MAX_MESSAGE = 500

export interface CrawlOutcome {
  relay: string
  ok: boolean
  /** HTTP status; null when there was no answer */
  status: number | null
  /** what the relay said, or why it could not be asked; null when it was fine */
  message: string | null
}

interface CrawlersDeps {
  /** URLs of relays, without a slash at the end */
  relays: readonly string[]
  hostname: string
  fetch: SafeFetch
  clock: Clock
  sequencer: Sequencer
}

export class Crawlers implements Disposable {
  private relays: readonly RelayNotifier[]
  private stopListening: (() => void) | null = null

  constructor(private readonly deps: CrawlersDeps) {
    this.relays = deps.relays.map((relay) => new RelayNotifier(relay, deps))
  }

  /** Notifies every relay now, and from now on of what is new. */
  start(): void {
    for (const relay of this.relays) relay.notify()
    this.stopListening = this.deps.sequencer.listen(() => {
      for (const relay of this.relays) relay.notify()
    })
  }

  /** Changes the relays. New ones are asked at once, if the others were. */
  setRelays(urls: readonly string[]): void {
    const before = this.relays
    this.relays = urls.map(
      (url) => before.find((known) => known.url === url) ?? new RelayNotifier(url, this.deps),
    )
    for (const relay of before) if (!this.relays.includes(relay)) relay.stop()
    if (!this.stopListening) return
    for (const relay of this.relays) if (!before.includes(relay)) relay.notify()
  }

  /** Asks the relays now, whenever they were asked last: all, or only `relay`. */
  async requestCrawl(relay?: string): Promise<CrawlOutcome[]> {
    const chosen =
      relay === undefined
        ? this.relays
        : [this.relays.find(({ url }) => url === relay) ?? new RelayNotifier(relay, this.deps)]
    return await Promise.all(chosen.map((one) => one.ask()))
  }

  [Symbol.dispose](): void {
    this.stopListening?.()
    for (const relay of this.relays) relay.stop()
  }
}

class RelayNotifier {
  private askedAt: number | null = null
  private timer: ReturnType<typeof setTimeout> | null = null
  private failures = 0

  constructor(
    readonly url: string,
    private readonly deps: CrawlersDeps,
  ) {}

  /** Asks now, or as soon as it may. */
  notify(): void {
    if (this.timer) return
    const since = this.askedAt === null ? NOTIFY_EVERY_MS : this.deps.clock.now() - this.askedAt
    if (since >= NOTIFY_EVERY_MS) void this.ask()
    else this.schedule(NOTIFY_EVERY_MS - since)
  }

  /** Never throws: the outcome says what went wrong, and the next try is planned. */
  async ask(): Promise<CrawlOutcome> {
    this.stop()
    this.askedAt = this.deps.clock.now()
    const outcome = await this.request()
    const { relay, status, message } = outcome
    if (outcome.ok) {
      this.failures = 0
      log.info('crawl requested', { relay, status })
    } else {
      const retryMs = Math.min(FIRST_RETRY_MS * 4 ** this.failures++, LAST_RETRY_MS)
      log.warn('crawl request failed', { relay, status, message, retryMs })
      this.schedule(retryMs)
    }
    return outcome
  }

  stop(): void {
    if (this.timer) clearTimeout(this.timer)
    this.timer = null
  }

  private async request(): Promise<CrawlOutcome> {
    const { fetch, hostname } = this.deps
    const relay = this.url
    try {
      const response = await fetch(`${relay}/xrpc/com.atproto.sync.requestCrawl`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ hostname }),
        chosenBy: 'operator',
        timeoutMs: TIMEOUT_MS,
      })
      const { ok, status } = response
      const text = await response.text()
      return { relay, ok, status, message: ok ? null : text.slice(0, MAX_MESSAGE) }
    } catch (error) {
      return { relay, ok: false, status: null, message: messageOf(error) }
    }
  }

  private schedule(ms: number): void {
    this.stop()
    this.timer = setTimeout(() => void this.ask(), ms)
    this.timer.unref()
  }
}
