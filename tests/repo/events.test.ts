import { expect, test } from 'bun:test'
import { BlockMap } from '@atproto/repo'
import type { CID } from 'multiformats/cid'
import { generateK256 } from '#keys/k256.ts'
import { type Did, type Handle, isDid, isHandle, isTid, type Tid } from '#lexicon/strings.ts'
import { writeCar } from '#repo/car.ts'
import { cidOf } from '#repo/cid.ts'
import { signCommit } from '#repo/commit.ts'
import { encodeJson } from '#repo/dag-cbor.ts'
import { InvalidCborError } from '#repo/errors.ts'
import {
  type CommitEvent,
  decodeFrame,
  encodeAccountFrame,
  encodeCommitFrame,
  encodeErrorFrame,
  encodeIdentityFrame,
  encodeInfoFrame,
  encodeSyncFrame,
  type FirehoseEvent,
  type RepoOp,
} from '#repo/events.ts'
import { Mst } from '#repo/mst.ts'
import { checkCommit, checkSync } from '#tests/support/independent/check-commit.ts'
import { readFrame } from '#tests/support/independent/frame.ts'
import { cidNumber, foreign, pathsOfAllHeights } from '#tests/support/trees.ts'

const DID = checked('did:plc:aaaaaaaaaaaaaaaaaaaaaaaa', isDid)
const REV: Tid = checked('3ke6kg3wk2225', isTid)
const HANDLE: Handle = checked('alice.test', isHandle)
const base = { seq: 1_763_692_984_567, time: '2026-11-21T02:03:04.567Z', did: DID as Did }

function checked<T extends string>(text: string, is: (text: string) => text is T): T {
  if (!is(text)) throw new TypeError(text)
  return text
}

const commitEvent: CommitEvent = {
  ...base,
  commit: cidNumber(1),
  rev: REV,
  since: REV,
  blocks: Uint8Array.of(1, 2, 3),
  prevData: cidNumber(2),
  ops: [
    { action: 'create', path: 'a.b.c/x', cid: cidNumber(3) },
    { action: 'update', path: 'a.b.c/y', cid: cidNumber(4), prev: cidNumber(5) },
    { action: 'delete', path: 'a.b.c/z', cid: null, prev: cidNumber(6) },
  ],
}

/** Header and payload as the official library encodes them. */
async function official(header: object, payload: object): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for (const item of [header, payload]) {
    const blocks = new BlockMap()
    const cid = await blocks.add(item as never)
    parts.push(blocks.get(cid)!)
  }
  return Buffer.concat(parts)
}

const link = (number: number): CID => foreign(cidNumber(number))

test('frames have the bytes of the official library', async () => {
  const { did, ...sequenced } = base
  const commit = {
    ...sequenced,
    rebase: false,
    tooBig: false,
    repo: did,
    commit: link(1),
    rev: REV,
    since: REV,
    blocks: Uint8Array.of(1, 2, 3),
    blobs: [],
    prevData: link(2),
    ops: [
      { action: 'create', path: 'a.b.c/x', cid: link(3) },
      { action: 'update', path: 'a.b.c/y', cid: link(4), prev: link(5) },
      { action: 'delete', path: 'a.b.c/z', cid: null, prev: link(6) },
    ],
  }
  const { prevData: _, ...first } = { ...commit, since: null, ops: [] }
  const pairs: [Uint8Array, Buffer][] = [
    [encodeCommitFrame(commitEvent), await official({ op: 1, t: '#commit' }, commit)],
    [
      encodeCommitFrame({ ...commitEvent, since: null, ops: [], prevData: undefined }),
      await official({ op: 1, t: '#commit' }, first),
    ],
    [
      encodeSyncFrame({ ...base, rev: REV, blocks: Uint8Array.of(7) }),
      await official({ op: 1, t: '#sync' }, { ...base, rev: REV, blocks: Uint8Array.of(7) }),
    ],
    [
      encodeIdentityFrame({ ...base, handle: HANDLE }),
      await official({ op: 1, t: '#identity' }, { ...base, handle: HANDLE }),
    ],
    [encodeIdentityFrame(base), await official({ op: 1, t: '#identity' }, base)],
    [
      encodeAccountFrame({ ...base, active: true }),
      await official({ op: 1, t: '#account' }, { ...base, active: true }),
    ],
    [
      encodeAccountFrame({ ...base, active: false, status: 'takendown' }),
      await official({ op: 1, t: '#account' }, { ...base, active: false, status: 'takendown' }),
    ],
    [
      encodeInfoFrame({ name: 'OutdatedCursor', message: 'old' }),
      await official({ op: 1, t: '#info' }, { name: 'OutdatedCursor', message: 'old' }),
    ],
    [
      encodeErrorFrame({ error: 'FutureCursor', message: 'ahead' }),
      await official({ op: -1 }, { error: 'FutureCursor', message: 'ahead' }),
    ],
  ]
  for (const [ours, theirs] of pairs) expect(Buffer.from(ours).toString('hex')).toBe(theirs.toString('hex'))
})

