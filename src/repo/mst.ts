/**
 * The Merkle search tree of one repository: record paths to record CIDs, in the one shape that a set of keys can have,
 * so that equal content has an equal root. See mst-node.ts for what a node is.
 *
 * The tree is changed in place and only the nodes on the way to a change are encoded and hashed again, when `root` asks.
 * To set a key of height 1 in a tree of height 3, the two nodes on the way down change, the node of height 1 takes the
 * key, and the child that spans it is split in two. A key higher than the root splits the root and becomes the new one;
 * deleting a key merges the children at its sides, and a root left with a child alone gives way to it.
 *
 * Nodes come from a `NodeStore` when they are first needed, and `unload` forgets them again. Each carries the number of
 * the step in which it last changed, and the tree the steps of the last `settle` and `checkpoint`, which tells what a
 * commit has to carry and what the store has to be given; that is why neither has to touch the nodes.
 *
 * Synchronous and without undo: when a commit fails after its tree was changed, the tree is dropped and opened again.
 * @see https://atproto.com/specs/repository#mst-structure
 */
import type { Block } from './car.ts'
import { type Cid, cidOf, sameCid } from './cid.ts'
import { CrowdedNodeError, InvalidPathError } from './errors.ts'
import { encodeNode, heightOf, isPath, lowerBound } from './mst-node.ts'
import {
  BlockCollection,
  blockOf,
  emptyContent,
  isEmpty,
  type NodeContent,
  type NodeStore,
  readStored,
  type TreeNode,
  unloadedNode,
} from './tree-node.ts'

export type { NodeStore }

export interface StoredNode {
  id: number
  bytes: Uint8Array
  childIds: number[]
}

/** What the store must do to hold a tree: write `put`, delete `drop`. */
export interface Checkpoint {
  rootId: number
  put: StoredNode[]
  drop: number[]
}

/** A step of a walk: a node's block, or a record's place. */
export type TreeItem = { node: Block } | { path: string; cid: Cid }

/**
 * A node has four keys as a rule and seldom fifty. Whoever chooses keys by their hashes can crowd thousands into one,
 * which every commit near it then carries: beyond this many bytes of keys a node takes no more.
 */
const MAX_KEY_BYTES = 32 * 1024
/** fewer need not be added up: a key has up to 1024 bytes */
const MANY_KEYS = 32

function keyBytes(keys: readonly string[]): number {
  return keys.reduce((sum, key) => sum + key.length, 0)
}

export class Mst {
  private step = 1
  private settledAt = 0
  private storedAt = 0
  private collections = 0
  private changes = 0
  /** height of the root node; null until it is needed for the first time */
  private height: number | null = null
  private dropped: number[] = []
  private loaded = 0

  private constructor(
    private readonly store: NodeStore | null,
    private top: TreeNode,
  ) {}

  /** @param store where it can be loaded from after a `checkpoint`, which `unload` needs */
  static empty(store: NodeStore | null = null): Mst {
    return Mst.build([], store)
  }

  /** The tree that a checkpoint has left in `store`. Nothing is loaded yet. */
  static open(store: NodeStore, rootId: number, rootCid: Cid): Mst {
    return new Mst(store, unloadedNode(rootCid, rootId))
  }

  /**
   * The tree of `entries`, which come in ascending order, in linear time: keys go to the open node of their height, and
   * a key closes the nodes below it.
   */
  static build(entries: Iterable<readonly [path: string, cid: Cid]>, store: NodeStore | null = null): Mst {
    const tree = new Mst(store, { cid: null, id: 0, changedAt: 0, takenBy: 0, content: null })
    const open: NodeContent[] = []
    let previous = ''
    for (const [path, cid] of entries) {
      if (!isPath(path)) throw new InvalidPathError(path)
      if (path <= previous) throw new Error(`entries of a tree out of order: ${path} after ${previous}`)
      previous = path
      const height = heightOf(path)
      let node = open[height]
      while (!node) {
        open.push(emptyContent())
        node = open[height]
      }
      node.children[node.keys.length] = tree.close(open, height)
      node.keys.push(path)
      node.values.push(cid)
      node.children.push(null)
    }
    tree.top = tree.close(open, open.length) ?? tree.add(emptyContent())
    tree.height = Math.max(open.length - 1, 0)
    return tree
  }

