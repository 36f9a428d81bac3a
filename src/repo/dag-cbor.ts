/**
 * Records and other values as DAG-CBOR, and back. A record is JSON in which `{"$link": "bafy..."}` stands for a link and
 * `{"$bytes": "aGk"}` for bytes:
 *
 *   {"b": 1, "aa": {"$bytes": "aGk"}}   <->   a2 6162 01 626161 42 6869
 *
 * Keys are ordered by length, then by bytes. Forms that are almost a link or bytes (a bad CID, an extra key) are plain
 * maps, as they are for the official PDS. Nothing may nest deeper than 32, so recursion here is safe on any input.
 * @see https://atproto.com/specs/data-model
 */
import { CID } from 'multiformats/cid'
import type { Json } from '#lexicon/json.ts'
import { CborReader } from './cbor-reader.ts'
import { CborWriter, MAJOR } from './cbor-writer.ts'
import { CID_BYTES, type Cid, cidAt, formatCid, parseCid } from './cid.ts'
import { InvalidCborError, InvalidRecordDataError } from './errors.ts'

const MAX_DEPTH = 32
const MAX_ELEMENTS = 131_072
const MAX_KEY_BYTES = 8192
/** of a text of that length */
const HEAD_BYTES = 3
const MAX_BLOCK_BYTES = 1024 * 1024
/** Longest text of a CID; decoding base58 takes time in its square. */
const MAX_CID_TEXT = 128

/** A link among the values of `encode` and `decode`, where a bare CID would be a byte string. */
export class Link {
  constructor(readonly cid: Cid) {}
}

export type DataValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | Link
  | readonly DataValue[]
  | { readonly [key: string]: DataValue }

/**
 * The block of a JSON value with `$link` and `$bytes`.
 * @throws InvalidRecordDataError for floats, integers beyond 2^53, `__proto__`, too much nesting or size
 */
export function encodeJson(value: unknown): Uint8Array {
  return new Encoder(true).encode(value)
}

/** The block of a value in which bytes are Uint8Arrays and links are `Link`. @throws InvalidRecordDataError */
export function encode(value: unknown): Uint8Array {
  return new Encoder(false).encode(value)
}

/** The JSON of a block, with `$link` and `$bytes` without padding. @throws InvalidCborError when it is not canonical */
export function decodeToJson(block: Uint8Array): Json {
  return decodeWhole<Json>(block, {
    link: (cid) => ({ $link: linkText(cid) }),
    bytes: (bytes) => ({ $bytes: Buffer.from(bytes).toString('base64').replace(/=+$/, '') }),
  })
}

/** The value of a block. Its byte strings are views of the block. @throws InvalidCborError when it is not canonical */
export function decode(block: Uint8Array): DataValue {
  return decodeWhole<DataValue>(block, {
    link: (bytes) => {
      const cid = cidAt(bytes, 0)
      if (!cid) throw new InvalidCborError('a link to something that is not SHA-256 of DAG-CBOR or raw bytes')
      return new Link(cid)
    },
    bytes: (bytes) => bytes,
  })
}

/** One for all: encoding is synchronous and never starts while another runs. */
const writer = new CborWriter()

class Encoder {
  /** the key or index that is being written, at each depth */
  private readonly path: (string | number)[] = []

  constructor(private readonly jsonForms: boolean) {}

  encode(value: unknown): Uint8Array {
    writer.begin()
    this.write(value, 0)
    if (writer.length > MAX_BLOCK_BYTES)
      throw new InvalidRecordDataError(`a record takes at most ${MAX_BLOCK_BYTES} bytes`)
    return writer.end()
  }

  private write(value: unknown, depth: number): void {
    if (typeof value === 'string') writer.text(value)
    else if (typeof value === 'number') this.writeNumber(value, depth)
    else if (typeof value === 'boolean') writer.bool(value)
    else if (value === null) writer.null()
    else if (typeof value === 'object') this.writeObject(value, depth)
    else throw this.fault(depth, 'is no value of the data model')
  }

  private writeNumber(value: number, depth: number): void {
    if (!Number.isSafeInteger(value)) throw this.fault(depth, numberFault(value))
    writer.int(value)
  }

