/**
 * A PLC directory of our own, for development: a network on one machine needs somewhere to register its DIDs, and the
 * real directory is neither to be filled with trials nor there without internet. It speaks the HTTP API of
 * plc.directory, keeps to its rules, and remembers everything in `plc.sqlite`. It has no stream of operations.
 * @see https://web.plc.directory/api/redoc
 */

import { InvalidPlcOperationError } from '#identity/errors.ts'
import { asPlcOperation, dataOf, type PlcData, plcDocument } from '#identity/plc-operation.ts'
import type { Json } from '#lexicon/json.ts'
import { type Did, isDid } from '#lexicon/strings.ts'
import { OperationLog, type StoredOperation } from '#plc/operation-log.ts'
import type { Clock } from '#std/clock.ts'
import { DomainError } from '#std/errors.ts'
import { logger } from '#telemetry/log.ts'
import { version } from '#telemetry/version.ts'

const log = logger('plc')

const MAX_BODY_BYTES = 100 * 1024
const MAX_EXPORT = 1000

const CORS = { 'access-control-allow-origin': '*' }

/** What a caller did wrong, by HTTP status. */
class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
  }
}

export class PlcDirectory implements Disposable {
  private constructor(private readonly operations: OperationLog) {}

  static open(path: string, clock: Clock): PlcDirectory {
    return new PlcDirectory(OperationLog.open(path, clock))
  }

  close(): void {
    this.operations.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** Answers one HTTP request. Never throws. */
  async fetch(request: Request): Promise<Response> {
    try {
      return await this.answer(request)
    } catch (error) {
      if (error instanceof Refusal) return message(error.status, error.message)
      if (error instanceof DomainError && error.kind === 'invalid') return message(400, error.message)
      log.error('directory failed', { error })
      return message(500, 'Internal Server Error')
    }
  }

  private async answer(request: Request): Promise<Response> {
    const url = new URL(request.url)
    const [first = '', ...rest] = segmentsOf(url)
    const path = rest.join('/')
    switch (request.method) {
      case 'OPTIONS':
        return preflight(request)
      case 'POST':
        if (first === '' || path !== '') break
        this.take(first, await operationIn(request))
        return new Response('OK', { headers: CORS })
      case 'GET':
      case 'HEAD':
        if (path === '') {
          if (first === '')
            return new Response('This is the PLC directory of a development server.\n', { headers: CORS })
          if (first === '_health') return json({ version })
          if (first === 'export') return this.export(url.searchParams)
        }
        return this.read(first, path)
    }
    throw new Refusal(404, 'Not Found')
  }

  private take(did: string, operation: Json): void {
    const parsed = asPlcOperation(operation)
    if (parsed.type === 'create') {
      throw new InvalidPlcOperationError('Not a valid operation: the legacy create is not taken any more')
    }
    if (!isDid(did)) throw new InvalidPlcOperationError(`Not a DID: ${did}`)
    this.operations.append(did, parsed)
  }

  private read(did: string, what: string): Response {
    switch (what) {
      case '': {
        const document = plcDocument(...this.current(did))
        return new Response(JSON.stringify(document), {
          headers: { ...CORS, 'content-type': 'application/did+ld+json; charset=utf-8' },
        })
      }
      case 'data': {
        const [id, data] = this.current(did)
        return json({ did: id, ...data })
      }
      case 'log':
        return json(this.all(did).flatMap((entry) => (entry.nullified ? [] : [entry.operation])))
      case 'log/last':
        return json(this.last(did).operation)
      case 'log/audit':
        return json(
          this.all(did).map(({ operation, cid, nullified, createdAt }) => ({
            did,
            operation,
            cid,
            nullified,
            createdAt: new Date(createdAt).toISOString(),
          })),
        )
      default:
        throw new Refusal(404, 'Not Found')
    }
  }

  private all(did: string): StoredOperation[] {
    const entries = this.operations.of(did)
    if (entries.length === 0) throw new Refusal(404, `DID not registered: ${did}`)
    return entries
  }

  private last(did: string): StoredOperation {
    const entry = this.operations.last(did)
    if (!entry) throw new Refusal(404, `DID not registered: ${did}`)
    return entry
  }

  private current(did: string): [Did, PlcData] {
    const last = this.last(did)
    const data = dataOf(last.operation)
    if (!data) throw new Refusal(404, `DID not available: ${did}`)
    return [last.did, data]
  }

  /** JSON lines, in one of two forms by what `after` is: a sequence number, or a time. */
  private export(parameters: URLSearchParams): Response {
    const count = Number.parseInt(parameters.get('count') || `${MAX_EXPORT}`, 10)
    if (!(count >= 1)) throw new Refusal(400, 'Invalid count parameter')
    const limit = Math.min(count, MAX_EXPORT)
    const after = parameters.get('after') || '1970-01-01T00:00:00.000Z'
    const lines = /^\d+$/.test(after)
      ? this.operations.after(Number(after), limit).map(({ did, cid, seq, createdAt, operation }) => ({
          did,
          cid,
          seq,
          createdAt: new Date(createdAt).toISOString(),
          operation,
          type: 'sequenced_op',
        }))
      : this.operations
          .createdAfter(timeOf(after), limit)
          .map(({ did, cid, createdAt, operation, nullified }) => ({
            did,
            cid,
            createdAt: new Date(createdAt).toISOString(),
            operation,
            nullified,
          }))
    return new Response(lines.map((line) => JSON.stringify(line)).join('\n'), {
      headers: { ...CORS, 'content-type': 'application/jsonlines' },
    })
  }
}

function timeOf(text: string): number {
  const time = Date.parse(text)
  if (Number.isNaN(time)) throw new Refusal(400, 'Invalid after parameter')
  return time
}

/** The parts of a path, decoded; a slash at the end makes no difference. */
function segmentsOf(url: URL): string[] {
  try {
    return url.pathname.replace(/\/$/, '').split('/').slice(1).map(decodeURIComponent)
  } catch {
    throw new Refusal(400, `Failed to decode param ${url.pathname}`)
  }
}

async function operationIn(request: Request): Promise<Json> {
  if (!request.headers.get('content-type')?.startsWith('application/json')) {
    throw new Refusal(400, 'Not a valid operation: the body is not application/json')
  }
  const text = await textOf(request)
  try {
    return JSON.parse(text)
  } catch {
    throw new Refusal(400, 'Not a valid operation: the body is not JSON')
  }
}

async function textOf(request: Request): Promise<string> {
  const chunks: Uint8Array[] = []
  let total = 0
  for await (const chunk of request.body ?? []) {
    total += chunk.length
    if (total > MAX_BODY_BYTES) throw new Refusal(413, 'request entity too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function json(body: unknown): Response {
  return Response.json(body, { headers: CORS })
}

function message(status: number, text: string): Response {
  return Response.json({ message: text }, { status, headers: CORS })
}

function preflight(request: Request): Response {
  return new Response(null, {
    status: 204,
    headers: {
      ...CORS,
      'access-control-allow-methods': 'GET,HEAD,POST',
      'access-control-allow-headers': request.headers.get('access-control-request-headers') ?? '',
    },
  })
}
