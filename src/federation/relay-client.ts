/**
 * What this server asks a relay: to crawl it, and what the relay knows of it and of its accounts. Relays are other
 * people's software: an answer that is not as its lexicon says is no answer, and what is in one is for the caller to
 * doubt.
 * @see https://atproto.com/specs/sync#relays
 */
import { relay as relayKind } from '#config/network-kinds.ts'
import { type Did, isTid, type Tid } from '#lexicon/strings.ts'
import { SECOND } from '#std/clock.ts'
import { InvalidRequestError, messageOf } from '#std/errors.ts'
import type { SafeFetch } from '#std/safe-fetch.ts'

/** milliseconds for one question, whatever the relay does */
const TIMEOUT_MS = 5 * SECOND
/** a relay asks us something before it answers a crawl request, and waits 5 s for that itself */
const CRAWL_TIMEOUT_MS = 10 * SECOND
const MAX_BYTES = 64 * 1024
/** characters of a refusal that are kept */
const MAX_MESSAGE = 500

/**
 * The URL of a relay as an operator names it, by host name or URL.
 * @throws InvalidRequestError
 */
export function relayUrl(text: string): string {
  const parsed = relayKind.parse(text.trim(), '')
  if ('value' in parsed) return parsed.value
  throw new InvalidRequestError(`${parsed.problem}: ${parsed.remedy}`)
}

/** No usable answer, and why. */
export interface Silence {
  readonly kind: 'silent'
  readonly message: string
}

export interface HostStatus {
  readonly kind: 'known'
  /** `active`, `idle`, `offline`, `throttled`, `banned`, or something newer */
  readonly status: string | null
  /** the last event that it has seen of us; null when it has seen none, or does not say. Any number at all. */
  readonly seq: number | null
  readonly accountCount: number | null
}

export type HostAnswer = HostStatus | { readonly kind: 'unknown' } | Silence

export interface RepoStatus {
  readonly kind: 'known'
  readonly active: boolean
  readonly status: string | null
  readonly rev: Tid | null
}

export type RepoAnswer = RepoStatus | { readonly kind: 'unknown' } | Silence

export interface CrawlOutcome {
  readonly relay: string
  readonly ok: boolean
  /** HTTP status; null when there was no answer */
  readonly status: number | null
  /** what the relay said, or why it could not be asked; null when it was fine */
  readonly message: string | null
}

interface RelayClientDeps {
  /** without a slash at the end */
  url: string
  /** as the relay knows this server */
  host: string
  fetch: SafeFetch
  /** ends what is under way */
  signal?: AbortSignal
}

/** An answer, whose fields may be anything. */
interface Said {
  readonly kind: 'said'
  readonly body: Readonly<Record<string, unknown>>
}

interface Answer {
  ok: boolean
  status: number
  /** null when it is not a JSON object */
  body: Readonly<Record<string, unknown>> | null
  text: string
}

export class RelayClient {
  constructor(private readonly deps: RelayClientDeps) {}

  get url(): string {
    return this.deps.url
  }

  async requestCrawl(): Promise<CrawlOutcome> {
    const relay = this.url
    try {
      const { ok, status, text } = await this.request('requestCrawl', {
        timeoutMs: CRAWL_TIMEOUT_MS,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ hostname: this.deps.host }),
      })
      return { relay, ok, status, message: ok ? null : excerpt(text) }
    } catch (error) {
      return { relay, ok: false, status: null, message: messageOf(error) }
    }
  }

  async hostStatus(): Promise<HostAnswer> {
    const answer = await this.ask('getHostStatus', { hostname: this.deps.host }, 'HostNotFound')
    if (answer.kind !== 'said') return answer
    const { status, seq, accountCount } = answer.body
    return {
      kind: 'known',
      status: typeof status === 'string' ? excerpt(status) : null,
      seq: typeof seq === 'number' && seq >= 0 ? seq : null, // the relay of Bluesky says -1 for none
      accountCount:
        typeof accountCount === 'number' && Number.isSafeInteger(accountCount) ? accountCount : null,
    }
  }

  async repoStatus(did: Did): Promise<RepoAnswer> {
    const answer = await this.ask('getRepoStatus', { did }, 'RepoNotFound')
    if (answer.kind !== 'said') return answer
    const { did: about, active, status, rev } = answer.body
    if (about !== did || typeof active !== 'boolean')
      return silence('it answered a question about an account with something else')
    return {
      kind: 'known',
      active,
      status: typeof status === 'string' ? excerpt(status) : null,
      rev: typeof rev === 'string' && isTid(rev) ? rev : null,
    }
  }

  private async ask(
    method: string,
    params: Record<string, string>,
    notFound: string,
  ): Promise<Said | { kind: 'unknown' } | Silence> {
    try {
      const answer = await this.request(`${method}?${new URLSearchParams(params)}`, { timeoutMs: TIMEOUT_MS })
      const { ok, status, body, text } = answer
      if (ok && body) return { kind: 'said', body }
      if (body?.error === notFound) return { kind: 'unknown' }
      return silence(ok ? 'it answered with something that is no JSON' : `${status} ${excerpt(text)}`.trim())
    } catch (error) {
      return silence(messageOf(error))
    }
  }

  private async request(
    path: string,
    {
      timeoutMs,
      ...options
    }: { timeoutMs: number; method?: string; headers?: Record<string, string>; body?: string },
  ): Promise<Answer> {
    const { url, fetch, signal } = this.deps
    const deadline = AbortSignal.timeout(timeoutMs) // for head and body together
    const response = await fetch(`${url}/xrpc/com.atproto.sync.${path}`, {
      ...options,
      chosenBy: 'operator',
      maxBytes: MAX_BYTES,
      timeoutMs,
      signal: signal ? AbortSignal.any([deadline, signal]) : deadline,
    })
    const text = await response.text()
    return { ok: response.ok, status: response.status, body: parsedObject(text), text }
  }
}

function silence(message: string): Silence {
  return { kind: 'silent', message }
}

function excerpt(text: string): string {
  return text.slice(0, MAX_MESSAGE)
}

function parsedObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null
  } catch {
    return null
  }
}
