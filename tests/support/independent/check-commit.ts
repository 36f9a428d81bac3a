/**
 * What a relay checks of a `#commit` or `#sync` by itself, from the protocol text: nothing here comes from `src/`.
 * Signatures and the chain of commits are checked by who knows the account (firehose-consumer.ts).
 */
import { type Car, CarError, readCar } from './car.ts'
import { CborError, decode } from './cbor.ts'
import { type Commit, CommitError, readCommit } from './commit.ts'
import type { CommitFrame, FrameOp, SyncFrame } from './frame.ts'
import { MissingNodeError, Tree, TreeError } from './mst.ts'
import { timeOfTid } from './syntax.ts'

export type CommitFaultKind = 'blocks' | 'commit' | 'record' | 'operations' | 'inversion' | 'rev'

/** Tells of a fault that does not stop the rest from being checked. */
export type Report = (kind: CommitFaultKind, detail: string) => void

const MAX_AHEAD_MS = 5 * 60_000

/** Checks a `#commit`. @returns its commit, or null when there is none to be read */
export function checkCommit(event: CommitFrame, report: Report): Commit | null {
  const found = openCommit(event.blocks, event.did, event.rev, report)
  if (!found) return null
  const { car, commit } = found
  if (car.roots[0] !== event.commit) report('blocks', 'the root of the blocks is not the commit of the event')
  checkRecords(event, car, report)
  checkInversion(event, car, commit, report)
  return commit
}

/** Checks a `#sync`. @returns its commit and that one's CID, or null when there is none to be read */
export function checkSync(event: SyncFrame, report: Report): { commit: Commit; cid: string } | null {
  const found = openCommit(event.blocks, event.did, event.rev, report)
  if (!found) return null
  if (found.car.order.length !== 1) report('blocks', 'a #sync has more than the commit')
  return { commit: found.commit, cid: found.cid }
}

function openCommit(
  blocks: Uint8Array,
  did: string,
  rev: string,
  report: Report,
): { car: Car; commit: Commit; cid: string } | null {
  try {
    const car = readCar(blocks)
    const [cid] = car.roots
    const block = cid === undefined ? undefined : car.blocks.get(cid)
    if (cid === undefined || !block || car.roots.length !== 1) {
      report('blocks', 'the one root is not among the blocks')
      return null
    }
    const commit = readCommit(block)
    if (commit.did !== did) report('commit', `the commit is that of ${commit.did}`)
    if (commit.rev !== rev) report('commit', `the commit has rev ${commit.rev}, the event ${rev}`)
    if (timeOfTid(rev) > Date.now() + MAX_AHEAD_MS) report('rev', `${rev} lies in the future`)
    return { car, commit, cid }
  } catch (error) {
    if (error instanceof CarError) report('blocks', error.message)
    else if (error instanceof CommitError) report('commit', error.message)
    else throw error
    return null
  }
}

function checkRecords({ ops }: CommitFrame, { blocks }: Car, report: Report): void {
  for (const { path, cid } of ops) {
    if (cid === null) continue
    const block = blocks.get(cid)
    if (!block) {
      report('record', `the record ${path} is not among the blocks`)
      continue
    }
    try {
      if (!(decode(block) instanceof Map)) report('record', `the record ${path} is not a map`)
    } catch (error) {
      if (!(error instanceof CborError)) throw error
      report('record', `the record ${path}: ${error.message}`)
    }
  }
}

/** Takes the operations back, on the part of the tree that came with them: that must give the tree before. */
function checkInversion(event: CommitFrame, car: Car, commit: Commit, report: Report): void {
  try {
    if (event.ops.length === 0) {
      if (event.prevData !== null && event.prevData !== commit.data)
        report('inversion', 'nothing changed but the tree')
      if (event.prevData === null) Tree.open(car.blocks, commit.data)
      requireNothingElse(event, car, commit, report)
      return
    }
    let tree = Tree.open(car.blocks, commit.data)
    requireNothingElse(event, car, commit, report)
    for (const op of normalized(event.ops)) tree = invert(tree, op, report)
    const before = event.prevData ?? Tree.empty().cid()
    if (tree.cid() !== before)
      report('inversion', `taking the operations back gives ${tree.cid()}, before it was ${before}`)
  } catch (error) {
    if (!(error instanceof MissingNodeError || error instanceof TreeError)) throw error
    report('inversion', error.message)
  }
}

/** Deletions first, then by path. */
function normalized(ops: readonly FrameOp[]): FrameOp[] {
  const order = (op: FrameOp) => `${op.action === 'delete' ? 0 : 1}${op.path}`
  return ops.toSorted((a, b) => (order(a) < order(b) ? -1 : 1))
}

function invert(tree: Tree, { action, path, cid, prev }: FrameOp, report: Report): Tree {
  const found = tree.get(path)
  if (found !== cid) report('operations', `${action} of ${path} to ${cid}, but the tree has ${found}`)
  return prev === null ? tree.delete(path) : tree.set(path, prev)
}

/** Every block is the commit, a node of its tree, or a record that was written. */
function requireNothingElse(
  { ops }: CommitFrame,
  { roots, order, blocks }: Car,
  { data }: Commit,
  report: Report,
): void {
  const wanted = new Set<string | null>([...roots, ...ops.map(({ cid }) => cid)])
  if (blocks.has(data)) {
    for (const item of Tree.open(blocks, data).walk({ partial: true }))
      if ('node' in item) wanted.add(item.node)
  }
  for (const cid of order) if (!wanted.has(cid)) report('blocks', `block ${cid} belongs to nothing`)
}
