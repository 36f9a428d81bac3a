/**
 * Merkle search trees of which only a part may be at hand, written from the protocol text alone: nothing here comes
 * from `src/`. Every node that is read is checked to be in canonical form, so a tree whose nodes all read is canonical.
 *
 * A tree is a value: changing one gives another. A sub-tree is read when it is needed, and a change that needs one
 * that is not at hand fails with `MissingNodeError`.
 */
import { CborError, type CborValue, decode, encode, Link } from './cbor.ts'
import { cidOf, hashOf } from './cid.ts'

export type Blocks = ReadonlyMap<string, Uint8Array>

/** The bytes of a node are not those of a canonical tree. */
export class TreeError extends Error {
  override readonly name = 'TreeError'
}

export class MissingNodeError extends Error {
  override readonly name = 'MissingNodeError'
  constructor(readonly cid: string) {
    super(`node ${cid} is not at hand`)
  }
}

interface Entry {
  key: string
  value: string
}

/** Keys of a sub-tree lie strictly between these. */
interface Bounds {
  above: string | null
  below: string | null
}

/** `subtrees[i]` is left of `entries[i]`; there is one more, right of the last. */
interface Node {
  height: number
  entries: readonly Entry[]
  subtrees: readonly (Subtree | null)[]
}

const MAX_HEIGHT = 32
const MAX_KEY_BYTES = 1024

export function heightOf(key: string): number {
  let zeros = 0
  for (const byte of hashOf(Buffer.from(key))) {
    zeros += Math.clz32(byte) - 24
    if (byte !== 0) break
  }
  return zeros >> 1
}

/** A node that is read when it is needed, or one that was made and has no CID yet. */
class Subtree {
  private constructor(
    private readonly blocks: Blocks,
    private readonly height: number,
    private known: { cid: string; bounds: Bounds } | null,
    private read: Node | null,
  ) {}

  static stored(blocks: Blocks, height: number, cid: string, bounds: Bounds): Subtree {
    return new Subtree(blocks, height, { cid, bounds }, null)
  }

  static made(blocks: Blocks, node: Node): Subtree {
    return new Subtree(blocks, node.height, null, node)
  }

  node(): Node {
    if (!this.read) {
      if (!this.known) throw new Error('a sub-tree is neither stored nor made')
      const { cid, bounds } = this.known
      this.read = readNode(this.blocks, cid, this.height, bounds)
    }
    return this.read
  }

  /** @throws MissingNodeError never: what is not at hand has its CID */
  cid(): string {
    this.known ??= { cid: cidOf('dag-cbor', writeNode(this.node())), bounds: { above: null, below: null } }
    return this.known.cid
  }

  atHand(): boolean {
    return this.read !== null || (this.known !== null && this.blocks.has(this.known.cid))
  }
}

export class Tree {
  private constructor(
    private readonly blocks: Blocks,
    private readonly root: Node,
    /** of the block that it was opened from */
    private readonly openedCid: string | null,
  ) {}

  static empty(): Tree {
    return new Tree(new Map(), { height: 0, entries: [], subtrees: [null] }, null)
  }

  /** @throws MissingNodeError, TreeError */
  static open(blocks: Blocks, rootCid: string): Tree {
    const unbounded = { above: null, below: null }
    return new Tree(blocks, readNode(blocks, rootCid, null, unbounded), rootCid)
  }

  cid(): string {
    return this.openedCid ?? cidOf('dag-cbor', writeNode(this.root))
  }

  get(key: string): string | null {
    return find(this.root, key)
  }

  /** The tree with `key` at `value`, where it may have been at another. */
  set(key: string, value: string): Tree {
    const height = heightOf(key)
    if (height <= this.root.height) return this.with(setBelow(this.blocks, this.root, { key, value }, height))
    const [left, right] = split(this.blocks, Subtree.made(this.blocks, this.root), key)
    const lift = (tree: Subtree | null) => {
      let lifted = tree
      for (let at = this.root.height + 1; lifted && at < height; at++) {
        lifted = Subtree.made(this.blocks, { height: at, entries: [], subtrees: [lifted] })
      }
      return lifted
    }
    return this.with({ height, entries: [{ key, value }], subtrees: [lift(left), lift(right)] })
  }

  /** The tree without `key`; the same when it is not there. */
  delete(key: string): Tree {
    let root = deleteBelow(this.blocks, this.root, key)
    if (root === this.root) return this
    for (;;) {
      const [only] = root.subtrees
      if (root.entries.length > 0 || !only) break
      root = only.node()
    }
    return this.with(root.entries.length === 0 ? { height: 0, entries: [], subtrees: [null] } : root)
  }

