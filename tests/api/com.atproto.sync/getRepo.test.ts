/** Exports of what is new since a commit, as someone uses them who keeps a copy of the repository. */
import { expect, test } from 'bun:test'
import { readCar, writeCar } from '#tests/support/independent/car.ts'
import { readCommit } from '#tests/support/independent/commit.ts'
import { signingKeyOf } from '#tests/support/independent/did-document.ts'
import { Tree } from '#tests/support/independent/mst.ts'
import { type Pds, startPds, type TestAccount } from '#tests/support/pds.ts'
import { verifyExport } from '#tests/support/verify-export.ts'

const NOTE = 'com.example.note'
type Write = Parameters<typeof applyWrites>[1][number]

/** A copy of a repository, kept up to date by differences. It keeps the blocks of its tree and no others. */
class Mirror {
  private blocks = new Map<string, Uint8Array>()
  rev: string | undefined
  root = ''

  constructor(private readonly account: TestAccount) {}

  /** @returns how many blocks came */
  async update(): Promise<number> {
    const { roots, blocks, order } = await this.fetch(this.rev)
    expect(roots).toHaveLength(1)
    this.root = roots[0] ?? ''
    for (const [cid, bytes] of blocks) this.blocks.set(cid, bytes)
    this.rev = readCommit(this.block(this.root)).rev
    this.blocks = this.reachable()
    return order.length
  }

  /** The whole as a CAR. */
  car(): Uint8Array {
    return writeCar([this.root], this.blocks)
  }

  async fetch(since: string | undefined) {
    const car = await this.account.call('com.atproto.sync.getRepo', { did: this.account.did, since })
    return readCar(new Uint8Array(await new Response(car).arrayBuffer()))
  }

  /** @throws Error when one is missing */
  private reachable(): Map<string, Uint8Array> {
    const kept = new Map([[this.root, this.block(this.root)]])
    for (const item of Tree.open(this.blocks, readCommit(this.block(this.root)).data).walk()) {
      const cid = 'node' in item ? item.node : item.value
      kept.set(cid, this.block(cid))
    }
    return kept
  }

  private block(cid: string): Uint8Array {
    const block = this.blocks.get(cid)
    if (!block) throw new Error(`the copy lacks ${cid}`)
    return block
  }
}

test('a copy that is kept up to date by what is new is the repository', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const mirror = new Mirror(alice)
  const there = new Map<string, number>()
  for (let round = 0; round < 60; round++) {
    for (let commits = Math.random() * 4; commits > 0; commits--) {
      await applyWrites(alice, randomWrites(there, 1 + Math.floor(Math.random() ** 3 * 120)))
    }
    if (round % 7 === 0) await pds.app.committer.submit((batch) => batch.checkpoint(alice.did))

    await mirror.update()

    await expectSame(pds, alice, mirror)
  }
})

test('what is new is little where little has changed', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const there = new Map<string, number>()
  for (let i = 0; i < 10; i++) await applyWrites(alice, newNotes(there, 200))
  const mirror = new Mirror(alice)
  const all = await mirror.update()
  await applyWrites(alice, newNotes(there, 1))

  const few = await mirror.update()

  expect(all).toBeGreaterThan(2300)
  expect(few).toBeLessThan(150)
  await expectSame(pds, alice, mirror)
})

test('a record that was written again without a change is not missed by what comes after it', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const there = new Map<string, number>()
  await applyWrites(alice, newNotes(there, 100))
  const mirror = new Mirror(alice)
  await mirror.update()
  const [first = ''] = [...there.keys()].sort()
  await applyWrites(alice, [{ action: 'update', rkey: first, n: there.get(first) ?? 0 }])
  await applyWrites(alice, newNotes(there, 3))

  await mirror.update()

  await expectSame(pds, alice, mirror)
})

test('content that was deleted and written again, elsewhere or in its place, comes with what is new', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const there = new Map<string, number>()
  await applyWrites(alice, newNotes(there, 50))
  const mirror = new Mirror(alice)
  await mirror.update()
  const [moved = '', back = ''] = there.keys()
  const content = (rkey: string) => there.get(rkey) ?? 0
  await applyWrites(alice, [
    { action: 'delete', rkey: moved },
    { action: 'delete', rkey: back },
  ])
  await mirror.update()
  await applyWrites(alice, [
    { action: 'create', rkey: 'elsewhere', n: content(moved) },
    { action: 'create', rkey: back, n: content(back) },
  ])

  await mirror.update()

  await expectSame(pds, alice, mirror)
})

