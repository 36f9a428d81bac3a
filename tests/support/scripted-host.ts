/**
 * A host that announces what it is told to, for tests of those who listen: repositories made by `@atproto/repo`, their
 * events as fields that a test may falsify, a firehose that sends them, and a directory that has the DID documents.
 */
import { Secp256k1Keypair } from '@atproto/crypto'
import { type BlockMap, blocksToCarFile, MemoryBlockstore, type RecordWriteOp, Repo } from '@atproto/repo'
import { type CborValue, encode, Link } from './independent/cbor.ts'

export type Fields = Map<string, CborValue>

export interface ScriptedEvent {
  type: '#commit' | '#sync' | '#identity' | '#account'
  fields: Fields
}

export type Write = ['create' | 'update', path: string, text: string] | ['delete', path: string]

/** One account whose commits are those of the official implementation. */
export class ScriptedRepo {
  private constructor(
    readonly did: string,
    readonly key: Secp256k1Keypair,
    private readonly storage: MemoryBlockstore,
    private repo: Repo,
  ) {}

  static async create(did: string): Promise<{ repo: ScriptedRepo; first: ScriptedEvent }> {
    const key = await Secp256k1Keypair.create()
    const storage = new MemoryBlockstore()
    const commit = await Repo.formatInitCommit(storage, did, key)
    const repo = new ScriptedRepo(did, key, storage, await Repo.createFromCommit(storage, commit))
    const first = await repo.event(commit.cid.toString(), commit.relevantBlocks, { since: null, ops: [] })
    return { repo, first }
  }

  /** Makes one commit. @returns its event */
  async commit(writes: readonly Write[]): Promise<ScriptedEvent> {
    const before = this.repo
    const ops: Fields[] = []
    for (const [action, path] of writes) {
      const prev = await before.data.get(path)
      const op: Fields = new Map<string, CborValue>(Object.entries({ action, path, cid: null }))
      if (prev) op.set('prev', new Link(prev.toString()))
      ops.push(op)
    }
    const commit = await before.formatCommit(writes.map(operation), this.key)
    this.repo = await before.applyCommit(commit)
    for (const op of ops) {
      const cid = await this.repo.data.get(String(op.get('path')))
      if (cid) op.set('cid', new Link(cid.toString()))
    }
    const event = await this.event(commit.cid.toString(), commit.relevantBlocks, {
      since: before.commit.rev,
      ops,
    })
    event.fields.set('prevData', new Link(before.commit.data.toString()))
    return event
  }

  /** The whole repository as a CAR. */
  async export(): Promise<Uint8Array> {
    return await blocksToCarFile(this.repo.cid, this.storage.blocks)
  }

  private async event(
    commit: string,
    blocks: BlockMap,
    { since, ops }: { since: string | null; ops: CborValue[] },
  ): Promise<ScriptedEvent> {
    const fields: Fields = new Map<string, CborValue>([
      ['rebase', false],
      ['tooBig', false],
      ['repo', this.did],
      ['commit', new Link(commit)],
      ['rev', this.repo.commit.rev],
      ['since', since],
      ['blocks', await blocksToCarFile(this.repo.cid, blocks)],
      ['ops', ops],
      ['blobs', []],
    ])
    return { type: '#commit', fields }
  }
}

function operation([action, path, text]: Write): RecordWriteOp {
  const [collection = '', rkey = ''] = path.split('/')
  if (action === 'delete') return { action, collection, rkey } as RecordWriteOp
  return { action, collection, rkey, record: { $type: collection, text } } as RecordWriteOp
}

/** The events as frames, numbered from 1, each with the time of now. */
export function framesOf(events: readonly ScriptedEvent[]): Uint8Array[] {
  return events.map(({ type, fields }, i) => {
    const header = encode(
      new Map<string, CborValue>([
        ['op', 1],
        ['t', type],
      ]),
    )
    const payload = new Map(fields)
    if (!payload.has('seq')) payload.set('seq', i + 1)
    if (!payload.has('time')) payload.set('time', new Date().toISOString())
    return Buffer.concat([header, encode(payload)])
  })
}

/** Sends the same frames to everyone who connects, and answers for the DIDs of `keys` as a PLC directory does. */
export class ScriptedHost implements AsyncDisposable {
  private readonly server: Bun.Server<undefined>

  constructor(frames: readonly Uint8Array[], keys: Readonly<Record<string, string>>) {
    this.server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch(request, server) {
        const did = decodeURIComponent(new URL(request.url).pathname.slice(1))
        const key = keys[did]
        if (key) return Response.json(documentOf(did, key))
        return server.upgrade(request) ? undefined : new Response(null, { status: 404 })
      },
      websocket: {
        open(socket) {
          for (const frame of frames) socket.sendBinary(frame)
        },
        message() {},
      },
    })
  }

  get url(): string {
    return this.server.url.origin
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop(true)
  }
}

function documentOf(did: string, didKey: string): object {
  return {
    id: did,
    verificationMethod: [
      {
        id: `${did}#atproto`,
        type: 'Multikey',
        controller: did,
        publicKeyMultibase: didKey.replace('did:key:', ''),
      },
    ],
  }
}
