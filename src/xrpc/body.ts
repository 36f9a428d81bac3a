/**
 * Reads the body of a request: JSON whole, anything else as a stream. Limits count bytes after decompression, and no
 * more than that many are ever held.
 */
import type { InputBody } from '#lexicon/method.ts'
import { type BodyPace, Patience } from '#xrpc/body-pace.ts'
import { decodersOf, decodeStream, decodeWhole } from '#xrpc/content-encoding.ts'
import {
  BodyTooLargeError,
  InterruptedBodyError,
  MalformedJsonError,
  SlowBodyError,
  UndecodableBodyError,
  UnexpectedBodyError,
  UnsupportedBodyError,
} from '#xrpc/errors.ts'

const MAX_DEPTH = 128
/** Ordinary records of 1 MB have a tenth of this. Each takes a few microseconds of whoever walks through them later on. */
const MAX_VALUES = 250_000
const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]*)/i

/**
 * For a query, of whose body Bun shows only that it comes in chunks.
 * @throws UnexpectedBodyError when there is a body
 */
export function refuseBody(request: Request): void {
  if (isSized(request) || isChunked(request)) throw unexpectedBody()
}

/** As `refuseBody`, for a procedure: its chunks are looked into, for there may be nothing in them. */
export async function refuseChunkedBody(request: Request, pace: BodyPace): Promise<void> {
  if (isSized(request)) throw unexpectedBody()
  if (!isChunked(request)) return
  const bytes = await readBytes(request.body, 0, new Patience(pace)).catch((error: unknown) => {
    throw error instanceof BodyTooLargeError ? unexpectedBody() : error
  })
  if (bytes.length > 0) throw unexpectedBody()
}

/**
 * The JSON object or array in the body of `request`; an empty body counts as `{}`.
 * @throws UnexpectedBodyError, UnsupportedBodyError, BodyTooLargeError, SlowBodyError, MalformedJsonError
 */
export async function readJson(request: Request, limit: number, pace: BodyPace): Promise<unknown> {
  const contentType = expectBody(request)
  if (mimeType(contentType) !== 'application/json') throw wrongType(contentType)
  const charset = CHARSET.exec(contentType)?.[1]
  if (charset && !/^utf-?8$/i.test(charset)) {
    throw new UnsupportedBodyError('json', `unsupported charset "${charset.toUpperCase()}"`)
  }
  return parseJson(await readText(request, limit, new Patience(pace)))
}

/**
 * The body of `request` as it arrives, decoded and counted; reading it throws when it grows beyond `limit` or comes
 * too slowly.
 * @throws UnexpectedBodyError, UnsupportedBodyError, BodyTooLargeError
 */
export function openBody(request: Request, encoding: string, limit: number, pace: BodyPace): InputBody {
  const contentType = mimeType(expectBody(request))
  if (encoding !== '*/*' && encoding !== contentType) throw wrongType(contentType)
  const length = request.headers.get('content-length')
  const decoders = decodersOf(request.headers.get('content-encoding'))
  if (!decoders) throw new UnsupportedBodyError('bytes', 'unsupported content-encoding')
  if (length !== null && Number(length) > limit) throw new BodyTooLargeError('bytes')
  const raw = request.body ?? new Blob([]).stream()
  const isEncoded = decoders.length > 0
  const stream = isEncoded ? decodeStream(raw, decoders) : raw
  return { encoding: contentType, stream: counted(stream, limit, isEncoded, new Patience(pace)) }
}

function isSized({ headers }: Request): boolean {
  const length = headers.get('content-length')
  return length !== null && length !== '0'
}

function isChunked({ headers }: Request): boolean {
  return headers.get('transfer-encoding') !== null
}

function unexpectedBody(): UnexpectedBodyError {
  return new UnexpectedBodyError('A request body was provided when none was expected')
}

/** The Content-Type of a request that must have a body. */
function expectBody(request: Request): string {
  const { headers } = request
  // a request that was made in this process has neither header
  const framed = headers.get('content-length') !== null || headers.get('transfer-encoding') !== null
  if (!framed && request.body === null) {
    throw new UnexpectedBodyError('A request body is expected but none was provided')
  }
  const contentType = headers.get('content-type')
  if (!contentType) throw new UnexpectedBodyError('Request encoding (Content-Type) required but not provided')
  return contentType
}