test('frames are read back as what was written', () => {
  const create = { action: 'create', path: 'a.b.c/x', cid: cidNumber(3), prev: null } satisfies RepoOp
  const events: [Uint8Array, FirehoseEvent][] = [
    [
      encodeCommitFrame(commitEvent),
      { type: 'commit', ...commitEvent, ops: [create, ...commitEvent.ops.slice(1)] },
    ],
    [
      encodeCommitFrame({ ...commitEvent, since: null, ops: [], prevData: null }),
      { type: 'commit', ...commitEvent, since: null, ops: [], prevData: undefined },
    ],
    [
      encodeSyncFrame({ ...base, rev: REV, blocks: Uint8Array.of(7) }),
      { type: 'sync', ...base, rev: REV, blocks: Uint8Array.of(7) },
    ],
    [encodeIdentityFrame({ ...base, handle: HANDLE }), { type: 'identity', ...base, handle: HANDLE }],
    [encodeIdentityFrame(base), { type: 'identity', ...base, handle: undefined }],
    [
      encodeAccountFrame({ ...base, active: false, status: 'deactivated' }),
      { type: 'account', ...base, active: false, status: 'deactivated' },
    ],
    [
      encodeInfoFrame({ name: 'OutdatedCursor' }),
      { type: 'info', name: 'OutdatedCursor', message: undefined },
    ],
    [encodeErrorFrame({ error: 'X', message: 'y' }), { type: 'error', error: 'X', message: 'y' }],
  ]
  for (const [frame, event] of events) expect(decodeFrame(frame)).toEqual(event)
})

test('a #commit of thousands of records is written and read', () => {
  const ops = pathsOfAllHeights(3000).map(
    (path, i) => ({ action: 'create', path, cid: cidNumber(i), prev: null }) as const,
  )
  const blocks = new Uint8Array(1_900_000).fill(7)

  const event = decodeFrame(encodeCommitFrame({ ...commitEvent, ops, blocks }))

  expect(event).toMatchObject({ type: 'commit', ops: { length: 3000 }, blocks: { length: 1_900_000 } })
  expect(decodeFrame(encodeIdentityFrame(base))).toMatchObject({ type: 'identity' })
})

test('frames that are damaged are refused', () => {
  const frame = Buffer.from(encodeCommitFrame(commitEvent))
  for (let end = 0; end < frame.length; end++) {
    expect(() => decodeFrame(frame.subarray(0, end))).toThrow(InvalidCborError)
  }
  for (let i = 0; i < 5000; i++) {
    const damaged = Buffer.from(frame)
    damaged[Math.floor(Math.random() * frame.length)] = Math.random() * 256
    try {
      decodeFrame(damaged)
    } catch (error) {
      if (!(error instanceof InvalidCborError)) throw error
    }
  }
})

test('a row of commits and a #sync pass what a relay checks', () => {
  const { key } = generateK256()
  const tree = Mst.empty()
  const faults: string[] = []
  let before: { rev: Tid; data: ReturnType<Mst['root']> } | null = null
  const paths = pathsOfAllHeights(120)
  for (let i = 0; i < 200; i++) {
    const ops: RepoOp[] = []
    const records = new Map<string, { cid: ReturnType<typeof cidOf>; bytes: Uint8Array }>()
    for (const path of i === 0 ? [] : new Set([paths[(i * 37) % 120]!, paths[(i * 61) % 120]!])) {
      const prev = tree.get(path)
      const bytes = encodeJson({ $type: 'com.example.x', value: i % 5 })
      const cid = prev && i % 3 === 0 ? null : cidOf('dag-cbor', bytes)
      if (cid) tree.set(path, cid)
      else tree.delete(path)
      if (cid) records.set(String(cid), { cid, bytes })
      ops.push({ action: cid ? (prev ? 'update' : 'create') : 'delete', path, cid, prev })
    }
    const rev: Tid = checked(
      REV.slice(0, 10) +
        (i + 1000)
          .toString()
          .replaceAll(/[0189]/g, 'z')
          .slice(1),
      isTid,
    )
    const commit = signCommit({ did: DID, rev, data: tree.root() }, key.sign)
    const blocks = [commit, ...tree.commitBlocks(ops.map(({ path }) => path)), ...records.values()]
    const frame = readFrame(
      encodeCommitFrame({
        ...base,
        commit: commit.cid,
        rev,
        since: before?.rev ?? null,
        prevData: before?.data,
        ops,
        blocks: writeCar(commit.cid, blocks),
      }),
    )
    const sync = readFrame(encodeSyncFrame({ ...base, rev, blocks: writeCar(commit.cid, [commit]) }))
    tree.settle()
    before = { rev, data: commit.data }

    if (frame.type !== 'commit' || sync.type !== 'sync') throw new Error('another type of frame')
    checkCommit(frame, (kind, detail) => faults.push(`${i} ${kind}: ${detail}`))
    checkSync(sync, (kind, detail) => faults.push(`${i} ${kind}: ${detail}`))
  }

  expect(faults).toEqual([])
})