  private writeObject(value: object, depth: number): void {
    if (depth === MAX_DEPTH) throw this.fault(depth, `nests deeper than ${MAX_DEPTH}`)
    if (Array.isArray(value)) this.writeArray(value, depth)
    else if (isPlain(value)) this.writeMap(value, depth)
    else if (value instanceof Link) writer.link(value.cid)
    else if (value instanceof Uint8Array) writer.byteString(value)
    else throw this.fault(depth, 'is no value of the data model')
  }

  private writeArray(items: readonly unknown[], depth: number): void {
    if (items.length > MAX_ELEMENTS) throw this.fault(depth, `has more than ${MAX_ELEMENTS} items`)
    writer.array(items.length)
    for (let i = 0; i < items.length; i++) {
      this.path[depth] = i
      this.write(items[i], depth + 1)
    }
  }

  private writeMap(map: Readonly<Record<string, unknown>>, depth: number): void {
    const keys = Object.keys(map)
    if (this.jsonForms && keys.length === 1 && writeJsonForm(map)) return
    if (keys.length > MAX_ELEMENTS) throw this.fault(depth, `has more than ${MAX_ELEMENTS} keys`)
    sortKeys(keys)
    writer.map(keys.length)
    for (const key of keys) {
      this.path[depth] = key
      if (key === '__proto__') throw new InvalidRecordDataError('Invalid key: __proto__')
      if (key.length > MAX_KEY_BYTES / 3 && Buffer.byteLength(key) > MAX_KEY_BYTES) {
        throw this.fault(depth, `has a key longer than ${MAX_KEY_BYTES} bytes`)
      }
      writer.text(key)
      this.write(map[key], depth + 1)
    }
  }

  private fault(depth: number, what: string): InvalidRecordDataError {
    const at = this.path.slice(0, Math.min(depth, 8)).map((step) => String(step).slice(0, 50))
    return new InvalidRecordDataError(`record${at.map((step) => `.${step}`).join('')} ${what}`)
  }
}

function numberFault(value: number): string {
  if (Number.isInteger(value)) return `is beyond the integers from -(2^53 - 1) to 2^53 - 1 (${value})`
  return `is not an integer (${value}); the data model has no fractions`
}

function isPlain(value: object): value is Readonly<Record<string, unknown>> {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Writes `{"$link"}` and `{"$bytes"}`. @returns false when it is neither */
function writeJsonForm(map: Readonly<Record<string, unknown>>): boolean {
  const { $link, $bytes } = map
  if (typeof $link === 'string') {
    const cid = parseCid($link)
    if (cid) writer.link(cid)
    else return writeForeignLink($link)
    return true
  }
  if (typeof $bytes !== 'string' || !isBase64($bytes)) return false
  writer.byteString(Buffer.from($bytes, 'base64'))
  return true
}

/** Links to what is not of our network, which records may hold: other codecs, other hashes, CIDv0. */
function writeForeignLink(text: string): boolean {
  if (text.length > MAX_CID_TEXT) return false
  try {
    writer.foreignLink(CID.parse(text).bytes)
    return true
  } catch {
    return false
  }
}

/** The text of the CID in a link, which may be a foreign one. */
function linkText(bytes: Uint8Array): string {
  const cid = bytes.length === CID_BYTES ? cidAt(bytes, 0) : null
  if (cid) return formatCid(cid)
  try {
    return CID.decode(bytes).toString()
  } catch (cause) {
    throw new InvalidCborError('a link that holds no CID', { cause })
  }
}

/** Base64 as the official PDS takes it: of either alphabet, padded wholly, partly or not at all. */
function isBase64(text: string): boolean {
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) return false
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const letters = (text.length - padding) % 4
  return letters !== 1 && (padding === 0 || (letters !== 0 && letters + padding <= 4))
}

/** Sorts keys by the length of their UTF-8, then by its bytes; in ASCII that is length and text. */
function sortKeys(keys: string[]): void {
  let codes = 0
  for (const key of keys) for (let i = 0; i < key.length; i++) codes |= key.charCodeAt(i)
  if (codes >= 0x80) sortUnicodeKeys(keys)
  else if (keys.length > 16) keys.sort((a, b) => (isBefore(a, b) ? -1 : 1))
  else sortFewKeys(keys)
}

