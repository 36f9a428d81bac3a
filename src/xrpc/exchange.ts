/**
 * One request and the making of its answer: the headers that every answer carries, conditional and compressed answers,
 * errors as `{ error, message }`.
 */

import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { storageError } from '#db/errors.ts'
import type { OutputBody } from '#lexicon/method.ts'
import { RateLimitExceededError } from '#ratelimit/errors.ts'
import { type LimitState, tighter } from '#ratelimit/rate-limits.ts'
import { DomainError } from '#std/errors.ts'
import { logger } from '#telemetry/log.ts'
import { Caller, type Origin } from '#xrpc/caller.ts'
import { ALLOW_ORIGIN, EXPOSED_HEADERS } from '#xrpc/cors.ts'
import { SlowBodyError } from '#xrpc/errors.ts'
import { requestId } from '#xrpc/request-id.ts'
import { statusOf } from '#xrpc/status.ts'

const log = logger('xrpc')
const gzipAside = promisify(gzip)

const JSON_TYPE = 'application/json; charset=utf-8'
/** Smaller answers gain nothing from compression. */
const COMPRESS_FROM = 1024
/** bytes of a body that arrives with its head, as a rule */
const SMALL_BODY = 16 * 1024
/** Larger ones are compressed in another thread. */
const COMPRESS_ASIDE_FROM = 128 * 1024
/** Level 1 takes 50 µs for a page of 100 posts and makes it a quarter; level 6 takes 180 µs for a sixth. */
const COMPRESSION = { level: 1 } as const
const ACCEPTS_GZIP = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i
const COMPRESSIBLE = /^(?:application\/(?:json|vnd\.ipld\.car|jsonl)|text\/)/

type Fields = Record<string, string>

export class Exchange {
  readonly caller: Caller
  private readonly startedAt = performance.now()
  private dependsOnCaller = false
  private limit: LimitState | null = null

  constructor(
    readonly request: Request,
    readonly origin: Origin,
  ) {
    this.caller = new Caller(requestId(request), origin, request)
  }

  /** From here on the answer is for this caller only. */
  makePrivate(): void {
    this.dependsOnCaller = true
  }

  /** Notes what a limit has left; of several, the tightest is told. */
  limited(state: LimitState): void {
    this.limit = this.limit ? tighter(this.limit, state) : state
  }

  empty(): Response {
    return this.respond(200, null, this.headers())
  }

  json(text: string): Response | Promise<Response> {
    const headers = this.headers(JSON_TYPE)
    if (this.request.method !== 'POST') {
      const etag = `W/"${text.length.toString(16)}-${Bun.hash(text).toString(36)}"`
      headers.etag = etag
      if (this.has(etag)) return this.respond(304, null, headers)
    }
    if (text.length < COMPRESS_FROM || !this.compresses()) return this.respond(200, text, headers)
    headers['content-encoding'] = 'gzip'
    const bytes = Buffer.from(text)
    if (bytes.length < COMPRESS_ASIDE_FROM)
      return this.respond(200, Bun.gzipSync(bytes, COMPRESSION), headers)
    return gzipAside(bytes, COMPRESSION).then((packed) => this.respond(200, packed, headers))
  }

  raw({ encoding, body, headers: own }: OutputBody): Response {
    const headers = { ...this.headers(encoding), ...own }
    if (this.request.method === 'HEAD') {
      if (body instanceof ReadableStream) void body.cancel()
      return this.respond(200, null, headers)
    }
    const isLarge = body instanceof ReadableStream || body.length >= COMPRESS_FROM
    if (!isLarge || !COMPRESSIBLE.test(encoding) || !this.compresses())
      return this.respond(200, body, headers)
    headers['content-encoding'] = 'gzip'
    if (body instanceof ReadableStream) return this.respond(200, gzipped(this.watched(body)), headers)
    return this.respond(200, Bun.gzipSync(new Uint8Array(body), COMPRESSION), headers)
  }

