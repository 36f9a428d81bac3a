/**
 * From what a caller wants written to what a commit does. First, with no lock held, each write is validated and encoded
 * (`prepare`); then, inside the committer's turn, the writes are held against the tree as it is (`commitWrites`).
 */
import type { ActorStore, RecordChange } from '#actor/actor-store.ts'
import type { JsonObject } from '#lexicon/json.ts'
import { type RecordPlace, type ValidationStatus, validateRecord } from '#lexicon/records.ts'
import type { Did, Nsid, RecordKey, Tid } from '#lexicon/strings.ts'
import { legacyBlobIn } from '#repo/blob-ref.ts'
import { type Cid, cidOf, sameCid } from '#repo/cid.ts'
import { encodeJson } from '#repo/dag-cbor.ts'
import type { RepoOp } from '#repo/events.ts'
import { InvalidRequestError } from '#std/errors.ts'
import { recordWritten } from './change.ts'
import type { Batch } from './committer.ts'
import {
  BlobNotFoundError,
  InvalidSwapError,
  MissingRecordError,
  RecordExistsError,
  RepeatedPathError,
} from './errors.ts'
import type { LoadedRepo } from './loaded-repos.ts'

interface NewContent {
  record: JsonObject
  /** where the record stands in the caller's input, for what is said of its faults; `record` when not given */
  place?: RecordPlace
}

export type RecordWrite =
  | ({ action: 'create'; collection: Nsid; rkey?: RecordKey | undefined } & NewContent)
  | ({ action: 'update'; collection: Nsid; rkey: RecordKey } & NewContent)
  /** creates or updates; `swapRecord` is what must be there now, null for nothing */
  | ({
      action: 'put'
      collection: Nsid
      rkey: RecordKey
      swapRecord?: Cid | null | undefined
    } & NewContent)
  | { action: 'delete'; collection: Nsid; rkey: RecordKey }
  /** deletes the record if it is there */
  | { action: 'discard'; collection: Nsid; rkey: RecordKey; swapRecord?: Cid | undefined }

export interface WriteOptions {
  /** true: the record's schema must be known and fit. false: it is not looked at. undefined: it must fit if known. */
  validate?: boolean | undefined
  /** what the head must be */
  swapCommit?: Cid | undefined
  /** removes older likes, reposts, follows and blocks of the same target in the same commit */
  replaceDuplicates?: boolean
}

/** A record as it is after a write. */
export interface WrittenRecord {
  path: string
  cid: Cid
  validationStatus: ValidationStatus | undefined
}

export type WriteOutcome =
  | ({ action: 'create' | 'update' } & WrittenRecord)
  | { action: 'delete'; path: string }

export interface WriteResult {
  /** null when there was nothing to do */
  commit: { cid: Cid; rev: Tid } | null
  /** of each write, in the order given */
  results: WriteOutcome[]
}

interface Encoded {
  cid: Cid
  content: Uint8Array
  json: JsonObject
  validationStatus: ValidationStatus | undefined
}
export type PreparedWrite =
  | ({ action: 'create' | 'update'; path: string } & Encoded)
  | ({ action: 'put'; path: string; swapRecord: Cid | null | undefined } & Encoded)
  | { action: 'delete'; path: string }
  | { action: 'discard'; path: string; swapRecord: Cid | undefined }

/** Validates and encodes one write. @throws DomainError when the record is not acceptable */
export function prepare(
  write: RecordWrite,
  validate: boolean | undefined,
  newRkey: () => RecordKey,
): PreparedWrite {
  const { action, collection } = write
  if (action === 'delete') return { action, path: `${collection}/${write.rkey}` }
  if (action === 'discard')
    return { action, path: `${collection}/${write.rkey}`, swapRecord: write.swapRecord }
  const rkey = write.rkey ?? newRkey()
  const path = `${collection}/${rkey}`
  const { record, place } = write
  const checked = validateRecord({ collection, rkey, record, validate, ...(place && { place }) })
  const legacyBlob = legacyBlobIn(checked.record)
  if (legacyBlob !== null) throw new InvalidRequestError(`Legacy blobs are not allowed (${legacyBlob})`)
  const content = encodeJson(checked.record)
  const cid = cidOf('dag-cbor', content)
  const encoded = { cid, content, json: checked.record, validationStatus: checked.status }
  if (action === 'put') return { action, path, swapRecord: write.swapRecord, ...encoded }
  return { action, path, ...encoded }
}

/** A commit may name each path once. @throws RepeatedPathError */
export function refuseRepeatedPaths(writes: readonly PreparedWrite[]): void {
  if (writes.length < 2) return
  const seen = new Set<string>()
  for (const { path } of writes) {
    if (seen.has(path)) throw new RepeatedPathError(path)
    seen.add(path)
  }
}