/** Sorts by insertion: records have few keys, and most have them nearly in order. */
function sortFewKeys(keys: string[]): void {
  for (let i = 1; i < keys.length; i++) {
    const key = keys[i] as string
    let at = i
    for (; at > 0; at--) {
      const before = keys[at - 1] as string
      if (isBefore(before, key)) break
      keys[at] = before
    }
    keys[at] = key
  }
}

function isBefore(a: string, b: string): boolean {
  return a.length < b.length || (a.length === b.length && a < b)
}

function sortUnicodeKeys(keys: string[]): void {
  const pairs = keys.map((key) => ({ key, bytes: Buffer.from(key) }))
  pairs.sort((a, b) => a.bytes.length - b.bytes.length || Buffer.compare(a.bytes, b.bytes))
  for (const [i, { key, bytes }] of pairs.entries()) {
    const next = pairs[i + 1]
    // halves of surrogate pairs are all written as U+FFFD, so keys that differ may become the same
    if (next && bytes.equals(next.bytes))
      throw new InvalidRecordDataError('two keys of one map are the same in UTF-8')
    keys[i] = key
  }
}

/** What links and byte strings become. */
interface Leaves<T> {
  link(cid: Uint8Array): T
  bytes(bytes: Uint8Array): T
}

type Decoded<T> = T | null | boolean | number | string | Decoded<T>[] | { [key: string]: Decoded<T> }

function decodeWhole<T>(block: Uint8Array, leaves: Leaves<T>): Decoded<T> {
  if (block.length > MAX_BLOCK_BYTES)
    throw new InvalidCborError(`a block of more than ${MAX_BLOCK_BYTES} bytes`)
  const reader = new CborReader(block)
  const value = readValue(reader, leaves, 0)
  reader.end()
  return value
}

function readValue<T>(reader: CborReader, leaves: Leaves<T>, depth: number): Decoded<T> {
  switch (reader.peek()) {
    case MAJOR.uint:
    case MAJOR.negative:
      return reader.int()
    case MAJOR.bytes:
      return leaves.bytes(reader.byteString())
    case MAJOR.text:
      return reader.text()
    case MAJOR.array:
      return readArray(reader, leaves, depth)
    case MAJOR.map:
      return readMap(reader, leaves, depth)
    case MAJOR.tag:
      return leaves.link(reader.linkBytes())
    default:
      return reader.null() ? null : reader.bool()
  }
}

function readArray<T>(reader: CborReader, leaves: Leaves<T>, depth: number): Decoded<T>[] {
  if (depth === MAX_DEPTH) throw reader.error(`nesting deeper than ${MAX_DEPTH}`)
  const length = reader.array()
  if (length > MAX_ELEMENTS) throw reader.error(`an array of more than ${MAX_ELEMENTS} items`)
  const items: Decoded<T>[] = []
  for (let i = 0; i < length; i++) items.push(readValue(reader, leaves, depth + 1))
  return items
}

function readMap<T>(reader: CborReader, leaves: Leaves<T>, depth: number): { [key: string]: Decoded<T> } {
  if (depth === MAX_DEPTH) throw reader.error(`nesting deeper than ${MAX_DEPTH}`)
  const length = reader.map()
  if (length > MAX_ELEMENTS) throw reader.error(`a map of more than ${MAX_ELEMENTS} keys`)
  const map: { [key: string]: Decoded<T> } = {}
  let previous = 0
  let previousEnd = 0
  for (let i = 0; i < length; i++) {
    const start = reader.at
    const key = reader.key()
    const end = reader.at
    if (key === '__proto__') throw reader.error('key __proto__')
    if (end - start > HEAD_BYTES + MAX_KEY_BYTES)
      throw reader.error(`a key longer than ${MAX_KEY_BYTES} bytes`)
    if (!inOrder(reader.bytes, previous, previousEnd, start, end))
      throw reader.error('keys out of order or doubled')
    previous = start
    previousEnd = end
    map[key] = readValue(reader, leaves, depth + 1)
  }
  return map
}

/** Whether an encoded key comes before another: it is shorter, or as long and less. */
function inOrder(bytes: Uint8Array, a: number, aEnd: number, b: number, bEnd: number): boolean {
  const length = bEnd - b
  if (aEnd - a !== length) return aEnd - a < length
  for (let i = 0; i < length; i++) {
    const difference = (bytes[a + i] as number) - (bytes[b + i] as number)
    if (difference !== 0) return difference < 0
  }
  return false
}
