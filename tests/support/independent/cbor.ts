/**
 * Strict DAG-CBOR, written from the protocol text alone: nothing here comes from `src/`. What is not in canonical form
 * is an error, so that encoding what was decoded gives the same bytes.
 */
import { cidBytes, cidText } from './cid.ts'

/** A CID inside of a value. */
export class Link {
  constructor(readonly cid: string) {}
}

export type CborMap = Map<string, CborValue>
export type CborValue = null | boolean | number | string | Uint8Array | Link | CborValue[] | CborMap

export class CborError extends Error {
  override readonly name = 'CborError'
}

const MAX_DEPTH = 32
const MAX_ITEMS = 131_072
const MAX_KEY_BYTES = 8192

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Decodes bytes that hold one item and nothing else. */
export function decode(bytes: Uint8Array): CborValue {
  const { value, end } = decodeFirst(bytes)
  if (end !== bytes.length) throw new CborError(`${bytes.length - end} bytes after the item`)
  return value
}

/** Decodes the first item of `bytes`. `end` is where it stops. */
export function decodeFirst(bytes: Uint8Array): { value: CborValue; end: number } {
  const reader = new Reader(bytes)
  const value = reader.value(0)
  return { value, end: reader.at }
}

class Reader {
  at = 0
  private readonly view: DataView

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  value(depth: number): CborValue {
    if (depth > MAX_DEPTH) throw new CborError('too deep')
    const { major, argument } = this.head()
    switch (major) {
      case 0:
        return argument
      case 1:
        return safe(-1 - argument)
      case 2:
        return this.take(argument)
      case 3:
        return this.text(argument)
      case 4:
        return this.list(argument, depth)
      case 5:
        return this.map(argument, depth)
      case 6:
        return this.link(argument)
      default:
        return simple(argument)
    }
  }

  private head(): { major: number; argument: number } {
    const first = this.byte()
    const major = first >> 5
    const short = first & 31
    if (major === 7 && short >= 24) throw new CborError('float, or unknown simple value')
    if (short < 24) return { major, argument: short }
    if (short > 27) throw new CborError('indefinite length, or reserved form')
    const size = 1 << (short - 24)
    if (this.bytes.length - this.at < size) throw new CborError('cut off')
    const argument = this.unsigned(size)
    const smallest = size === 1 ? 24 : 2 ** (size * 4)
    if (argument < smallest) throw new CborError(`${argument} is not in its shortest form`)
    return { major, argument: safe(argument) }
  }

  private unsigned(size: number): number {
    const { at, view } = this
    this.at += size
    if (size === 1) return view.getUint8(at)
    if (size === 2) return view.getUint16(at)
    if (size === 4) return view.getUint32(at)
    return Number(view.getBigUint64(at))
  }

  private byte(): number {
    const byte = this.bytes[this.at++]
    if (byte === undefined) throw new CborError('cut off')
    return byte
  }

  private take(length: number): Uint8Array {
    if (length > this.bytes.length - this.at) throw new CborError('cut off')
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  private text(length: number): string {
    const bytes = this.take(length)
    try {
      return utf8.decode(bytes)
    } catch {
      throw new CborError('a string is not UTF-8')
    }
  }

  private list(length: number, depth: number): CborValue[] {
    if (length > Math.min(MAX_ITEMS, this.bytes.length - this.at)) throw new CborError('too many items')
    return Array.from({ length }, () => this.value(depth + 1))
  }

  private map(length: number, depth: number): CborMap {
    if (length > Math.min(MAX_ITEMS, this.bytes.length - this.at)) throw new CborError('too many items')
    const map: CborMap = new Map()
    let before: Uint8Array | null = null
    for (let i = 0; i < length; i++) {
      const { major, argument } = this.head()
      if (major !== 3) throw new CborError('a key is not a string')
      if (argument > MAX_KEY_BYTES) throw new CborError('a key is too long')
      const start = this.at
      const key = this.text(argument)
      const keyBytes = this.bytes.subarray(start, this.at)
      if (before && compareKeys(before, keyBytes) >= 0) throw new CborError(`key "${key}" is out of order`)
      before = keyBytes
      map.set(key, this.value(depth + 1))
    }
    return map
  }

  private link(tag: number): Link {
    if (tag !== 42) throw new CborError(`tag ${tag}`)
    const { major, argument } = this.head()
    if (major !== 2) throw new CborError('a link is not a byte string')
    const bytes = this.take(argument)
    if (bytes[0] !== 0) throw new CborError('a link lacks its leading zero')
    try {
      return new Link(cidText(bytes.subarray(1)))
    } catch {
      throw new CborError('a link is not a CID that the network allows')
    }
  }
}

function simple(argument: number): null | boolean {
  if (argument === 20) return false
  if (argument === 21) return true
  if (argument === 22) return null
  throw new CborError(`simple value ${argument}`)
}

function safe(value: number): number {
  if (!Number.isSafeInteger(value)) throw new CborError('an integer beyond 2^53-1')
  return value
}

/** The shorter key comes first, then the one with the smaller bytes. */
function compareKeys(a: Uint8Array, b: Uint8Array): number {
  return a.length - b.length || Buffer.compare(a, b)
}

export function encode(value: CborValue): Uint8Array {
  const parts: Uint8Array[] = []
  write(value, parts)
  return Buffer.concat(parts)
}

function write(value: CborValue, parts: Uint8Array[]): void {
  if (value === null) parts.push(Uint8Array.of(0xf6))
  else if (value === false) parts.push(Uint8Array.of(0xf4))
  else if (value === true) parts.push(Uint8Array.of(0xf5))
  else if (typeof value === 'number') parts.push(value < 0 ? head(1, -1 - safe(value)) : head(0, safe(value)))
  else if (typeof value === 'string') writeBytes(3, Buffer.from(value), parts)
  else if (value instanceof Uint8Array) writeBytes(2, value, parts)
  else if (value instanceof Link) {
    parts.push(head(6, 42))
    writeBytes(2, Uint8Array.from([0, ...cidBytes(value.cid)]), parts)
  } else if (Array.isArray(value)) {
    parts.push(head(4, value.length))
    for (const item of value) write(item, parts)
  } else {
    const entries = [...value].map(([key, item]) => ({ key: Buffer.from(key), item }))
    entries.sort((a, b) => compareKeys(a.key, b.key))
    parts.push(head(5, entries.length))
    for (const { key, item } of entries) {
      writeBytes(3, key, parts)
      write(item, parts)
    }
  }
}

function writeBytes(major: number, bytes: Uint8Array, parts: Uint8Array[]): void {
  parts.push(head(major, bytes.length), bytes)
}

function head(major: number, argument: number): Uint8Array {
  const first = major << 5
  if (argument < 24) return Uint8Array.of(first | argument)
  const size = argument < 2 ** 8 ? 1 : argument < 2 ** 16 ? 2 : argument < 2 ** 32 ? 4 : 8
  const bytes = Buffer.alloc(1 + size)
  bytes[0] = first | (24 + Math.log2(size))
  if (size === 8) bytes.writeBigUInt64BE(BigInt(argument), 1)
  else bytes.writeUIntBE(argument, 1, size)
  return bytes
}
