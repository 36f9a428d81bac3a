/**
 * The one way out: every request that this server makes goes through a function made here. It keeps strangers, who
 * name most of our targets, from making us talk to machines that only we can reach, and from filling our memory or
 * holding our time.
 *
 * The name of a target is resolved first, every one of its addresses must be a public server's, and the connection then
 * goes to an address that was checked: `fetch` gets the address in the URL, the name in `Host` and for TLS, which
 * verifies the certificate for that name (Bun does not share connections between names). Resolving twice would let a
 * name server answer differently the second time. Bodies are decompressed here, a chunk at a time: Bun's own
 * decompression runs ahead of its reader without bound (455 bytes of brotli became 590 MB).
 */
import { lookup } from 'node:dns/promises'
import { SECOND } from '#std/clock.ts'
import { DomainError, messageOf } from '#std/errors.ts'
import { ipBytes, whyNotPublic } from '#std/ip-address.ts'

export interface SafeFetchSettings {
  readonly userAgent: string
  /** false lets strangers name any target at all; the other limits stay */
  readonly protection: boolean
  /** whether `http:` and `https:` to this machine are allowed, for development */
  readonly allowLoopback: boolean
  /** our own name: a request to ourselves would go in circles */
  readonly ownHostname?: string
  /** certificates (PEM) to trust instead of the system's */
  readonly ca?: string
  /** all addresses of a name; the system's resolver unless given */
  readonly resolve?: (hostname: string) => Promise<readonly string[]>
  /** why an address may not be contacted, null if it may; `whyNotPublic` unless given */
  readonly refuseAddress?: (address: string) => string | null
}

export interface FetchOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array | ReadableStream<Uint8Array>
  /** `operator`: the operator named this target, so it may be any; default: `stranger` */
  readonly chosenBy?: 'stranger' | 'operator'
  /** `error` (the default) takes a redirect for a failure, `manual` returns it, `follow` goes a few hops, each checked */
  readonly redirect?: 'error' | 'manual' | 'follow'
  /** milliseconds until the head of the answer is here, redirects included; default 10 s */
  readonly timeoutMs?: number
  /** milliseconds from there to the end of the body; default: as `timeoutMs` */
  readonly bodyTimeoutMs?: number
  /** bytes of body, decompressed; default 512 KiB */
  readonly maxBytes?: number
  readonly signal?: AbortSignal
}

/** Like `fetch`, guarded. Reading the body of what it returns can fail as the call itself can. */
export type SafeFetch = (url: string | URL, options?: FetchOptions) => Promise<Response>

const DEFAULT_TIMEOUT_MS = 10 * SECOND
const DEFAULT_MAX_BYTES = 512 * 1024
const MAX_HOPS = 3

/** A target that this server will not contact, whoever asks. */
export class RefusedTargetError extends DomainError {
  override readonly name = 'RefusedTargetError'
  readonly kind = 'invalid'
  readonly code = 'InvalidRequest'
  constructor(target: string, why: string) {
    super(`Refusing to contact ${target}: ${why}`)
  }
}

/**
 * What went wrong on the way. `unknown-host`: the name does not exist. `resolver`: the name server did not say.
 * `certificate`: the host cannot prove its name. `answer`: it answered in a way that we do not take.
 */
export type FetchFailure =
  | 'unknown-host'
  | 'resolver'
  | 'unreachable'
  | 'certificate'
  | 'timeout'
  | 'redirect'
  | 'too-large'
  | 'answer'

/** A request that was allowed and failed. */
export class FetchFailedError extends DomainError {
  override readonly name = 'FetchFailedError'
  readonly kind = 'upstream'
  readonly code = 'UpstreamFailure'
  constructor(
    readonly reason: FetchFailure,
    host: string,
    what: string,
    options?: ErrorOptions,
  ) {
    super(`${host} ${what}`, options)
  }
}

export function createSafeFetch(settings: SafeFetchSettings): SafeFetch {
  return async (target, options = {}) => {
    const { redirect = 'error', maxBytes = DEFAULT_MAX_BYTES, timeoutMs = DEFAULT_TIMEOUT_MS } = options
    let url = parseUrl(target)
    let headers = requestHeaders(settings, options)
    const deadline = new Deadline(timeoutMs, options.signal)
    try {
      for (let hops = 0; ; hops++) {
        const response = await request(settings, url, headers, options, deadline)
        const location = redirectOf(response)
        if (location === null || redirect === 'manual') {
          deadline.restart(options.bodyTimeoutMs ?? timeoutMs)
          return bounded(response, url.host, maxBytes, deadline)
        }
        await response.body?.cancel()
        if (redirect === 'error') throw new FetchFailedError('redirect', url.host, 'answered with a redirect')
        if (hops === MAX_HOPS) throw new FetchFailedError('redirect', url.host, 'redirects too often')
        const next = URL.parse(location, url.href)
        if (next === null)
          throw new FetchFailedError('redirect', url.host, 'redirects to something that is no URL')
        if (next.origin !== url.origin) headers = withoutCredentials(headers)
        url = next
      }
    } catch (error) {
      deadline.stop()
      throw failure(error, url.host, deadline)
    }
  }
}