  /** Answers a refusal with its name and message, a bug with nothing but its status. */
  failed(cause: unknown): Response {
    const error = storageError(cause)
    if (!(error instanceof DomainError)) {
      log.error('method failed', { method: this.origin.nsid, requestId: this.caller.id, error })
      return this.error(500, 'InternalServerError', 'Internal Server Error', this.headers(JSON_TYPE))
    }
    const headers = this.headers(JSON_TYPE)
    if (error instanceof RateLimitExceededError) {
      setLimit(headers, error.state)
      headers['retry-after'] = String(Math.ceil(error.retryAfterMs / 1000))
    }
    if (error instanceof SlowBodyError || hasLargeBody(this.request)) headers.connection = 'close'
    if (this.isFromOperator()) {
      headers['locus-error-kind'] = error.kind
      if (error.hint) headers['locus-error-hint'] = encodeURI(error.hint)
    }
    return this.error(statusOf(error), error.code, error.message, headers)
  }

  /** Whether the command line may be at the other end, which ends by the kind of an error and shows its hint. */
  private isFromOperator(): boolean {
    return this.origin.door !== 'network' || /^basic /i.test(this.request.headers.get('authorization') ?? '')
  }

  private error(status: number, error: string, message: string, headers: Fields): Response {
    return this.respond(status, JSON.stringify({ error, message }), headers)
  }

  private respond(
    status: number,
    body: Uint8Array | ReadableStream | string | null,
    headers: Fields,
  ): Response {
    log.debug('request answered', {
      method: this.origin.nsid,
      status,
      requestId: this.caller.id,
      durationMs: Math.round((performance.now() - this.startedAt) * 10) / 10,
    })
    return new Response(body, { status, headers })
  }

  private headers(contentType?: string): Fields {
    const headers: Fields = {
      [ALLOW_ORIGIN]: '*',
      'access-control-expose-headers': EXPOSED_HEADERS,
      'x-request-id': this.caller.id,
      vary: this.dependsOnCaller ? 'Authorization, Accept-Encoding' : 'Accept-Encoding',
    }
    if (contentType) headers['content-type'] = contentType
    if (this.dependsOnCaller) headers['cache-control'] = 'private'
    if (this.limit) setLimit(headers, this.limit)
    return headers
  }

  /** What fails once the answer has begun can only be logged; the connection is cut, so that the client notices. */
  private watched(stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    const reader = stream.getReader()
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        try {
          const { done, value } = await reader.read()
          if (done) controller.close()
          else controller.enqueue(value)
        } catch (error) {
          log.error('answer broke off', { method: this.origin.nsid, requestId: this.caller.id, error })
          controller.error() // no reason is given: Bun would print it on stderr once more
        }
      },
      cancel: (reason) => reader.cancel(reason),
    })
  }

  private has(etag: string): boolean {
    const known = this.request.headers.get('if-none-match')
    return known !== null && (known === '*' || known.includes(etag))
  }

  private compresses(): boolean {
    if (this.origin.door !== 'network') return false
    const accepted = this.request.headers.get('accept-encoding')
    return accepted !== null && ACCEPTS_GZIP.test(accepted)
  }
}

/**
 * Whether there may be more of a request than was read when it was refused. Its connection is then of no further use,
 * and would keep a server that stops waiting for the rest.
 */
function hasLargeBody({ method, headers }: Request): boolean {
  if (method !== 'POST') return false
  const length = headers.get('content-length')
  return length === null ? headers.has('transfer-encoding') : Number(length) > SMALL_BODY
}

function setLimit(headers: Fields, { limit, remaining, resetAt, windowMs }: LimitState): void {
  headers['ratelimit-limit'] = String(limit)
  headers['ratelimit-remaining'] = String(remaining)
  headers['ratelimit-reset'] = String(Math.floor(resetAt / 1000))
  headers['ratelimit-policy'] = `${limit};w=${Math.floor(windowMs / 1000)}`
}

function gzipped(stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const codec: { readable: ReadableStream<Uint8Array>; writable: WritableStream } = new CompressionStream(
    'gzip',
  )
  return stream.pipeThrough(codec)
}