/** Holds the writes against the repository as it is now and makes one commit of them. All of them happen or none. */
export function commitWrites(
  batch: Batch,
  did: Did,
  writes: readonly PreparedWrite[],
  options: WriteOptions,
): WriteResult {
  return batch.withRepo(did, (repo) => commitTo(batch, repo, writes, options))
}

function commitTo(
  batch: Batch,
  repo: LoadedRepo,
  writes: readonly PreparedWrite[],
  options: WriteOptions,
): WriteResult {
  const { did } = repo
  const results = writes.map((write) => outcomeOf(repo, write))
  const [only] = writes
  if (only && writes.length === 1 && changesNothing(repo, only)) return { commit: null, results }

  const { swapCommit } = options
  if (swapCommit && !sameCid(swapCommit, repo.root.commitCid))
    throw new InvalidSwapError('Commit', repo.root.commitCid)
  const plan = new Plan()
  for (const write of writes) {
    const replacing = options.replaceDuplicates ? planDuplicates(plan, repo, batch.store(did), write) : write
    planWrite(plan, repo, replacing)
  }
  requireBlobs(plan.records, batch.store(did))
  try {
    for (const { path, cid } of plan.ops) {
      if (cid) repo.tree.set(path, cid)
      else repo.tree.delete(path)
    }
    return { commit: batch.commit(repo, plan.ops, plan.records), results }
  } catch (error) {
    batch.forget(did)
    throw error
  }
}

function outcomeOf(repo: LoadedRepo, write: PreparedWrite): WriteOutcome {
  const { path } = write
  if (write.action === 'delete' || write.action === 'discard') return { action: 'delete', path }
  const { cid, validationStatus } = write
  const action = write.action === 'put' ? (repo.tree.get(path) ? 'update' : 'create') : write.action
  return { action, path, cid, validationStatus }
}

/** What a commit will do: operations for its event, changes for its store. */
class Plan {
  readonly ops: RepoOp[] = []
  readonly records: RecordChange[] = []

  put(action: 'create' | 'update', path: string, prev: Cid | null, { cid, content, json }: Encoded): void {
    this.ops.push(prev ? { action, path, cid, prev } : { action, path, cid })
    this.records.push(recordWritten(action, path, cid, content, json))
  }

  delete(path: string, prev: Cid): void {
    this.ops.push({ action: 'delete', path, cid: null, prev })
    this.records.push({ action: 'delete', path })
  }
}

/** Putting what is there already, or discarding what is not, makes no commit and asks for no swap. */
function changesNothing(repo: LoadedRepo, write: PreparedWrite): boolean {
  if (write.action !== 'put' && write.action !== 'discard') return false
  const current = repo.tree.get(write.path)
  return write.action === 'put' ? current !== null && sameCid(current, write.cid) : current === null
}

function planWrite(plan: Plan, repo: LoadedRepo, write: PreparedWrite): void {
  const { path } = write
  const current = repo.tree.get(path)
  const uri = `at://${repo.did}/${path}`
  if (write.action === 'put' || write.action === 'discard') requireSwap(write.swapRecord, current)
  if (write.action === 'create') {
    if (current) throw new RecordExistsError(uri)
    plan.put('create', path, null, write)
  } else if (write.action === 'put') {
    plan.put(current ? 'update' : 'create', path, current, write)
  } else if (!current) {
    throw new MissingRecordError(uri)
  } else if (write.action === 'update') {
    plan.put('update', path, current, write)
  } else {
    plan.delete(path, current)
  }
}

/** undefined asks for nothing, null for no record. */
function requireSwap(wanted: Cid | null | undefined, current: Cid | null): void {
  if (wanted === undefined) return
  const fits = wanted === null || current === null ? wanted === current : sameCid(wanted, current)
  if (!fits) throw new InvalidSwapError('Record', current)
}

/**
 * Plans the deletion of what a new record is a duplicate of.
 * @returns the write as it is then: where the duplicate has its own key, a put, as a commit names a path only once
 */
function planDuplicates(
  plan: Plan,
  repo: LoadedRepo,
  store: ActorStore,
  write: PreparedWrite,
): PreparedWrite {
  if (write.action !== 'create') return write
  const collection = write.path.slice(0, write.path.indexOf('/'))
  const change = recordWritten('create', write.path, write.cid, write.content, write.json)
  if (change.action === 'delete' || change.target === null) return write
  let replacesItself = false
  for (const rkey of store.backlinks(collection, change.target)) {
    const path = `${collection}/${rkey}`
    const current = repo.tree.get(path)
    if (path === write.path) replacesItself = true
    else if (current) plan.delete(path, current)
  }
  return replacesItself ? { ...write, action: 'put', swapRecord: undefined } : write
}

function requireBlobs(records: readonly RecordChange[], store: ActorStore): void {
  for (const record of records) {
    if (record.action === 'delete') continue
    for (const cid of record.blobs) if (!store.blob(cid)) throw new BlobNotFoundError(cid)
  }
}