/** Ends an exchange in time: first its head, then its body, each with its own allowance. */
class Deadline {
  private readonly timedOut = new AbortController()
  private timer: ReturnType<typeof setTimeout> | undefined
  readonly signal: AbortSignal

  constructor(
    ms: number,
    private readonly caller: AbortSignal | undefined,
  ) {
    this.signal = caller ? AbortSignal.any([this.timedOut.signal, caller]) : this.timedOut.signal
    this.restart(ms)
  }

  get passed(): boolean {
    return this.timedOut.signal.aborted
  }

  get cancelled(): boolean {
    return this.caller?.aborted === true
  }

  restart(ms: number): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.timedOut.abort(), ms)
    this.timer.unref()
  }

  stop(): void {
    clearTimeout(this.timer)
  }

  /** The result of `work`, unless the deadline comes first: for what takes no signal. */
  async of<T>(work: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>()
    const abort = () => reject(new DOMException('aborted', 'AbortError'))
    this.signal.throwIfAborted()
    this.signal.addEventListener('abort', abort, { once: true })
    try {
      return await Promise.race([work, promise])
    } finally {
      this.signal.removeEventListener('abort', abort)
    }
  }
}

function parseUrl(target: string | URL): URL {
  const url = typeof target === 'string' ? URL.parse(target) : target
  if (!url) throw new RefusedTargetError(JSON.stringify(target), 'it is not a URL')
  return url
}

function requestHeaders(settings: SafeFetchSettings, options: FetchOptions): Headers {
  const headers = new Headers(options.headers)
  headers.set('user-agent', settings.userAgent)
  headers.set('accept-encoding', 'gzip, br')
  return headers
}

function withoutCredentials(headers: Headers): Headers {
  const kept = new Headers(headers)
  for (const name of ['authorization', 'cookie', 'dpop', 'proxy-authorization']) kept.delete(name)
  return kept
}

/** One request to one URL, at an address that passed the checks. */
async function request(
  settings: SafeFetchSettings,
  url: URL,
  headers: Headers,
  options: FetchOptions,
  deadline: Deadline,
): Promise<Response> {
  const init = {
    method: options.method ?? 'GET',
    redirect: 'manual',
    decompress: false,
    signal: deadline.signal,
    ...(options.body === undefined ? {} : { body: options.body }),
  } as const
  if (!isGuarded(settings, url, options)) return await fetch(url.href, { ...init, headers })

  const addresses = await addressesOf(settings, url.hostname, deadline)
  const named = new Headers(headers)
  named.set('host', url.host)
  const tls = { serverName: url.hostname, ...(settings.ca === undefined ? {} : { ca: settings.ca }) }
  for (const [i, address] of addresses.entries()) {
    try {
      return await fetch(withHost(url, address), { ...init, headers: named, tls })
    } catch (error) {
      // a stream can be sent only once, and only a connection that never was has sent nothing
      const last = i === addresses.length - 1 || options.body instanceof ReadableStream
      if (last || deadline.signal.aborted || !NOT_CONNECTED.has(codeOf(error))) throw error
    }
  }
  throw new FetchFailedError('unknown-host', url.host, 'has no address')
}

const NOT_CONNECTED = new Set(['ECONNREFUSED', 'ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL', 'ETIMEDOUT'])

/**
 * Whether the address must be checked and pinned.
 * @throws RefusedTargetError when the URL alone tells that its target is not allowed
 */
function isGuarded(settings: SafeFetchSettings, url: URL, options: FetchOptions): boolean {
  const refuse = (why: string) => new RefusedTargetError(url.host || url.protocol, why)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refuse(`${url.protocol} is not https:`)
  if (url.username !== '' || url.password !== '') throw refuse('the URL holds credentials')
  if (options.chosenBy === 'operator' || !settings.protection) return false
  if (settings.allowLoopback && LOOPBACK.has(url.hostname)) return false
  if (url.protocol !== 'https:') throw refuse('it is not https')
  const { hostname } = url
  // the URL parser has brought every notation of an address into its plain form
  if (hostname.startsWith('[') || ipBytes(hostname)) throw refuse('it is an address, not a name')
  if (!PUBLIC_NAME.test(hostname) || hostname.length > 253) throw refuse('it is not a public host name')
  const topLevel = hostname.slice(hostname.lastIndexOf('.') + 1)
  if (SPECIAL_TLDS.has(topLevel)) throw refuse(`names in .${topLevel} are not public`)
  if (hostname === settings.ownHostname) throw refuse('it is this server')
  return true
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])
const PUBLIC_NAME = /^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/
/** Top-level domains that no public name is in. */
const SPECIAL_TLDS = new Set([
  'alt',
  'arpa',
  'example',
  'internal',
  'invalid',
  'local',
  'localhost',
  'onion',
  'test',
])

