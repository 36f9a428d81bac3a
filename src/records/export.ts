/**
 * A repository as a CAR, in the order in which it can be read as a stream: the commit, then each node before what is
 * below it, records in between. It is read from the stored tree of a snapshot, so that neither memory nor the event
 * loop feels its size. With `since`, sub-trees and records that were there at that commit are left out; a node may be
 * sent once more than needed, because the store knows of its last change only to within a checkpoint. Where a stored
 * node is damaged, the export goes on with the tree that the records make: there is one tree of a given content.
 */
import type { ActorStore, StoredNode, StoredRecord, StoredTree } from '#actor/actor-store.ts'
import { RepoNotFoundError } from '#actor/errors.ts'
import type { Tid } from '#lexicon/strings.ts'
import { type Block, carBlocks, carHeader } from '#repo/car.ts'
import { type Cid, cidOf, sameCid } from '#repo/cid.ts'
import { RepoDamagedError } from '#repo/errors.ts'
import { Mst } from '#repo/mst.ts'
import { decodeNode } from '#repo/mst-node.ts'

const CHUNK_BYTES = 64 * 1024

type OnDamage = (damage: RepoDamagedError) => void

/**
 * The bytes of the CAR. Every chunk is made when it is asked for. `onDamage` is told of a stored tree that is not whole.
 * @throws RepoNotFoundError, RepoDamagedError when the records are not those of the tree
 */
export function* exportChunks(
  snapshot: ActorStore,
  since: Tid | null,
  onDamage: OnDamage,
): Generator<Uint8Array> {
  const root = snapshot.root()
  if (!root) throw new RepoNotFoundError(snapshot.did)
  yield carHeader(root.commitCid)
  if (since !== null && root.rev <= since) return
  let blocks: Block[] = [{ cid: root.commitCid, bytes: root.commitBlock }]
  let size = root.commitBlock.length
  for (const block of contentBlocks(snapshot, since, onDamage)) {
    blocks.push(block)
    size += block.bytes.length
    if (size < CHUNK_BYTES) continue
    yield carBlocks(blocks)
    blocks = []
    size = 0
  }
  yield carBlocks(blocks)
}

/** Nodes and records of the tree, the records from one scan that goes along with the walk. */
function* contentBlocks(snapshot: ActorStore, since: Tid | null, onDamage: OnDamage): Generator<Block> {
  const records = snapshot.allRecords(since)
  let record = next(records)
  for (const item of treeItems(snapshot, since, onDamage)) {
    if (typeof item !== 'string') {
      yield item
      continue
    }
    // one that was written again as it was lies in a part of the tree that has not changed
    while (since !== null && record && record.path < item) record = next(records)
    if (record?.path === item) {
      yield { cid: record.cid, bytes: record.content }
      record = next(records)
    } else if (since === null) {
      throw new RepoDamagedError(`${snapshot.did} lacks the record ${item}`)
    }
  }
  if (record && since === null)
    throw new RepoDamagedError(`the tree of ${snapshot.did} lacks the record ${record.path}`)
}

/** Nodes as blocks and keys as paths, in order, without the sub-trees that have not changed after `since`. */
function* treeItems(snapshot: ActorStore, since: Tid | null, onDamage: OnDamage): Generator<Block | string> {
  const stored = snapshot.tree()
  let given = 0
  if (stored && snapshot.touchedCount() === 0) {
    try {
      for (const item of storedItems(snapshot, stored, since)) {
        given++
        yield item
      }
      return
    } catch (error) {
      if (!(error instanceof RepoDamagedError)) throw error
      onDamage(error)
    }
  }
  // what was given is the beginning of this, unless parts were left out: then a reader gets some nodes twice
  const again = since === null ? given : 0
  for (const item of Mst.build(snapshot.entries()).walk().drop(again)) {
    yield 'node' in item ? item.node : item.path
  }
}

/** A node that the walk is in: what is below it, and what of that comes next. */
interface Place {
  id: number
  keys: readonly string[]
  children: readonly (Cid | null)[]
  /** of the children that are not null */
  childIds: Iterator<number>
  at: number
}

/** The stored tree, each node held against the CID that its parent has for it. @throws RepoDamagedError */
function* storedItems(snapshot: ActorStore, tree: StoredTree, since: Tid | null): Generator<Block | string> {
  const way: Place[] = []
  let child: { id: number; cid: Cid } | null = { id: tree.rootId, cid: tree.rootCid }
  while (child || way.length > 0) {
    if (child) {
      const { id, cid } = child
      const node = checkedNode(snapshot, id, cid)
      if (since === null || node.rev > since) {
        yield { cid, bytes: node.bytes }
        way.push({ id, ...decodeNode(node.bytes), childIds: node.childIds.values(), at: 0 })
      }
    }
    child = null
    for (let here = way.at(-1); here && !child; here = way.at(-1)) {
      const key = here.at > 0 ? here.keys[here.at - 1] : undefined
      if (key !== undefined) yield key
      child = nextChild(here)
      if (here.at > here.keys.length) way.pop()
    }
  }
}

/** The child before the next key, if there is one; steps on. */
function nextChild(place: Place): { id: number; cid: Cid } | null {
  const cid = place.children[place.at++]
  if (!cid) return null
  const { value, done } = place.childIds.next()
  if (done) throw new RepoDamagedError(`node ${place.id} of the stored tree lacks ids of children`)
  return { id: value, cid }
}

function checkedNode(snapshot: ActorStore, id: number, cid: Cid): StoredNode {
  const node = snapshot.node(id)
  if (!node) throw new RepoDamagedError(`node ${id} of the stored tree is missing`)
  if (!sameCid(cidOf('dag-cbor', node.bytes), cid)) {
    throw new RepoDamagedError(`node ${id} of the stored tree is not what its parent refers to`)
  }
  return node
}

function next(records: IterableIterator<StoredRecord>): StoredRecord | null {
  const { value, done } = records.next()
  return done ? null : value
}
