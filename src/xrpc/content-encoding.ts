/** Content-Encoding of requests: gzip, deflate and brotli, also several on top of one another. */
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import { BodyTooLargeError, UndecodableBodyError } from '#xrpc/errors.ts'

/** How to undo one encoding. */
export interface Decoder {
  readonly format: 'gzip' | 'deflate' | 'brotli'
  /** all at once, off the event loop */
  whole(bytes: Uint8Array, options: { maxOutputLength: number }): Promise<Uint8Array>
}

const GZIP: Decoder = { format: 'gzip', whole: promisify(gunzip) }
const DECODERS: Readonly<Record<string, Decoder>> = {
  gzip: GZIP,
  'x-gzip': GZIP,
  deflate: { format: 'deflate', whole: promisify(inflate) },
  br: { format: 'brotli', whole: promisify(brotliDecompress) },
}
const MAX_LAYERS = 4

/** What undoes the encodings of a header, in order of use; null when one is unknown or there are too many. */
export function decodersOf(header: string | null): readonly Decoder[] | null {
  if (header === null) return []
  const names = header
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity')
  const known = names
    .map((name) => (Object.hasOwn(DECODERS, name) ? DECODERS[name] : undefined))
    .filter((decoder) => decoder !== undefined)
  return known.length === names.length && names.length <= MAX_LAYERS ? known.reverse() : null
}

/**
 * The bytes below all encodings.
 * @throws BodyTooLargeError when a layer would be more than `limit` bytes
 * @throws UndecodableBodyError when the bytes are not in those encodings
 */
export async function decodeWhole(
  bytes: Uint8Array,
  decoders: readonly Decoder[],
  limit: number,
): Promise<Uint8Array> {
  let current = bytes
  for (const decoder of decoders) {
    try {
      current = await decoder.whole(current, { maxOutputLength: limit })
    } catch (error) {
      const tooLarge = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
      throw tooLarge ? new BodyTooLargeError('json') : new UndecodableBodyError()
    }
  }
  return current
}

/** The stream below all encodings. */
export function decodeStream(
  stream: ReadableStream<Uint8Array>,
  decoders: readonly Decoder[],
): ReadableStream<Uint8Array> {
  let current = stream
  for (const { format } of decoders) {
    const codec: { readable: ReadableStream<Uint8Array>; writable: WritableStream } = new DecompressionStream(
      format,
    )
    current = current.pipeThrough(codec)
  }
  return current
}