  /**
   * The whole tree from left to right, each node before what is in it. Sub-trees that are not at hand are left out
   * when `partial`, and an error otherwise.
   */
  *walk({ partial = false } = {}): Generator<{ node: string } | Entry> {
    yield { node: this.cid() }
    yield* walkBelow(this.root, partial)
  }

  private with(root: Node): Tree {
    return new Tree(this.blocks, root, null)
  }
}

function* walkBelow(node: Node, partial: boolean): Generator<{ node: string } | Entry> {
  for (const [i, subtree] of node.subtrees.entries()) {
    if (subtree && (!partial || subtree.atHand())) {
      yield { node: subtree.cid() }
      yield* walkBelow(subtree.node(), partial)
    }
    const entry = node.entries[i]
    if (entry) yield entry
  }
}

function find(node: Node, key: string): string | null {
  const at = position(node, key)
  const entry = node.entries[at]
  if (entry?.key === key) return entry.value
  const subtree = node.subtrees[at]
  return subtree ? find(subtree.node(), key) : null
}

/** Index of the first entry that is not before `key`. */
function position(node: Node, key: string): number {
  const found = node.entries.findIndex((entry) => entry.key >= key)
  return found < 0 ? node.entries.length : found
}

function setBelow(blocks: Blocks, node: Node, entry: Entry, height: number): Node {
  const { entries, subtrees } = node
  const at = position(node, entry.key)
  if (entries[at]?.key === entry.key) return { ...node, entries: entries.with(at, entry) }
  const below = subtrees[at] ?? null
  if (height === node.height) {
    const [left, right] = split(blocks, below, entry.key)
    return {
      height,
      entries: entries.toSpliced(at, 0, entry),
      subtrees: subtrees.toSpliced(at, 1, left, right),
    }
  }
  const nothing: Node = { height: node.height - 1, entries: [], subtrees: [null] }
  const changed = setBelow(blocks, below ? below.node() : nothing, entry, height)
  return { ...node, subtrees: subtrees.with(at, Subtree.made(blocks, changed)) }
}

function deleteBelow(blocks: Blocks, node: Node, key: string): Node {
  const { entries, subtrees } = node
  const at = position(node, key)
  const below = subtrees[at] ?? null
  if (entries[at]?.key === key) {
    const merged = merge(blocks, below, subtrees[at + 1] ?? null)
    return { ...node, entries: entries.toSpliced(at, 1), subtrees: subtrees.toSpliced(at, 2, merged) }
  }
  if (!below) return node
  const changed = deleteBelow(blocks, below.node(), key)
  return changed === below.node()
    ? node
    : { ...node, subtrees: subtrees.with(at, unlessEmpty(blocks, changed)) }
}

/** What is before `key` and what is after it. */
function split(blocks: Blocks, subtree: Subtree | null, key: string): [Subtree | null, Subtree | null] {
  if (!subtree) return [null, null]
  const { height, entries, subtrees } = subtree.node()
  const at = position(subtree.node(), key)
  const [left, right] = split(blocks, subtrees[at] ?? null, key)
  return [
    unlessEmpty(blocks, {
      height,
      entries: entries.slice(0, at),
      subtrees: [...subtrees.slice(0, at), left],
    }),
    unlessEmpty(blocks, { height, entries: entries.slice(at), subtrees: [right, ...subtrees.slice(at + 1)] }),
  ]
}

function merge(blocks: Blocks, a: Subtree | null, b: Subtree | null): Subtree | null {
  if (!a || !b) return a ?? b
  const left = a.node()
  const right = b.node()
  const middle = merge(blocks, left.subtrees.at(-1) ?? null, right.subtrees[0] ?? null)
  return Subtree.made(blocks, {
    height: left.height,
    entries: [...left.entries, ...right.entries],
    subtrees: [...left.subtrees.slice(0, -1), middle, ...right.subtrees.slice(1)],
  })
}

function unlessEmpty(blocks: Blocks, node: Node): Subtree | null {
  return node.entries.length === 0 && !node.subtrees[0] ? null : Subtree.made(blocks, node)
}