  /** Nodes that are in memory. */
  get loadedNodes(): number {
    return this.loaded
  }

  /** @throws RepoDamagedError as do all that follow, when a stored node is missing or not what it should be */
  get(path: string): Cid | null {
    let node: TreeNode | null = this.top
    while (node) {
      const content = this.load(node)
      const at = lowerBound(content.keys, path)
      if (content.keys[at] === path) return content.values[at] ?? null
      node = content.children[at] ?? null
    }
    return null
  }

  /**
   * @returns the CID that was replaced, null when `path` is new
   * @throws InvalidPathError
   * @throws CrowdedNodeError when the node that takes `path` is full; the tree is then to be dropped
   */
  set(path: string, cid: Cid): Cid | null {
    if (!isPath(path)) throw new InvalidPathError(path)
    const height = heightOf(path)
    const rootHeight = this.rootHeight()
    if (height <= rootHeight) return this.insert(this.top, rootHeight, path, height, cid)
    this.grow(rootHeight, path, height, cid)
    return null
  }

  /** @returns the CID that was there, or null */
  delete(path: string): Cid | null {
    const height = this.rootHeight()
    const removed = this.remove(this.top, path)
    if (removed) this.trim(height)
    return removed
  }

  /** The CID of the root, after encoding what has changed. */
  root(): Cid {
    return this.hash(this.top)
  }

  /**
   * What the event of a commit has to carry so that a consumer can check it: nodes that are new since `settle`, and for
   * each changed path the nodes on the way to it, or to where it would be, and to its neighbours on both sides. With
   * these the changes can be undone on the partial tree, which must lead to the root of the commit before: taking a key
   * out merges the children beside it, putting one back splits the child that spans it.
   */
  commitBlocks(paths: readonly string[]): Block[] {
    this.root()
    const collected = new BlockCollection(++this.collections)
    this.collectNew(this.top, collected)
    for (const path of paths) this.collectCover(path, collected)
    return collected.blocks
  }

  /** From here on the tree as it is counts as the last committed one. */
  settle(): void {
    this.settledAt = this.step++
  }

  /** The nodes from the root to `path`, or to where it would be: proof that it is, or is not, in the tree. */
  proof(path: string): Block[] {
    this.root()
    const collected = new BlockCollection(++this.collections)
    let node: TreeNode | null = this.top
    while (node) {
      const content = this.load(node)
      collected.take(node, content)
      const at = lowerBound(content.keys, path)
      node = content.keys[at] === path ? null : (content.children[at] ?? null)
    }
    return collected.blocks
  }

  /**
   * What to write to the store, and to delete from it, so that it holds this tree. Counts as done: when the store's
   * transaction fails, the tree is to be dropped. New nodes are given ids by `nextId`.
   */
  checkpoint(nextId: () => number): Checkpoint {
    this.root()
    const put: StoredNode[] = []
    const rootId = this.number(this.top, nextId, put)
    const drop = this.dropped
    this.dropped = []
    this.storedAt = this.step++
    return { rootId, put, drop }
  }

  /** Forgets the nodes that are in the store and in the last commit. */
  unload(): void {
    if (this.store) this.loaded = this.release(this.top)
  }

  /**
   * Every node and record in the order in which a CAR can be read as a stream: a node, then what is below it, records in
   * between. Nodes that are not in memory are loaded for as long as the walk is below them. The tree must not change
   * meanwhile.
   */
  *walk(): Generator<TreeItem, void> {
    this.root()
    const { changes } = this
    const way: { content: NodeContent; at: number }[] = []
    for (let node: TreeNode | null = this.top; node; ) {
      const content = this.read(node)
      yield { node: blockOf(node, content) }
      way.push({ content, at: 0 })
      node = null
      for (let here = way.at(-1); here && !node; here = way.at(-1)) {
        const { keys, values, children } = here.content
        const at = here.at++
        const path = keys[at - 1]
        const cid = values[at - 1]
        if (path !== undefined && cid) yield { path, cid }
        if (this.changes !== changes) throw new Error('a tree was changed while it was walked')
        if (at === keys.length) way.pop()
        node = children[at] ?? null
      }
    }
  }

