/**
 * Frames of the firehose, byte for byte as they go over the WebSocket and into the event log: two DAG-CBOR items back
 * to back, a header `{op: 1, t: "#commit"}` or `{op: -1}` and a payload. The fields below are written in the order
 * that DAG-CBOR wants: shorter names first, then by letter.
 * @see https://atproto.com/specs/event-stream and com.atproto.sync.subscribeRepos
 */
import { type Did, type Handle, isDid, isHandle, isTid, type Tid } from '#lexicon/strings.ts'
import { CborReader } from './cbor-reader.ts'
import { CborWriter } from './cbor-writer.ts'
import type { Cid } from './cid.ts'
import { InvalidCborError } from './errors.ts'

/** Why an account is not active. */
export type AccountStatus =
  | 'takendown'
  | 'suspended'
  | 'deleted'
  | 'deactivated'
  | 'desynchronized'
  | 'throttled'

const ACTIONS = ['create', 'update', 'delete'] as const
const STATUSES = ['takendown', 'suspended', 'deleted', 'deactivated', 'desynchronized', 'throttled'] as const

/** What a commit did to one path. `cid` is null after a delete; `prev` is what was there, on update and delete. */
export interface RepoOp {
  action: 'create' | 'update' | 'delete'
  path: string
  cid: Cid | null
  prev?: Cid | null | undefined
}

interface Sequenced {
  seq: number
  /** ISO 8601, of when it was sequenced */
  time: string
  did: Did
}

export interface CommitEvent extends Sequenced {
  commit: Cid
  rev: Tid
  /** rev of the commit before, null for the first */
  since: Tid | null
  /** CAR with the commit, the nodes to check it and the records written */
  blocks: Uint8Array
  ops: readonly RepoOp[]
  /** root of the commit before, absent for the first */
  prevData?: Cid | null | undefined
}

export interface SyncEvent extends Sequenced {
  rev: Tid
  /** CAR with the commit alone */
  blocks: Uint8Array
}

export interface IdentityEvent extends Sequenced {
  handle?: Handle | undefined
}

export interface AccountEvent extends Sequenced {
  active: boolean
  status?: AccountStatus | undefined
}

export interface InfoEvent {
  name: string
  message?: string | undefined
}

export interface ErrorEvent {
  error: string
  message?: string | undefined
}

export type FirehoseEvent =
  | ({ type: 'commit' } & CommitEvent)
  | ({ type: 'sync' } & SyncEvent)
  | ({ type: 'identity' } & IdentityEvent)
  | ({ type: 'account' } & AccountEvent)
  | ({ type: 'info' } & InfoEvent)
  | ({ type: 'error' } & ErrorEvent)

const writer = new CborWriter()

export function encodeCommitFrame(event: CommitEvent): Uint8Array {
  const { prevData } = event
  begin('#commit', prevData ? 12 : 11)
  writer.text('ops')
  writer.array(event.ops.length)
  for (const op of event.ops) writeOp(op)
  text('rev', event.rev)
  int('seq', event.seq)
  text('repo', event.did)
  text('time', event.time)
  writer.text('blobs')
  writer.array(0)
  writer.text('since')
  if (event.since === null) writer.null()
  else writer.text(event.since)
  bytes('blocks', event.blocks)
  writer.text('commit')
  writer.link(event.commit)
  bool('rebase', false)
  bool('tooBig', false)
  if (prevData) {
    writer.text('prevData')
    writer.link(prevData)
  }
  return writer.end()
}

function writeOp({ action, path, cid, prev }: RepoOp): void {
  writer.map(prev ? 4 : 3)
  writer.text('cid')
  writer.linkOrNull(cid)
  text('path', path)
  if (prev) {
    writer.text('prev')
    writer.link(prev)
  }
  text('action', action)
}

export function encodeSyncFrame(event: SyncEvent): Uint8Array {
  begin('#sync', 5)
  text('did', event.did)
  text('rev', event.rev)
  int('seq', event.seq)
  text('time', event.time)
  bytes('blocks', event.blocks)
  return writer.end()
}

export function encodeIdentityFrame(event: IdentityEvent): Uint8Array {
  begin('#identity', event.handle === undefined ? 3 : 4)
  text('did', event.did)
  int('seq', event.seq)
  text('time', event.time)
  if (event.handle !== undefined) text('handle', event.handle)
  return writer.end()
}

export function encodeAccountFrame(event: AccountEvent): Uint8Array {
  begin('#account', event.status === undefined ? 4 : 5)
  text('did', event.did)
  int('seq', event.seq)
  text('time', event.time)
  bool('active', event.active)
  if (event.status !== undefined) text('status', event.status)
  return writer.end()
}

export function encodeInfoFrame({ name, message }: InfoEvent): Uint8Array {
  begin('#info', message === undefined ? 1 : 2)
  text('name', name)
  if (message !== undefined) text('message', message)
  return writer.end()
}

/** The last frame before the server closes: `error` is its name in the lexicon. */
export function encodeErrorFrame({ error, message }: ErrorEvent): Uint8Array {
  writer.begin()
  writer.map(1)
  int('op', -1)
  writer.map(message === undefined ? 1 : 2)
  text('error', error)
  if (message !== undefined) text('message', message)
  return writer.end()
}