function writeNode({ entries, subtrees }: Node): Uint8Array {
  let before = ''
  const written = entries.map(({ key, value }, i) => {
    const shared = sharedPrefix(before, key)
    before = key
    return new Map<string, CborValue>([
      ['p', shared],
      ['k', Buffer.from(key.slice(shared))],
      ['v', new Link(value)],
      ['t', linkOrNull(subtrees[i + 1])],
    ])
  })
  return encode(
    new Map<string, CborValue>([
      ['l', linkOrNull(subtrees[0])],
      ['e', written],
    ]),
  )
}

function linkOrNull(subtree: Subtree | null | undefined): Link | null {
  return subtree ? new Link(subtree.cid()) : null
}

function sharedPrefix(a: string, b: string): number {
  let shared = 0
  while (shared < a.length && a[shared] === b[shared]) shared++
  return shared
}

/**
 * Reads a node and checks everything that can be seen of its canonical form. `height` is what its parent demands,
 * or null of a root.
 */
function readNode(blocks: Blocks, cid: string, height: number | null, bounds: Bounds): Node {
  const bytes = blocks.get(cid)
  if (!bytes) throw new MissingNodeError(cid)
  const fault = (what: string) => new TreeError(`node ${cid}: ${what}`)
  const { left, entries: found } = readShape(bytes, fault)

  const entries = found.map(({ key, value }) => ({ key, value }))
  const own = entries[0] ? heightOf(entries[0].key) : height
  if (entries.length === 0 && !left && height !== null) throw fault('is empty')
  if (entries.length === 0 && left && height === null) throw fault('is a root that only points further down')
  const nodeHeight = own ?? 0
  if (nodeHeight > MAX_HEIGHT) throw fault('is too high')
  if (height !== null && nodeHeight !== height)
    throw fault(`has height ${nodeHeight} where its parent wants ${height}`)
  for (const { key } of entries)
    if (heightOf(key) !== nodeHeight) throw fault(`${key} does not have its height`)

  const links = [left, ...found.map(({ right }) => right)]
  if (nodeHeight === 0 && links.some((link) => link !== null)) throw fault('is a leaf with sub-trees')
  const keys = entries.map(({ key }) => key)
  const fences = [bounds.above, ...keys, bounds.below]
  for (const [i, fence] of fences.entries()) {
    const next = fences[i + 1]
    if (fence !== null && next !== null && next !== undefined && fence >= next)
      throw fault('its keys are out of order')
  }
  const subtrees = links.map((link, i) => {
    const between = { above: fences[i] ?? null, below: fences[i + 1] ?? null }
    return link === null ? null : Subtree.stored(blocks, nodeHeight - 1, link, between)
  })
  return { height: nodeHeight, entries, subtrees }
}

interface ReadEntry extends Entry {
  right: string | null
}

function readShape(
  bytes: Uint8Array,
  fault: (what: string) => TreeError,
): { left: string | null; entries: ReadEntry[] } {
  let value: CborValue
  try {
    value = decode(bytes)
  } catch (error) {
    if (error instanceof CborError) throw fault(error.message)
    throw error
  }
  if (!(value instanceof Map) || value.size !== 2) throw fault('is not a map of l and e')
  const list = value.get('e')
  if (!Array.isArray(list)) throw fault('e is not a list')
  let before = ''
  const entries = list.map((item) => {
    const entry = readEntry(item, before, fault)
    before = entry.key
    return entry
  })
  return { left: subtreeLink(value.get('l'), fault), entries }
}

function readEntry(item: CborValue, before: string, fault: (what: string) => TreeError): ReadEntry {
  if (!(item instanceof Map) || item.size !== 4) throw fault('an entry is not a map of p, k, v and t')
  const [shared, rest, value] = [item.get('p'), item.get('k'), item.get('v')]
  if (typeof shared !== 'number' || shared < 0 || shared > before.length) throw fault('p is out of range')
  if (!(rest instanceof Uint8Array) || !(value instanceof Link))
    throw fault('k is not bytes, or v not a link')
  if (rest.some((byte) => byte < 0x20 || byte > 0x7e)) throw fault('a key is not ASCII')
  const key = before.slice(0, shared) + Buffer.from(rest).toString('latin1')
  if (key.length === 0 || key.length > MAX_KEY_BYTES) throw fault('a key is empty or too long')
  if (sharedPrefix(before, key) !== shared) throw fault(`${key} is not compressed as far as it can be`)
  return { key, value: value.cid, right: subtreeLink(item.get('t'), fault) }
}

function subtreeLink(value: CborValue | undefined, fault: (what: string) => TreeError): string | null {
  if (value === null) return null
  if (value instanceof Link) return value.cid
  throw fault('a sub-tree is neither a link nor null')
}
