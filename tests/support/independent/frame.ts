/**
 * Frames of `com.atproto.sync.subscribeRepos`, from the protocol text: nothing here comes from `src/`. A frame that is
 * not exactly of its form is an error, with the name of the field.
 */
import { CborError, type CborMap, type CborValue, decodeFirst, Link } from './cbor.ts'
import { isDid, isHandle, isRecordPath, isTid, isTime } from './syntax.ts'

export class FrameError extends Error {
  override readonly name = 'FrameError'
}

export interface FrameOp {
  action: 'create' | 'update' | 'delete'
  path: string
  cid: string | null
  /** CID before; not on creations */
  prev: string | null
}

interface Sequenced {
  seq: number
  did: string
  time: string
}

export interface CommitFrame extends Sequenced {
  type: 'commit'
  commit: string
  rev: string
  since: string | null
  /** null when the event has none */
  prevData: string | null
  /** a CAR */
  blocks: Uint8Array
  ops: FrameOp[]
}

export interface SyncFrame extends Sequenced {
  type: 'sync'
  rev: string
  /** a CAR */
  blocks: Uint8Array
}

export interface IdentityFrame extends Sequenced {
  type: 'identity'
  handle: string | null
}

export interface AccountFrame extends Sequenced {
  type: 'account'
  active: boolean
  status: string | null
}

export interface InfoFrame {
  type: 'info'
  name: string
}

export interface ErrorFrame {
  type: 'error'
  error: string
  message: string | null
}

export type Frame = CommitFrame | SyncFrame | IdentityFrame | AccountFrame | InfoFrame | ErrorFrame

const MAX_FRAME_BYTES = 5_000_000
const MAX_COMMIT_BLOCKS = 2_000_000
const MAX_SYNC_BLOCKS = 10_000
const MAX_OPS = 200
const STATUSES = ['takendown', 'suspended', 'deleted', 'deactivated', 'desynchronized', 'throttled']

/** @throws FrameError */
export function readFrame(bytes: Uint8Array): Frame {
  if (bytes.length > MAX_FRAME_BYTES) throw new FrameError(`${bytes.length} bytes in a frame`)
  const { header, payload } = readItems(bytes)
  const op = header.get('op')
  if (op === -1) {
    requireKeys(header, ['op'], [])
    return errorFrame(payload)
  }
  requireKeys(header, ['t', 'op'], [])
  if (op !== 1) throw new FrameError(`op is ${String(op)}`)
  const type = header.get('t')
  if (type === '#info') return infoFrame(payload)
  if (type === '#commit') return commitFrame(payload)
  if (type === '#sync') return syncFrame(payload)
  if (type === '#identity') return identityFrame(payload)
  if (type === '#account') return accountFrame(payload)
  throw new FrameError(`t is ${String(type)}`)
}

function readItems(bytes: Uint8Array): { header: CborMap; payload: CborMap } {
  let header: CborValue
  let payload: CborValue
  try {
    const first = decodeFirst(bytes)
    const second = decodeFirst(bytes.subarray(first.end))
    if (first.end + second.end !== bytes.length) throw new FrameError('more than two items')
    header = first.value
    payload = second.value
  } catch (error) {
    if (error instanceof CborError) throw new FrameError(error.message)
    throw error
  }
  if (!(header instanceof Map) || !(payload instanceof Map))
    throw new FrameError('header or payload is not a map')
  return { header, payload }
}

function errorFrame(map: CborMap): ErrorFrame {
  requireKeys(map, ['error'], ['message'])
  return {
    type: 'error',
    error: field(map, 'error', isText),
    message: map.has('message') ? field(map, 'message', isText) : null,
  }
}

function infoFrame(map: CborMap): InfoFrame {
  requireKeys(map, ['name'], ['message'])
  if (map.has('message')) field(map, 'message', isText)
  return { type: 'info', name: field(map, 'name', isText) }
}