  /** Every path and CID, in order. */
  *entries(): Generator<[path: string, cid: Cid], void> {
    for (const item of this.walk()) if ('path' in item) yield [item.path, item.cid]
  }

  private rootHeight(): number {
    if (this.height === null) {
      const [key] = this.load(this.top).keys
      this.height = key === undefined ? 0 : heightOf(key)
    }
    return this.height
  }

  private add(content: NodeContent): TreeNode {
    this.loaded++
    return { cid: null, id: 0, changedAt: this.step, takenBy: 0, content }
  }

  private discard(node: TreeNode): void {
    this.loaded--
    if (node.id) this.dropped.push(node.id)
  }

  private touch(node: TreeNode, content: NodeContent): void {
    this.changes++
    node.cid = null
    node.changedAt = this.step
    content.bytes = null
  }

  /** Closes the open nodes below `height`, each into the one above it. @returns the topmost, if there was any */
  private close(open: NodeContent[], height: number): TreeNode | null {
    let below: TreeNode | null = null
    for (let at = 0; at < height; at++) {
      const content = open[at]
      if (!content || (content.keys.length === 0 && !below)) continue
      content.children[content.keys.length] = below
      below = this.add(content)
      open[at] = emptyContent()
    }
    return below
  }

  private insert(node: TreeNode, nodeHeight: number, path: string, height: number, cid: Cid): Cid | null {
    const content = this.load(node)
    const { keys, values, children } = content
    const at = lowerBound(keys, path)
    if (nodeHeight > height) {
      const child = children[at] ?? this.add(emptyContent())
      children[at] = child
      const before = this.insert(child, nodeHeight - 1, path, height, cid)
      if (!before || !sameCid(before, cid)) this.touch(node, content)
      return before
    }
    if (keys[at] === path) {
      const before = values[at] ?? null
      if (before && sameCid(before, cid)) return before
      values[at] = cid
      this.touch(node, content)
      return before
    }
    if (keys.length >= MANY_KEYS && keyBytes(keys) > MAX_KEY_BYTES) throw new CrowdedNodeError(path)
    const [left, right] = this.split(children[at] ?? null, path)
    keys.splice(at, 0, path)
    values.splice(at, 0, cid)
    children.splice(at, 1, left, right)
    this.touch(node, content)
    return null
  }

  /** Puts a key above the root; the two parts of the root are brought to the height below it. */
  private grow(rootHeight: number, path: string, height: number, cid: Cid): void {
    const content = this.load(this.top)
    const isEmpty = content.keys.length === 0
    if (isEmpty) this.discard(this.top)
    let [left, right] = isEmpty ? [null, null] : this.split(this.top, path)
    for (let at = rootHeight + 1; at < height; at++) {
      left = left && this.add({ keys: [], values: [], children: [left], bytes: null })
      right = right && this.add({ keys: [], values: [], children: [right], bytes: null })
    }
    this.top = this.add({ keys: [path], values: [cid], children: [left, right], bytes: null })
    this.height = height
    this.changes++
  }

  /** Parts a sub-tree into what is below and what is above `path`, which is not in it. */
  private split(node: TreeNode | null, path: string): [TreeNode | null, TreeNode | null] {
    if (!node) return [null, null]
    const content = this.load(node)
    const { keys, values, children } = content
    const at = lowerBound(keys, path)
    const [left, right] = this.split(children[at] ?? null, path)
    if (at === 0 && !left) return [null, node]
    if (at === keys.length && !right) return [node, null]
    const rest = {
      keys: keys.splice(at),
      values: values.splice(at),
      children: [right, ...children.splice(at).slice(1)],
      bytes: null,
    }
    children.push(left)
    this.touch(node, content)
    return [node, this.add(rest)]
  }

