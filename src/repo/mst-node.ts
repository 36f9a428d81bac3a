/**
 * One node of a Merkle search tree and its block.
 *
 * A key lives at the height that its hash gives it: half of the leading zero bits of its SHA-256, so every fourth key of
 * a height is also worthy of the next one. A node holds the keys of one height within a range, and between them, before
 * the first and after the last, the sub-trees with the keys that are lower:
 *
 *   children:   0     1     2          keys 'a/1' and 'a/7' of height 1; the child between them holds
 *   keys:         a/1   a/7            keys of height 0 that sort after a/1 and before a/7
 *
 * In the block (DAG-CBOR), `l` is the first child and each entry of `e` a key with the child after it. A key is written
 * as `p`, the bytes it shares with the key before it in this node, and `k`, the rest:
 *
 *   { l: null, e: [{ k: 'a/1', p: 0, t: <child>, v: <record> }, { k: '7', p: 2, t: null, v: <record> }] }
 *
 * Both directions are written out by hand: they are most of the work of a commit.
 * @see https://atproto.com/specs/repository#mst-structure
 */
import { asciiText } from '#std/bytes.ts'
import { MAJOR, writeHead, writeLink } from './cbor-writer.ts'
import { CID_BYTES, type Cid, cidAt } from './cid.ts'
import { InvalidTreeError } from './errors.ts'

const MAX_PATH = 1024
const LINK_BYTES = CID_BYTES + 5
/** bytes of an entry besides its key and links, at the most */
const ENTRY_OVERHEAD = 24
const NULL = 0xf6

/** What a node is made of. `values` go with `keys`; there is one child more, null where there is no sub-tree. */
export interface NodeParts<Child> {
  keys: string[]
  values: Cid[]
  children: (Child | null)[]
}

const hash = new Uint8Array(32)

/** The height at which a key lives. */
export function heightOf(path: string): number {
  Bun.SHA256.hash(path, hash)
  let zeros = 0
  for (const byte of hash) {
    zeros += Math.clz32(byte) - 24
    if (byte !== 0) break
  }
  return zeros >> 1
}

/** Whether `path` is `collection/rkey` in the letters that keys of a tree may have. */
export function isPath(path: string): boolean {
  return path.length <= MAX_PATH && /^[a-zA-Z0-9_~\-:.]+\/[a-zA-Z0-9_~\-:.]+$/.test(path)
}

/** Index of the first key that is not below `path`. */
export function lowerBound(keys: readonly string[], path: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((keys[middle] as string) < path) low = middle + 1
    else high = middle
  }
  return low
}

/** Number of characters in which two keys begin alike. */
export function commonPrefix(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  let at = 0
  while (at < length && a.charCodeAt(at) === b.charCodeAt(at)) at++
  return at
}

let scratch = new Uint8Array(16 * 1024)

/** The block of a node. Every child must have its CID. */
export function encodeNode({ keys, values, children }: NodeParts<{ cid: Cid | null }>): Uint8Array {
  const bytes = roomFor(keys)
  bytes[0] = 0xa2
  bytes[1] = 0x61
  bytes[2] = 0x65 // e
  let at = writeHead(bytes, 3, MAJOR.array, keys.length)
  let previous = ''
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string
    const shared = commonPrefix(previous, key)
    bytes[at] = 0xa4
    bytes[at + 1] = 0x61
    bytes[at + 2] = 0x6b // k
    at = writeHead(bytes, at + 3, MAJOR.bytes, key.length - shared)
    for (let k = shared; k < key.length; k++) bytes[at++] = key.charCodeAt(k)
    bytes[at] = 0x61
    bytes[at + 1] = 0x70 // p
    at = writeHead(bytes, at + 2, MAJOR.uint, shared)
    bytes[at] = 0x61
    bytes[at + 1] = 0x74 // t
    at = writeChild(bytes, at + 2, children[i + 1])
    bytes[at] = 0x61
    bytes[at + 1] = 0x76 // v
    at = writeLink(bytes, at + 2, values[i] as Cid)
    previous = key
  }
  bytes[at] = 0x61
  bytes[at + 1] = 0x6c // l
  at = writeChild(bytes, at + 2, children[0])
  return bytes.slice(0, at)
}

