/**
 * Reads DAG-CBOR and accepts the canonical form alone: shortest heads, definite lengths, safe integers, valid UTF-8, no
 * floats, no tag but 42. Lengths are held against what is left of the input before anything is made of them, so bytes
 * of a stranger cost no more than their own size.
 * @see https://atproto.com/specs/data-model
 */
import { asciiText, utf8Text } from '#std/bytes.ts'
import { MAJOR } from './cbor-writer.ts'
import { type Cid, cidAt } from './cid.ts'
import { InvalidCborError } from './errors.ts'

const MAX_CID_BYTES = 100
/** Longer texts are decoded by the platform at once. */
const SHORT_TEXT = 64
const NULL = 0xf6

/** Keys seen lately, by a hash of their encoded form. Making a text costs more than comparing its bytes. */
const KNOWN_KEYS = 512
const KNOWN_KEY_BYTES = 24
const knownKeys: ({ text: string; bytes: Uint8Array } | undefined)[] = new Array(KNOWN_KEYS).fill(undefined)

function startsWith(bytes: Uint8Array, at: number, start: Uint8Array): boolean {
  for (let i = 0; i < start.length; i++) if (bytes[at + i] !== start[i]) return false
  return true
}

export class CborReader {
  /** where the next byte is read */
  at: number

  constructor(
    readonly bytes: Uint8Array,
    at = 0,
  ) {
    this.at = at
  }

  /** The major type of the next item. */
  peek(): number {
    return this.byteAt(this.at) >> 5
  }

  /** Whether the input was read to its end. */
  get ended(): boolean {
    return this.at === this.bytes.length
  }

  /** @throws InvalidCborError when there is more */
  end(): void {
    if (!this.ended) throw this.error('bytes after the end')
  }

  /** Number of entries of the map that comes next. */
  map(): number {
    return this.count(MAJOR.map, 2)
  }

  /** Number of items of the array that comes next. */
  array(): number {
    return this.count(MAJOR.array, 1)
  }

  int(): number {
    if (this.peek() === MAJOR.negative) return this.safe(-1 - this.head(MAJOR.negative))
    return this.head(MAJOR.uint)
  }

  bool(): boolean {
    const byte = this.byteAt(this.at)
    if (byte !== 0xf4 && byte !== 0xf5) throw this.error('expected true or false')
    this.at++
    return byte === 0xf5
  }

  /** Whether null comes next, which is then read. */
  null(): boolean {
    if (this.byteAt(this.at) !== NULL) return false
    this.at++
    return true
  }

  text(): string {
    const length = this.count(MAJOR.text, 1)
    const start = this.at
    const end = start + length
    this.at = end
    if (length > SHORT_TEXT) return this.utf8(start, end)
    let codes = 0
    for (let i = start; i < end; i++) codes |= this.bytes[i] as number
    return codes < 0x80 ? asciiText(this.bytes, start, end) : this.utf8(start, end)
  }

  /** Text that is likely to come again, as keys are: made of bytes once and then known by them. */
  key(): string {
    const start = this.at
    const { bytes } = this
    const length = ((bytes[start] ?? 0) ^ 0x60) + 1
    if (length > KNOWN_KEY_BYTES || start + length > bytes.length) return this.text()
    const slot =
      ((length << 4) ^ (bytes[start + 1] ?? 0) ^ ((bytes[start + length - 1] ?? 0) << 2)) & (KNOWN_KEYS - 1)
    const known = knownKeys[slot]
    if (known?.bytes.length === length && startsWith(bytes, start, known.bytes)) {
      this.at = start + length
      return known.text
    }
    const text = this.text()
    knownKeys[slot] = { text, bytes: Uint8Array.prototype.slice.call(bytes, start, this.at) }
    return text
  }

  /** A byte string, as a view of the input. */
  byteString(): Uint8Array {
    const length = this.count(MAJOR.bytes, 1)
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  /** A link of the one form that commits, nodes and events have. */
  link(): Cid {
    const cid = cidAt(this.linkBytes(), 0)
    if (!cid) throw this.error('a CID that is not SHA-256 of DAG-CBOR or raw bytes')
    return cid
  }

  linkOrNull(): Cid | null {
    return this.null() ? null : this.link()
  }

  /** The CID of any link, as a view of the input. */
  linkBytes(): Uint8Array {
    if (this.head(MAJOR.tag) !== 42) throw this.error('a tag other than 42')
    const content = this.byteString()
    if (content.length < 2 || content.length > MAX_CID_BYTES || content[0] !== 0)
      throw this.error('not a CID')
    return content.subarray(1)
  }

  /** Passes over the next item, whatever it is and however deep. */
  skip(): void {
    for (let items = 1; items > 0; items--) {
      const major = this.peek()
      if (major === MAJOR.map) items += 2 * this.map()
      else if (major === MAJOR.array) items += this.array()
      else if (major === MAJOR.tag) this.linkBytes()
      else if (major === MAJOR.bytes) this.byteString()
      else if (major === MAJOR.text) this.pass(this.count(MAJOR.text, 1))
      else if (major === MAJOR.simple) this.null() || this.bool()
      else this.int()
    }
  }

  /** The argument of a head of this major type. */
  head(major: number): number {
    const byte = this.byteAt(this.at)
    if (byte >> 5 !== major) throw this.error(`unexpected type 0x${byte.toString(16)}`)
    this.at++
    const info = byte & 31
    return info < 24 ? info : this.argument(info)
  }

  error(what: string): InvalidCborError {
    return new InvalidCborError(`invalid DAG-CBOR at byte ${this.at}: ${what}`)
  }

  private argument(info: number): number {
    if (info > 27) throw this.error('an indefinite length or reserved head')
    const size = 1 << (info - 24)
    if (this.at + size > this.bytes.length) throw this.error('input ends early')
    let value = 0
    for (let i = 0; i < size; i++) value = value * 256 + (this.bytes[this.at++] as number)
    const least = info === 24 ? 24 : 2 ** (size * 4)
    if (value < least) throw this.error('a head that is not the shortest')
    return this.safe(value)
  }

  /** A length or count, each unit of which takes at least `size` bytes of what is left. */
  private count(major: number, size: number): number {
    const count = this.head(major)
    if (count * size > this.bytes.length - this.at) throw this.error('input ends early')
    return count
  }

  private safe(value: number): number {
    if (!Number.isSafeInteger(value)) throw this.error('an integer beyond 2^53 - 1')
    return value
  }

  private byteAt(at: number): number {
    const byte = this.bytes[at]
    if (byte === undefined) throw this.error('input ends early')
    return byte
  }

  private pass(length: number): void {
    this.at += length
  }

  private utf8(start: number, end: number): string {
    try {
      return utf8Text(this.bytes.subarray(start, end))
    } catch (cause) {
      throw new InvalidCborError(`invalid DAG-CBOR at byte ${start}: text is not UTF-8`, { cause })
    }
  }
}
