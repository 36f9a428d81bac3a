/**
 * Nodes of a tree as they are in memory: some loaded, some known by their CID and their place in the store. What comes
 * from the store is held against the CID that its parent has for it, so that a damaged one is never built upon.
 */
import type { Block } from './car.ts'
import { type Cid, cidOf, sameCid } from './cid.ts'
import { InvalidTreeError, RepoDamagedError } from './errors.ts'
import { decodeNode, type NodeParts } from './mst-node.ts'

/** Nodes of one tree by integer id, as a checkpoint wrote them. `childIds` are the ids of all children, left to right. */
export interface NodeStore {
  load(id: number): { bytes: Uint8Array; childIds: readonly number[] } | null
}

/** A sub-tree, with its top node in memory or only in the store. */
export interface TreeNode {
  /** null since it changed, until it is encoded */
  cid: Cid | null
  /** in the store; 0 when it was never there */
  id: number
  /** step of its last change; 0 when it has not changed since it was loaded */
  changedAt: number
  /** number of the last collection that took it */
  takenBy: number
  /** null when it is in the store alone */
  content: NodeContent | null
}

export interface NodeContent extends NodeParts<TreeNode> {
  /** its block, null since it changed */
  bytes: Uint8Array | null
}

/** A node that is not in memory. */
export function unloadedNode(cid: Cid, id: number): TreeNode {
  return { cid, id, changedAt: 0, takenBy: 0, content: null }
}

export function emptyContent(): NodeContent {
  return { keys: [], values: [], children: [null], bytes: null }
}

/** Whether a node has neither keys nor a child. */
export function isEmpty({ content }: TreeNode): boolean {
  return content !== null && content.keys.length === 0 && !content.children[0]
}

export function blockOf({ cid }: TreeNode, { bytes }: NodeContent): Block {
  if (!cid || !bytes) throw new Error('a node is used before it is encoded')
  return { cid, bytes }
}

/** The content of a node from the store. @throws RepoDamagedError when it is not there, or not what it should be */
export function readStored(store: NodeStore | null, { cid, id }: TreeNode): NodeContent {
  const stored = store?.load(id)
  if (!stored || !cid) throw new RepoDamagedError(`node ${id} of the stored tree is missing`)
  const { bytes, childIds } = stored
  if (!sameCid(cidOf('dag-cbor', bytes), cid)) {
    throw new RepoDamagedError(`node ${id} of the stored tree is not what its parent refers to`)
  }
  const { keys, values, children } = decodeStored(id, bytes)
  return { keys, values, children: linked(id, children, childIds), bytes }
}

function decodeStored(id: number, bytes: Uint8Array): NodeParts<Cid> {
  try {
    return decodeNode(bytes)
  } catch (cause) {
    if (!(cause instanceof InvalidTreeError)) throw cause
    throw new RepoDamagedError(`node ${id} of the stored tree is not a node`, { cause })
  }
}

/** Gives each child its place in the store. */
function linked(id: number, cids: readonly (Cid | null)[], childIds: readonly number[]): (TreeNode | null)[] {
  let next = 0
  const children = cids.map((cid) => (cid ? unloadedNode(cid, childIds[next++] ?? 0) : null))
  if (next !== childIds.length) {
    throw new RepoDamagedError(`node ${id} of the stored tree has ids that do not fit its children`)
  }
  return children
}

/** Blocks of nodes, each once. Nodes remember the number of the collection, which spares a set of them. */
export class BlockCollection {
  readonly blocks: Block[] = []

  constructor(private readonly number: number) {}

  take(node: TreeNode, content: NodeContent): void {
    if (node.takenBy === this.number) return
    node.takenBy = this.number
    this.blocks.push(blockOf(node, content))
  }
}