/** The addresses of a name, those of IPv4 first: a host without a route to IPv6 would wait for each in vain. */
async function addressesOf(
  settings: SafeFetchSettings,
  hostname: string,
  deadline: Deadline,
): Promise<readonly string[]> {
  const { resolve = systemResolve, refuseAddress = whyNotPublic } = settings
  const addresses = await deadline.of(resolve(hostname))
  for (const address of addresses) {
    const why = refuseAddress(address)
    if (why !== null) throw new RefusedTargetError(hostname, `its address ${address} is not public (${why})`)
  }
  return addresses.toSorted((a, b) => Number(a.includes(':')) - Number(b.includes(':')))
}

async function systemResolve(hostname: string): Promise<string[]> {
  const found = await lookup(hostname, { all: true })
  return found.map(({ address }) => address)
}

function withHost(url: URL, address: string): string {
  const pinned = new URL(url)
  pinned.hostname = address.includes(':') ? `[${address}]` : address
  return pinned.href
}

function redirectOf(response: Response): string | null {
  return [301, 302, 303, 307, 308].includes(response.status) ? response.headers.get('location') : null
}

/** The same answer with a body that is decompressed, counted and timed while it is read. */
function bounded(response: Response, host: string, maxBytes: number, deadline: Deadline): Response {
  const { status, statusText } = response
  const headers = new Headers(response.headers)
  const source = response.body
  if (!source) {
    deadline.stop()
    return new Response(null, { status, statusText, headers })
  }
  const encoding = headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity'
  const format = encoding === 'identity' ? null : FORMATS.get(encoding)
  if (format === undefined) {
    void source.cancel()
    throw new FetchFailedError('answer', host, 'answered in an encoding that was not asked for')
  }
  if (format === null && Number(headers.get('content-length')) > maxBytes) {
    void source.cancel()
    throw tooLarge(host, maxBytes)
  }
  if (format !== null) {
    headers.delete('content-encoding')
    headers.delete('content-length')
  }
  const decoded = format === null ? source : source.pipeThrough(new DecompressionStream(format))
  return new Response(counted(decoded, host, maxBytes, deadline), { status, statusText, headers })
}

const FORMATS: ReadonlyMap<string, 'gzip' | 'deflate' | 'brotli'> = new Map([
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['br', 'brotli'],
])

function counted(
  source: ReadableStream<Uint8Array>,
  host: string,
  maxBytes: number,
  deadline: Deadline,
): ReadableStream<Uint8Array> {
  const reader = source.getReader()
  let total = 0
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await deadline.of(reader.read())
          if (done) {
            deadline.stop()
            return controller.close()
          }
          total += value.length
          if (total > maxBytes) throw tooLarge(host, maxBytes)
          controller.enqueue(value)
        } catch (error) {
          deadline.stop()
          controller.error(failure(error, host, deadline))
          await reader.cancel().catch(() => {}) // it may have failed by itself
        }
      },
      async cancel(reason) {
        deadline.stop()
        await reader.cancel(reason)
      },
    },
    { highWaterMark: 0 }, // reads nothing ahead of its reader
  )
}

function tooLarge(host: string, maxBytes: number): FetchFailedError {
  return new FetchFailedError('too-large', host, `answered with more than ${maxBytes} bytes`)
}

/** What to tell the caller: our own errors as they are, an abort of theirs by their reason, faults by their class. */
function failure(error: unknown, host: string, deadline: Deadline): unknown {
  if (error instanceof DomainError) return error
  if (deadline.cancelled) return deadline.signal.reason
  const options = { cause: error }
  if (deadline.passed) return new FetchFailedError('timeout', host, 'did not answer in time', options)
  const code = codeOf(error)
  if (code === 'ENOTFOUND' || code === 'ENODATA') {
    return new FetchFailedError('unknown-host', host, 'does not exist', options)
  }
  if (code.startsWith('EAI_') || code === 'ESERVFAIL' || code === 'ETIMEOUT') {
    return new FetchFailedError('resolver', host, `could not be resolved (${code})`, options)
  }
  if (/CERT|VERIFY|SELF_SIGNED|ALTNAME/.test(code)) {
    return new FetchFailedError(
      'certificate',
      host,
      `has no valid certificate for its name (${code})`,
      options,
    )
  }
  if (code === '')
    return new FetchFailedError('answer', host, `sent a broken answer: ${messageOf(error)}`, options)
  return new FetchFailedError('unreachable', host, `cannot be reached (${code})`, options)
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}