function commitFrame(map: CborMap): CommitFrame {
  requireKeys(
    map,
    ['seq', 'rebase', 'tooBig', 'repo', 'commit', 'rev', 'since', 'blocks', 'ops', 'blobs', 'time'],
    ['prevData'],
  )
  for (const name of ['rebase', 'tooBig'])
    if (map.get(name) !== false) throw new FrameError(`${name} is not false`)
  const blobs = map.get('blobs')
  if (!Array.isArray(blobs) || blobs.length > 0) throw new FrameError('blobs is not an empty list')
  const since = map.get('since')
  const blocks = field(map, 'blocks', isBytes)
  if (blocks.length === 0 || blocks.length > MAX_COMMIT_BLOCKS)
    throw new FrameError(`${blocks.length} bytes of blocks`)
  const ops = map.get('ops')
  if (!Array.isArray(ops) || ops.length > MAX_OPS) throw new FrameError('ops is no list, or too long')
  const read = ops.map(readOp)
  if (new Set(read.map(({ path }) => path)).size < read.length) throw new FrameError('two ops on one path')
  return {
    type: 'commit',
    ...sequenced(map, 'repo'),
    commit: field(map, 'commit', isLink).cid,
    rev: field(map, 'rev', isTid),
    since: since === null ? null : field(map, 'since', isTid),
    prevData: map.has('prevData') ? field(map, 'prevData', isLink).cid : null,
    blocks,
    ops: read,
  }
}

function readOp(op: CborValue): FrameOp {
  if (!(op instanceof Map)) throw new FrameError('an op is not a map')
  const action = op.get('action')
  const path = field(op, 'path', isRecordPath)
  if (action === 'create') {
    requireKeys(op, ['cid', 'path', 'action'], [])
    return { action, path, cid: field(op, 'cid', isLink).cid, prev: null }
  }
  requireKeys(op, ['cid', 'path', 'prev', 'action'], [])
  const prev = field(op, 'prev', isLink).cid
  if (action === 'update') return { action, path, cid: field(op, 'cid', isLink).cid, prev }
  if (action !== 'delete') throw new FrameError(`action ${String(action)}`)
  if (op.get('cid') !== null) throw new FrameError('a deletion has a cid')
  return { action, path, cid: null, prev }
}

function syncFrame(map: CborMap): SyncFrame {
  requireKeys(map, ['seq', 'did', 'blocks', 'rev', 'time'], [])
  const blocks = field(map, 'blocks', isBytes)
  if (blocks.length > MAX_SYNC_BLOCKS) throw new FrameError(`${blocks.length} bytes of blocks`)
  return { type: 'sync', ...sequenced(map, 'did'), rev: field(map, 'rev', isTid), blocks }
}

function identityFrame(map: CborMap): IdentityFrame {
  requireKeys(map, ['seq', 'did', 'time'], ['handle'])
  return {
    type: 'identity',
    ...sequenced(map, 'did'),
    handle: map.has('handle') ? field(map, 'handle', isHandle) : null,
  }
}

function accountFrame(map: CborMap): AccountFrame {
  requireKeys(map, ['seq', 'did', 'time', 'active'], ['status'])
  const active = map.get('active')
  const status = map.get('status')
  if (typeof active !== 'boolean') throw new FrameError('active is not true or false')
  if (active === (status !== undefined)) throw new FrameError(`active is ${active}, status ${String(status)}`)
  if (status !== undefined && !(isText(status) && STATUSES.includes(status)))
    throw new FrameError('status is unknown')
  return { type: 'account', ...sequenced(map, 'did'), active, status: status ?? null }
}

function sequenced(map: CborMap, didKey: 'did' | 'repo'): Sequenced {
  const seq = map.get('seq')
  if (typeof seq !== 'number' || seq < 1) throw new FrameError('seq is not a positive integer')
  return { seq, did: field(map, didKey, isDid), time: field(map, 'time', isTime) }
}

function requireKeys(map: CborMap, required: readonly string[], optional: readonly string[]): void {
  for (const key of required) if (!map.has(key)) throw new FrameError(`lacks ${key}`)
  for (const key of map.keys()) {
    if (!required.includes(key) && !optional.includes(key)) throw new FrameError(`has the key ${key}`)
  }
}

function field<T>(map: CborMap, key: string, is: (value: unknown) => value is T): T {
  const value: unknown = map.get(key)
  if (!is(value)) throw new FrameError(`${key} is not what it should be`)
  return value
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array
}

function isLink(value: unknown): value is Link {
  return value instanceof Link
}
