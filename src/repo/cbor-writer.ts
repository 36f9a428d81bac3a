/**
 * Writes DAG-CBOR. Everything goes into one buffer that is used again for the next block, so that a block costs one
 * copy at the end and nothing else. The callers see to the order of map keys.
 *
 * A head is the major type in the upper 3 bits and, in the lower 5, the argument or how many bytes follow with it:
 * text of 5 bytes begins `65`, of 200 bytes `78 c8`.
 * @see https://www.rfc-editor.org/rfc/rfc8949#section-3
 */
import { CID_BYTES, type Cid } from './cid.ts'

export const MAJOR = { uint: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, simple: 7 } as const

const LINK_BYTES = CID_BYTES + 5
/** a head with 8 bytes of argument */
const MAX_HEAD = 9
/** Shorter texts are copied letter by letter, which is faster than the call. */
const SHORT_TEXT = 24
/** A buffer that one big block has stretched is not kept. */
const KEPT_BYTES = 256 * 1024

export class CborWriter {
  private bytes = new Uint8Array(KEPT_BYTES)
  private buffer = Buffer.from(this.bytes.buffer)
  private at = 0

  /** Starts a block, also after one that was given up. */
  begin(): this {
    this.at = 0
    return this
  }

  /** The block written since `begin`. */
  end(): Uint8Array {
    const block = this.bytes.slice(0, this.at)
    if (this.bytes.length > KEPT_BYTES) this.resize(KEPT_BYTES, false)
    return block
  }

  get length(): number {
    return this.at
  }

  map(entries: number): void {
    this.head(MAJOR.map, entries)
  }

  array(items: number): void {
    this.head(MAJOR.array, items)
  }

  /** @param value a safe integer */
  int(value: number): void {
    if (value < 0) this.head(MAJOR.negative, -1 - value)
    else this.head(MAJOR.uint, value)
  }

  bool(value: boolean): void {
    this.reserve(1)
    this.bytes[this.at++] = value ? 0xf5 : 0xf4
  }

  null(): void {
    this.reserve(1)
    this.bytes[this.at++] = 0xf6
  }

  byteString(value: Uint8Array): void {
    this.head(MAJOR.bytes, value.length)
    this.raw(value)
  }

  /** A link to a block: tag 42 on the bytes of its CID after a zero. */
  link(cid: Cid): void {
    this.reserve(LINK_BYTES)
    this.at = writeLink(this.bytes, this.at, cid)
  }

  /** A link that is not of the one form that we make. */
  foreignLink(cid: Uint8Array): void {
    this.head(MAJOR.tag, 42)
    this.head(MAJOR.bytes, cid.length + 1)
    this.reserve(1)
    this.bytes[this.at++] = 0
    this.raw(cid)
  }

  linkOrNull(cid: Cid | null): void {
    if (cid) this.link(cid)
    else this.null()
  }

  text(value: string): void {
    if (value.length >= SHORT_TEXT || !this.shortAscii(value)) this.longText(value)
  }

  /** Bytes that are CBOR already, or no CBOR at all. */
  raw(value: Uint8Array): void {
    this.reserve(value.length)
    this.bytes.set(value, this.at)
    this.at += value.length
  }

  /** @returns false, with nothing written, when the text is not ASCII */
  private shortAscii(value: string): boolean {
    const { length } = value
    this.reserve(1 + length)
    const { bytes } = this
    const start = this.at + 1
    let codes = 0
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i)
      codes |= code
      bytes[start + i] = code
    }
    if (codes >= 0x80) return false
    bytes[this.at] = 0x60 | length
    this.at = start + length
    return true
  }

  private longText(value: string): void {
    const length = Buffer.byteLength(value)
    this.head(MAJOR.text, length)
    this.reserve(length)
    this.buffer.write(value, this.at, length, 'utf8')
    this.at += length
  }

  private head(major: number, value: number): void {
    this.reserve(MAX_HEAD)
    this.at = writeHead(this.bytes, this.at, major, value)
  }

  private reserve(length: number): void {
    const needed = this.at + length
    if (needed > this.bytes.length) this.resize(Math.max(needed, this.bytes.length * 2), true)
  }

  private resize(length: number, keep: boolean): void {
    const bytes = new Uint8Array(length)
    if (keep) bytes.set(this.bytes.subarray(0, this.at))
    this.bytes = bytes
    this.buffer = Buffer.from(bytes.buffer)
  }
}

/** @returns where the next byte goes */
export function writeHead(bytes: Uint8Array, start: number, major: number, value: number): number {
  let at = start
  const type = major << 5
  if (value < 24) {
    bytes[at++] = type | value
    return at
  }
  if (value < 0x100) {
    bytes[at++] = type | 24
  } else if (value < 0x10000) {
    bytes[at++] = type | 25
    bytes[at++] = value >>> 8
  } else {
    if (value < 0x100000000) {
      bytes[at++] = type | 26
    } else {
      bytes[at++] = type | 27
      at = writeUint32(bytes, at, Math.floor(value / 0x100000000))
    }
    return writeUint32(bytes, at, value >>> 0)
  }
  bytes[at++] = value & 0xff
  return at
}

function writeUint32(bytes: Uint8Array, at: number, value: number): number {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
  return at + 4
}

/** @returns where the next byte goes, 41 further on */
export function writeLink(bytes: Uint8Array, at: number, cid: Cid): number {
  bytes[at] = 0xd8
  bytes[at + 1] = 0x2a
  bytes[at + 2] = 0x58
  bytes[at + 3] = CID_BYTES + 1
  bytes[at + 4] = 0
  bytes.set(cid, at + 5)
  return at + LINK_BYTES
}