test('since the last commit there is nothing new, since one of no repository everything', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  await applyWrites(alice, newNotes(new Map(), 20))
  const mirror = new Mirror(alice)
  const all = await mirror.update()

  const now = await mirror.fetch(mirror.rev)
  const later = await mirror.fetch('3zzzzzzzzzzzz')
  const before = await mirror.fetch('2222222222222')

  expect(now).toMatchObject({ roots: [mirror.root], order: [] })
  expect(later).toMatchObject({ roots: [mirror.root], order: [] })
  expect(before.order).toHaveLength(all)
})

test('no more than a hundred downloads are under way at a time', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  await applyWrites(alice, newNotes(new Map(), 200))
  const streams: ReadableStream[] = []
  for (let i = 0; i < 100; i++) streams.push(await pds.app.repos.export(alice.did))

  const refused = pds.call('com.atproto.sync.getRepo', { did: alice.did })

  await expect(refused).rejects.toMatchObject({ status: 503, error: 'TooManyDownloads' })
  await streams[0]?.cancel()
  const car = await pds.call('com.atproto.sync.getRepo', { did: alice.did })
  expect((await new Response(car).arrayBuffer()).byteLength).toBeGreaterThan(10_000)
  for (const stream of streams.slice(1)) await stream.cancel()
})

async function expectSame(pds: Pds, account: TestAccount, mirror: Mirror): Promise<void> {
  const didKey = await signingKeyOf(`http://localhost:${pds.server.plcPort}`, account.did)
  const expected = { did: account.did, didKey, anyOrder: true } // what is at several paths may come several times
  const car = await account.call('com.atproto.sync.getRepo', { did: account.did })
  const whole = await verifyExport(new Uint8Array(await new Response(car).arrayBuffer()), expected)
  const copy = await verifyExport(mirror.car(), expected)
  expect(copy.commitCid).toBe(whole.commitCid)
  expect([...copy.records]).toEqual([...whole.records])
}

function newNotes(
  there: Map<string, number>,
  count: number,
): { action: 'create'; rkey: string; n: number }[] {
  return Array.from({ length: count }, () => {
    const rkey = `k${crypto.randomUUID()}`
    const n = Math.floor(Math.random() * 50) // so that some are alike
    there.set(rkey, n)
    return { action: 'create', rkey, n }
  })
}

function randomWrites(there: Map<string, number>, count: number): Write[] {
  const writes = new Map<string, Write>()
  const keys = [...there.keys()]
  while (writes.size < count) {
    const rkey = keys[Math.floor(Math.random() * keys.length)]
    const dice = Math.random() + (there.size > 300 ? 0.2 : 0)
    if (rkey === undefined || writes.has(rkey) || dice < 0.4) {
      for (const write of newNotes(there, 1)) writes.set(write.rkey, write)
    } else if (dice < 0.7) {
      const n = dice < 0.5 ? (there.get(rkey) ?? 0) : Math.floor(Math.random() * 50)
      writes.set(rkey, { action: 'update', rkey, n })
      there.set(rkey, n)
    } else {
      writes.set(rkey, { action: 'delete', rkey })
      there.delete(rkey)
    }
  }
  return [...writes.values()]
}

async function applyWrites(
  account: TestAccount,
  writes: readonly (
    | { action: 'create' | 'update'; rkey: string; n: number }
    | { action: 'delete'; rkey: string }
  )[],
): Promise<void> {
  await account.call('com.atproto.repo.applyWrites', {
    repo: account.did,
    writes: writes.map((write) => {
      const place = { collection: NOTE, rkey: write.rkey }
      if (write.action === 'delete')
        return { $type: 'com.atproto.repo.applyWrites#delete' as const, ...place }
      const value = { $type: NOTE, n: write.n }
      return { $type: `com.atproto.repo.applyWrites#${write.action}` as const, ...place, value }
    }),
  })
}
