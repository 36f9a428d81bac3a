/** Checks the export of a repository, from the protocol text: nothing here comes from `src/`. */
import { readCar } from './independent/car.ts'
import { type CborMap, decode } from './independent/cbor.ts'
import { cidOf } from './independent/cid.ts'
import { isSignedBy, readCommit } from './independent/commit.ts'
import { Tree } from './independent/mst.ts'
import { isRecordPath } from './independent/syntax.ts'

/** A repository is not what its commit says. */
export class ExportError extends Error {
  override readonly name = 'ExportError'
}

export interface VerifiedExport {
  commitCid: string
  rev: string
  dataCid: string
  /** CIDs by path */
  records: Map<string, string>
  /** records by path */
  values: Map<string, CborMap>
  nodes: number
}

/**
 * Reads a whole repository and checks all of it: one root, the commit's form, owner and signature, the canonical form
 * and the height of every node, every record's hash, that nothing is lacking or superfluous, that every block is there
 * once, and in the order in which it can be read as a stream (unless `anyOrder`).
 * @throws ExportError, and the errors of independent/: CarError, CommitError, TreeError, MissingNodeError, CborError
 */
export async function verifyExport(
  car: Uint8Array,
  expected: { did: string; didKey: string; anyOrder?: boolean },
): Promise<VerifiedExport> {
  const { roots, blocks, order } = readCar(car)
  const [commitCid] = roots
  if (!commitCid || roots.length !== 1) throw new ExportError(`${roots.length} roots`)
  const commitBlock = blocks.get(commitCid)
  if (!commitBlock) throw new ExportError('the commit is not among the blocks')
  const commit = readCommit(commitBlock)
  if (commit.did !== expected.did) throw new ExportError(`the commit is that of ${commit.did}`)
  if (!(await isSignedBy(commit, expected.didKey)))
    throw new ExportError('the signature is not that of the key')

  const records = new Map<string, string>()
  const values = new Map<string, CborMap>()
  const wanted = [commitCid]
  let nodes = 0
  for (const item of Tree.open(blocks, commit.data).walk()) {
    if ('node' in item) {
      nodes++
      wanted.push(item.node)
      continue
    }
    const { key: path, value: cid } = item
    if (!isRecordPath(path)) throw new ExportError(`${path} is not the path of a record`)
    records.set(path, cid)
    values.set(path, readRecord(path, cid, blocks.get(cid)))
    wanted.push(cid)
  }
  requireTreeOfRecords(records, commit.data)
  requireBlocks(order, wanted, expected.anyOrder === true)
  return { commitCid, rev: commit.rev, dataCid: commit.data, records, values, nodes }
}

function readRecord(path: string, cid: string, block: Uint8Array | undefined): CborMap {
  if (!block) throw new ExportError(`the record ${path} (${cid}) is not among the blocks`)
  const record = decode(block)
  if (!(record instanceof Map)) throw new ExportError(`the record ${path} is not a map`)
  if (record.get('$type') !== path.split('/')[0])
    throw new ExportError(`the record ${path} is of another type`)
  return record
}

/** A tree made of the records, one after the other, has the same root: there is only one of a given content. */
function requireTreeOfRecords(records: ReadonlyMap<string, string>, dataCid: string): void {
  let tree = Tree.empty()
  for (const [path, cid] of records) tree = tree.set(path, cid)
  if (tree.cid() !== dataCid) throw new ExportError('the records make another tree')
}

/** What several paths share may be there once, or, so that a reader need not remember it, at each of them. */
function requireBlocks(order: readonly string[], wanted: readonly string[], anyOrder: boolean): void {
  const needed = new Set(wanted)
  const superfluous = order.find((cid) => !needed.has(cid))
  if (superfluous) throw new ExportError(`block ${superfluous} belongs to nothing`)
  if (anyOrder) return
  const right = order.length === wanted.length ? wanted : [...needed]
  const wrong = order.findIndex((cid, i) => right[i] !== cid)
  if (wrong >= 0)
    throw new ExportError(`block ${wrong} is ${order[wrong]}, in the order of the tree it is ${right[wrong]}`)
}

/** CID of the tree of a repository without records. */
export const EMPTY_TREE_CID = cidOf('dag-cbor', Buffer.from('a2616580616cf6', 'hex'))
