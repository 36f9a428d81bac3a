/**
 * Finds single blocks of a repository by their CIDs. There is no index of CIDs, which would cost every write: records
 * are stored by path, nodes by number. But every CID except the commit's stands as a link in some node, so the stored
 * nodes are searched for the links: 20 ms for 100,000 records, in steps with requests in between.
 */
import type { ActorStore, StoredNode, StoredTree } from '#actor/actor-store.ts'
import { RepoNotFoundError } from '#actor/errors.ts'
import { type Block, carBlocks, carHeader } from '#repo/car.ts'
import { type Cid, cidOf, formatCid, sameCid } from '#repo/cid.ts'
import { InvalidTreeError, RepoDamagedError } from '#repo/errors.ts'
import { Mst } from '#repo/mst.ts'
import { decodeNode } from '#repo/mst-node.ts'

/** nodes searched without a pause, about a millisecond's work */
const STEP = 1000
/** tag 42 and the head of a byte string of 37 bytes; then follow a zero and the CID */
const LINK_HEAD = [0xd8, 0x2a, 0x58, 0x25] as const
const CID_IN_LINK = 5
const HASH_IN_CID = 4

/** Reads a block that was found. */
type Source = () => Block

/**
 * Looks for blocks in a snapshot of a repository. `onDamage` is told of a stored tree that is not whole.
 * @returns what was found, by the text of the CIDs @throws RepoNotFoundError
 */
export async function searchBlocks(
  snapshot: ActorStore,
  cids: readonly Cid[],
  onDamage: (damage: RepoDamagedError) => void,
): Promise<ReadonlyMap<string, Source>> {
  const root = snapshot.root()
  if (!root) throw new RepoNotFoundError(snapshot.did)
  const search = new Search(snapshot, cids)
  const commit = { cid: root.commitCid, bytes: root.commitBlock }
  search.offer(commit.cid, () => () => commit)
  const stored = snapshot.tree()
  if (stored && snapshot.touchedCount() === 0) {
    try {
      await search.stored(stored)
      return search.found
    } catch (error) {
      if (!(error instanceof RepoDamagedError)) throw error
      onDamage(error)
    }
  }
  search.built(Mst.build(snapshot.entries()))
  return search.found
}

/** The bytes of a CAR of these blocks, without roots. */
export function* blockChunks(sources: Iterable<Source>): Generator<Uint8Array> {
  yield carHeader()
  for (const source of sources) yield carBlocks([source()])
}

class Search {
  readonly found = new Map<string, Source>()
  private readonly wanted = new Map<string, Cid>()
  /** the first bytes of the wanted hashes */
  private readonly prefixes = new Set<number>()

  constructor(
    private readonly snapshot: ActorStore,
    cids: readonly Cid[],
  ) {
    for (const cid of cids) {
      this.wanted.set(formatCid(cid), cid)
      this.prefixes.add(prefixAt(cid, HASH_IN_CID))
    }
  }

  /** Takes a block, if it is wanted: `open` then says where it can be read. */
  offer(cid: Cid, open: () => Source): void {
    if (!this.prefixes.has(prefixAt(cid, HASH_IN_CID))) return
    const name = formatCid(cid)
    if (!this.wanted.has(name)) return
    this.found.set(name, open())
    this.wanted.delete(name)
  }

  /** Searches the stored nodes. @throws RepoDamagedError */
  async stored({ rootId, rootCid }: StoredTree): Promise<void> {
    const root = this.node(rootId, rootCid)
    this.offer(rootCid, () => () => root)
    for (let after = 0; this.wanted.size > 0; ) {
      const nodes = this.snapshot.nodes(after, STEP)
      for (const node of nodes) if (this.hasLink(node.bytes)) this.offerLinks(node)
      const last = nodes.at(-1)
      if (!last || nodes.length < STEP) return
      after = last.id
      await Bun.sleep(0)
    }
  }

  /** Searches a tree in memory. */
  built(tree: Mst): void {
    for (const item of tree.walk()) {
      if ('node' in item) this.offer(item.node.cid, () => () => item.node)
      else this.offerRecord(item.cid, item.path)
    }
  }

  /** Whether a node has a link that begins like a wanted one. */
  private hasLink(bytes: Uint8Array): boolean {
    for (let at = bytes.indexOf(LINK_HEAD[0]); at >= 0; at = bytes.indexOf(LINK_HEAD[0], at + 1)) {
      const isLink =
        bytes[at + 1] === LINK_HEAD[1] && bytes[at + 2] === LINK_HEAD[2] && bytes[at + 3] === LINK_HEAD[3]
      if (isLink && this.prefixes.has(prefixAt(bytes, at + CID_IN_LINK + HASH_IN_CID))) return true
    }
    return false
  }

  private offerLinks({ id, bytes, childIds }: StoredNode & { id: number }): void {
    const { keys, values, children } = decodeStored(id, bytes)
    for (const [i, path] of keys.entries()) {
      const cid = values[i]
      if (cid) this.offerRecord(cid, path)
    }
    const ids = childIds.values()
    for (const cid of children) if (cid) this.offerNode(ids.next().value ?? 0, cid)
  }

  /** Records can be large, so they are not read before they are sent. */
  private offerRecord(cid: Cid, path: string): void {
    this.offer(cid, () => {
      const there = this.snapshot.recordCid(path)
      if (!there || !sameCid(there, cid)) {
        throw new RepoDamagedError(`${this.snapshot.did} lacks the record ${path} of its tree`)
      }
      return () => ({ cid, bytes: this.snapshot.record(path)?.content ?? new Uint8Array(0) })
    })
  }

  private offerNode(id: number, cid: Cid): void {
    this.offer(cid, () => {
      const block = this.node(id, cid)
      return () => block
    })
  }

  private node(id: number, cid: Cid): Block {
    const node = this.snapshot.node(id)
    if (!node || !sameCid(cidOf('dag-cbor', node.bytes), cid)) {
      throw new RepoDamagedError(`node ${id} of the stored tree is not what its parent refers to`)
    }
    return { cid, bytes: node.bytes }
  }
}

function decodeStored(id: number, bytes: Uint8Array): ReturnType<typeof decodeNode> {
  try {
    return decodeNode(bytes)
  } catch (cause) {
    if (!(cause instanceof InvalidTreeError)) throw cause
    throw new RepoDamagedError(`node ${id} of the stored tree is not a node`, { cause })
  }
}

/** Four bytes as a number. */
function prefixAt(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]
  return (a << 24) | (b << 16) | (c << 8) | d
}