function writeChild(bytes: Uint8Array, at: number, child: { cid: Cid | null } | null | undefined): number {
  if (child) {
    if (!child.cid) throw new Error('a node is encoded before its child')
    return writeLink(bytes, at, child.cid)
  }
  bytes[at] = NULL
  return at + 1
}

function roomFor(keys: readonly string[]): Uint8Array {
  let size = 64
  for (const key of keys) size += key.length + 2 * LINK_BYTES + ENTRY_OVERHEAD
  if (size > scratch.length) scratch = new Uint8Array(size * 2)
  return scratch
}

/**
 * Reads the block of a node, of which only the canonical form is accepted: these fields in this order, shortest heads,
 * keys that ascend and share as much as they can.
 * @throws InvalidTreeError
 */
export function decodeNode(block: Uint8Array): NodeParts<Cid> {
  return new NodeReader(block).read()
}

class NodeReader {
  private at = 0

  constructor(private readonly bytes: Uint8Array) {}

  read(): NodeParts<Cid> {
    const keys: string[] = []
    const values: Cid[] = []
    const children: (Cid | null)[] = [null]
    this.expect(0xa2)
    this.field(0x65)
    const count = this.head(MAJOR.array)
    let previous = ''
    for (let i = 0; i < count; i++) {
      this.expect(0xa4)
      this.field(0x6b)
      const rest = this.ascii(this.head(MAJOR.bytes))
      this.field(0x70)
      const shared = this.head(MAJOR.uint)
      this.field(0x74)
      children.push(this.childOrNull())
      this.field(0x76)
      values.push(this.link())
      const key = i === 0 ? rest : previous.slice(0, shared) + rest
      if (i === 0 ? shared !== 0 : shared !== commonPrefix(previous, key) || key <= previous) {
        throw new InvalidTreeError('a node whose keys do not ascend or are not compressed')
      }
      keys.push(key)
      previous = key
    }
    this.field(0x6c)
    children[0] = this.childOrNull()
    if (this.at !== this.bytes.length) throw this.malformed()
    return { keys, values, children }
  }

  private expect(byte: number): void {
    if (this.bytes[this.at++] !== byte) throw this.malformed()
  }

  private field(name: number): void {
    this.expect(0x61)
    this.expect(name)
  }

  private childOrNull(): Cid | null {
    if (this.bytes[this.at] !== NULL) return this.link()
    this.at++
    return null
  }

  private link(): Cid {
    const { bytes, at } = this
    const cid =
      bytes[at] === 0xd8 &&
      bytes[at + 1] === 0x2a &&
      bytes[at + 2] === 0x58 &&
      bytes[at + 3] === CID_BYTES + 1
        ? cidAt(bytes, at + 5)
        : null
    if (!cid || bytes[at + 4] !== 0) throw this.malformed()
    this.at = at + LINK_BYTES
    return cid
  }

  /** The argument of a head; nodes need no more than 2 bytes of it. */
  private head(major: number): number {
    const info = (this.bytes[this.at++] ?? 0xff) ^ (major << 5)
    if (info < 24) return info
    const first = this.bytes[this.at++] ?? 0
    if (info === 24 && first >= 24) return first
    if (info === 25 && first > 0) return first * 256 + (this.bytes[this.at++] ?? 0)
    throw this.malformed()
  }

  private ascii(length: number): string {
    const start = this.at
    this.at = start + length
    if (this.at > this.bytes.length) throw this.malformed()
    return asciiText(this.bytes, start, this.at)
  }

  private malformed(): InvalidTreeError {
    return new InvalidTreeError(`a node that is not canonical at byte ${this.at}`)
  }
}