function mimeType(contentType: string): string {
  const semicolon = contentType.indexOf(';')
  return (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim()
}

function wrongType(contentType: string): UnexpectedBodyError {
  return new UnexpectedBodyError(`Wrong request encoding (Content-Type): ${mimeType(contentType)}`)
}

async function readText(request: Request, limit: number, patience: Patience): Promise<string> {
  const { headers } = request
  const coding = headers.get('content-encoding')
  const decoders = decodersOf(coding)
  if (!decoders) throw new UnsupportedBodyError('json', `unsupported content encoding "${coding ?? ''}"`)
  const length = headers.get('content-length')
  if (length !== null && Number(length) > limit) throw new BodyTooLargeError('json')
  if (decoders.length === 0 && length !== null) {
    patience.extend(Number(length))
    return await arrived(request.text(), patience)
  }
  const bytes = await readBytes(request.body, limit, patience)
  return new TextDecoder().decode(await decodeWhole(bytes, decoders, limit))
}

async function readBytes(
  body: ReadableStream<Uint8Array> | null,
  limit: number,
  patience: Patience,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  const iterator = body?.[Symbol.asyncIterator]()
  for (;;) {
    const next = iterator && (await arrived(iterator.next(), patience))
    if (!next || next.done) return Buffer.concat(chunks)
    patience.extend(next.value.length)
    size += next.value.length
    if (size > limit) {
      await iterator.return?.()
      throw new BodyTooLargeError('json')
    }
    chunks.push(next.value)
  }
}

/** Waits for a part of the body. What fails here is the connection. */
async function arrived<T>(part: Promise<T>, patience: Patience): Promise<T> {
  try {
    return await patience.wait(part)
  } catch (error) {
    throw error instanceof SlowBodyError ? error : new InterruptedBodyError()
  }
}

function parseJson(text: string): unknown {
  if (text.length === 0) return {}
  const first = /[^\t\n\r ]/.exec(text)?.[0]
  if (first !== '{' && first !== '[') {
    throw new MalformedJsonError(`Unexpected token '${first ?? ''}', the body is not a JSON object or array`)
  }
  const value = parsed(text)
  inspect(value, 0)
  return value
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new MalformedJsonError(error instanceof Error ? error.message : 'the body is not valid JSON')
  }
}

/**
 * Refuses what would harm whoever walks through or copies the value later on.
 * @param seen values so far
 * @returns values so far, with this one and those in it
 */
function inspect(value: unknown, depth: number, seen = 0): number {
  if (seen >= MAX_VALUES) throw new UnexpectedBodyError(`The body holds more than ${MAX_VALUES} values`)
  if (typeof value !== 'object' || value === null) return seen + 1
  if (depth > MAX_DEPTH)
    throw new UnexpectedBodyError(`The body is nested more than ${MAX_DEPTH} levels deep`)
  let count = seen + 1
  if (Array.isArray(value)) {
    for (const item of value) count = inspect(item, depth + 1, count)
    return count
  }
  for (const [key, item] of Object.entries(value)) {
    if (key === '__proto__') throw new UnexpectedBodyError('Invalid key: __proto__')
    count = inspect(item, depth + 1, count)
  }
  return count
}

function counted(
  stream: ReadableStream<Uint8Array>,
  limit: number,
  isEncoded: boolean,
  patience: Patience,
): ReadableStream<Uint8Array> {
  const reader = stream.getReader()
  let size = 0
  const giveUp = (error: unknown) => {
    reader.cancel().catch(() => {}) // it may wait for the client as well
    return error
  }
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await patience.wait(reader.read()).catch((error: unknown) => {
        if (error instanceof SlowBodyError) throw giveUp(error)
        throw isEncoded && error instanceof TypeError
          ? new UndecodableBodyError()
          : new InterruptedBodyError()
      })
      if (done) return controller.close()
      patience.extend(value.length)
      size += value.length
      if (size > limit) throw giveUp(new BodyTooLargeError('bytes'))
      controller.enqueue(value)
    },
    cancel: (reason) => reader.cancel(reason),
  })
}
