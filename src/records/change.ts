/**
 * What a commit does to an actor store, and the one function that does it: used by the committer when the event has
 * just become durable, and by recovery with the event read back from the log. It depends on the event alone.
 */
import type { ActorStore, RecordChange, RepoRoot } from '#actor/actor-store.ts'
import { targetOf } from '#actor/backlinks.ts'
import type { Did, Tid } from '#lexicon/strings.ts'
import { blobRefsOf } from '#repo/blob-ref.ts'
import { readCar } from '#repo/car.ts'
import { type Cid, formatCid, sameCid } from '#repo/cid.ts'
import { decodeCommit } from '#repo/commit.ts'
import { decodeToJson } from '#repo/dag-cbor.ts'
import { RepoDamagedError } from '#repo/errors.ts'
import { decodeFrame, type SyncEvent } from '#repo/events.ts'

export interface CommitChange {
  root: RepoRoot
  /** rev of the commit before, or null for the first */
  since: Tid | null
  /** a commit of the tree as it was, which was announced by a `#sync`; it has no `since` */
  isRenewal?: true
  records: readonly RecordChange[]
}

/** Belongs in a transaction of the store. */
export function applyChange(store: ActorStore, { root, records }: CommitChange): void {
  for (const record of records) store.change(record, root.rev)
  store.setRoot(
    root,
    records.map(({ path }) => path),
  )
}

/** Whether a change is the next after the head `before`. */
export function follows({ root, since, isRenewal }: CommitChange, before: RepoRoot | null): boolean {
  if (isRenewal) return before !== null && sameCid(root.dataCid, before.dataCid)
  return since === (before?.rev ?? null)
}

/** The change of a record that is written, with what is derived from its content. */
export function recordWritten(
  action: 'create' | 'update',
  path: string,
  cid: Cid,
  content: Uint8Array,
  json: unknown,
): RecordChange {
  const target = targetOf(path.slice(0, path.indexOf('/')), json)
  return { action, path, cid, content, target, blobs: blobRefsOf(json).map((blob) => blob.cid) }
}

/**
 * Reads the change of a `#commit` or `#sync` event.
 * @throws RepoDamagedError when the frame is not one that this server wrote
 */
export function changeOfFrame(did: Did, seq: number, frame: Uint8Array): CommitChange {
  try {
    return readChange(did, seq, frame)
  } catch (cause) {
    throw new RepoDamagedError(`event ${seq} of the log cannot be read`, { cause })
  }
}

function readChange(did: Did, seq: number, frame: Uint8Array): CommitChange {
  const event = decodeFrame(frame)
  if (event.type === 'sync') return readRenewal(did, seq, event)
  if (event.type !== 'commit') throw new Error(`event ${seq} is no commit`)
  const blocks = new Map(readCar(event.blocks).blocks.map(({ cid, bytes }) => [formatCid(cid), bytes]))
  const block = (cid: Cid): Uint8Array => {
    const bytes = blocks.get(formatCid(cid))
    if (!bytes) throw new Error(`event ${seq} lacks block ${formatCid(cid)}`)
    return bytes
  }
  const commitBlock = block(event.commit)
  const { rev, data } = decodeCommit(commitBlock)
  const records = event.ops.map(({ action, path, cid }): RecordChange => {
    if (action === 'delete' || !cid) return { action: 'delete', path }
    const content = block(cid)
    return recordWritten(action, path, cid, content, decodeToJson(content))
  })
  return {
    root: { did, commitCid: event.commit, commitBlock, dataCid: data, rev, seq },
    since: event.since,
    records,
  }
}

function readRenewal(did: Did, seq: number, event: SyncEvent): CommitChange {
  const [block] = readCar(event.blocks).blocks
  if (!block) throw new Error(`event ${seq} has no commit`)
  const { rev, data } = decodeCommit(block.bytes)
  const root = { did, commitCid: block.cid, commitBlock: block.bytes, dataCid: data, rev, seq }
  return { root, since: null, isRenewal: true, records: [] }
}