function begin(type: string, fields: number): void {
  writer.begin()
  writer.map(2)
  text('t', type)
  int('op', 1)
  writer.map(fields)
}

function text(name: string, value: string): void {
  writer.text(name)
  writer.text(value)
}

function int(name: string, value: number): void {
  writer.text(name)
  writer.int(value)
}

function bool(name: string, value: boolean): void {
  writer.text(name)
  writer.bool(value)
}

function bytes(name: string, value: Uint8Array): void {
  writer.text(name)
  writer.byteString(value)
}

/** Reads a frame of ours, or of another host that keeps to the same lexicon. @throws InvalidCborError */
export function decodeFrame(frame: Uint8Array): FirehoseEvent {
  const reader = new CborReader(frame)
  const header = new Fields(reader)
  const fields = new Fields(reader)
  reader.end()
  if (header.int('op') === -1)
    return { type: 'error', error: fields.text('error'), message: fields.optionalText('message') }
  const type = header.text('t')
  switch (type) {
    case '#commit':
      return { type: 'commit', ...commitOf(fields) }
    case '#sync':
      return { type: 'sync', ...sequenced(fields), rev: fields.tid('rev'), blocks: fields.bytes('blocks') }
    case '#identity':
      return { type: 'identity', ...sequenced(fields), handle: fields.handle('handle') }
    case '#account':
      return {
        type: 'account',
        ...sequenced(fields),
        active: fields.bool('active'),
        status: fields.status('status'),
      }
    case '#info':
      return { type: 'info', name: fields.text('name'), message: fields.optionalText('message') }
    default:
      throw new InvalidCborError(`unknown event type ${type.slice(0, 50)}`)
  }
}

function commitOf(fields: Fields): CommitEvent {
  return {
    ...sequenced(fields, 'repo'),
    commit: fields.link('commit'),
    rev: fields.tid('rev'),
    since: fields.has('since') ? fields.tid('since') : null,
    blocks: fields.bytes('blocks'),
    ops: fields.ops('ops'),
    prevData: fields.has('prevData') ? fields.link('prevData') : undefined,
  }
}

function opOf(fields: Fields): RepoOp {
  return {
    action: fields.action('action'),
    path: fields.text('path'),
    cid: fields.has('cid') ? fields.link('cid') : null,
    prev: fields.has('prev') ? fields.link('prev') : null,
  }
}

function sequenced(fields: Fields, didField = 'did'): Sequenced {
  return { seq: fields.int('seq'), time: fields.text('time'), did: fields.did(didField) }
}

/** The fields of one map, found once, and read when they are asked for by what they have to be. */
class Fields {
  private readonly places = new Map<string, number>()

  /** Passes over the map that comes next in `reader`. */
  constructor(private readonly reader: CborReader) {
    for (let left = reader.map(); left > 0; left--) {
      const name = reader.text()
      this.places.set(name, reader.at)
      reader.skip()
    }
  }

  /** Whether the field is there and is not null. */
  has(name: string): boolean {
    const place = this.places.get(name)
    return place !== undefined && !this.from(place).null()
  }

  int(name: string): number {
    return this.value(name).int()
  }

  bool(name: string): boolean {
    return this.value(name).bool()
  }

  text(name: string): string {
    return this.value(name).text()
  }

  optionalText(name: string): string | undefined {
    return this.has(name) ? this.text(name) : undefined
  }

  bytes(name: string): Uint8Array {
    return this.value(name).byteString()
  }

  link(name: string): Cid {
    return this.value(name).link()
  }

  did(name: string): Did {
    const did = this.text(name)
    if (!isDid(did)) throw this.wrong(name)
    return did
  }

  tid(name: string): Tid {
    const tid = this.text(name)
    if (!isTid(tid)) throw this.wrong(name)
    return tid
  }

  handle(name: string): Handle | undefined {
    const handle = this.optionalText(name)
    if (handle !== undefined && !isHandle(handle)) throw this.wrong(name)
    return handle
  }

  status(name: string): AccountStatus | undefined {
    const found = this.optionalText(name)
    const status = STATUSES.find((known) => known === found)
    if (found !== undefined && !status) throw this.wrong(name)
    return status
  }

  action(name: string): RepoOp['action'] {
    const found = this.text(name)
    const action = ACTIONS.find((known) => known === found)
    if (!action) throw this.wrong(name)
    return action
  }

  ops(name: string): RepoOp[] {
    const reader = this.value(name)
    const ops: RepoOp[] = []
    for (let left = reader.array(); left > 0; left--) {
      const fields = new Fields(reader)
      const end = reader.at
      ops.push(opOf(fields))
      reader.at = end
    }
    return ops
  }

  wrong(name: string): InvalidCborError {
    return new InvalidCborError(`the event's field ${name} is missing or not what it should be`)
  }

  private value(name: string): CborReader {
    const place = this.places.get(name)
    if (place === undefined) throw this.wrong(name)
    return this.from(place)
  }

  private from(place: number): CborReader {
    this.reader.at = place
    return this.reader
  }
}