  private remove(node: TreeNode, path: string): Cid | null {
    const content = this.load(node)
    const { keys, values, children } = content
    const at = lowerBound(keys, path)
    if (keys[at] === path) {
      const merged = this.merge(children[at] ?? null, children[at + 1] ?? null)
      const [removed] = values.splice(at, 1)
      keys.splice(at, 1)
      children.splice(at, 2, merged)
      this.touch(node, content)
      return removed ?? null
    }
    const child = children[at]
    const removed = child ? this.remove(child, path) : null
    if (!child || !removed) return null
    if (isEmpty(child)) {
      this.discard(child)
      children[at] = null
    }
    this.touch(node, content)
    return removed
  }

  /** Joins two neighbours of one height; what is in `right` goes to `left`. */
  private merge(left: TreeNode | null, right: TreeNode | null): TreeNode | null {
    if (!left || !right) return left ?? right
    const into = this.load(left)
    const from = this.load(right)
    const middle = this.merge(into.children.pop() ?? null, from.children.shift() ?? null)
    into.keys = into.keys.concat(from.keys)
    into.values = into.values.concat(from.values)
    into.children = into.children.concat([middle], from.children)
    this.touch(left, into)
    this.discard(right)
    return left
  }

  /** A root without keys gives way to its child, unless it has none: that is the empty tree. */
  private trim(rootHeight: number): void {
    let height = rootHeight
    for (;;) {
      const { keys, children } = this.load(this.top)
      const [child] = children
      if (keys.length > 0 || !child) break
      this.discard(this.top)
      this.top = child
      height--
    }
    this.height = isEmpty(this.top) ? 0 : height
  }

  private hash(node: TreeNode): Cid {
    if (node.cid) return node.cid
    const content = this.load(node)
    for (const child of content.children) if (child && !child.cid) this.hash(child)
    content.bytes = encodeNode(content)
    node.cid = cidOf('dag-cbor', content.bytes)
    return node.cid
  }

  /** What is above a new node is new as well. */
  private collectNew(node: TreeNode, collected: BlockCollection): void {
    if (node.changedAt <= this.settledAt) return
    const content = this.load(node)
    collected.take(node, content)
    for (const child of content.children) if (child) this.collectNew(child, collected)
  }

  private collectCover(path: string, collected: BlockCollection): void {
    let node: TreeNode | null = this.top
    while (node) {
      const content = this.load(node)
      collected.take(node, content)
      const at = lowerBound(content.keys, path)
      if (content.keys[at] === path) {
        this.collectEdge(content.children[at], -1, collected)
        this.collectEdge(content.children[at + 1], 0, collected)
        return
      }
      node = content.children[at] ?? null
    }
  }

  /** Takes the nodes down one side of a sub-tree: `side` is 0 for the left, -1 for the right. */
  private collectEdge(top: TreeNode | null | undefined, side: 0 | -1, collected: BlockCollection): void {
    for (let node = top; node; ) {
      const content = this.load(node)
      collected.take(node, content)
      node = content.children.at(side)
    }
  }

  /** Gives ids to what has changed since the last checkpoint, children first. */
  private number(node: TreeNode, nextId: () => number, put: StoredNode[]): number {
    if (node.changedAt <= this.storedAt) return node.id
    const { children, bytes } = this.load(node)
    if (!bytes) throw new Error('a node is stored before it is encoded')
    const childIds: number[] = []
    for (const child of children) if (child) childIds.push(this.number(child, nextId, put))
    node.id ||= nextId()
    put.push({ id: node.id, bytes, childIds })
    return node.id
  }

  /** @returns the number of nodes that stay in memory */
  private release(node: TreeNode): number {
    if (!node.content) return 0
    if (node.changedAt <= this.storedAt && node.changedAt <= this.settledAt) {
      node.content = null
      return 0
    }
    let kept = 1
    for (const child of node.content.children) if (child) kept += this.release(child)
    return kept
  }

  private load(node: TreeNode): NodeContent {
    if (node.content) return node.content
    node.content = this.read(node)
    this.loaded++
    return node.content
  }

  /** The content of a node, which does not stay in memory when it was not there. */
  private read(node: TreeNode): NodeContent {
    return node.content ?? readStored(this.store, node)
  }
}
