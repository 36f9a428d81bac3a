/**
 * Writes at random, kept track of in a Map beside the server: what it answers, lists and exports is what the Map holds,
 * also after a restart. `LOCUS_SEED` repeats a run, `LOCUS_OPERATIONS` makes it longer.
 */
import { expect, test } from 'bun:test'
import { ServerError } from '#cli/errors.ts'
import { TemporaryDirectory } from '#tests/support/directory.ts'
import { fetchExport } from '#tests/support/fetch-export.ts'
import { consume, recordsOf } from '#tests/support/firehose-consumer.ts'
import { type CborValue, encode } from '#tests/support/independent/cbor.ts'
import { cidOf } from '#tests/support/independent/cid.ts'
import { type Pds, startPds, TestAccount } from '#tests/support/pds.ts'

const SEED = Number(process.env.LOCUS_SEED ?? Math.floor(Math.random() * 2 ** 31))
const OPERATIONS = Number(process.env.LOCUS_OPERATIONS ?? 600)

const COLLECTIONS = ['com.example.a', 'com.example.a.b', 'com.example.thing', 'com.example.things']
const KEYS = Array.from({ length: 60 }, (_, i) => `k${i}`)

/** A thing is no more than a number: with few of them, contents come again at other keys. */
type Model = Map<string, number>
interface Change {
  action: 'create' | 'update' | 'delete'
  path: string
  n: number
}

/** Numbers from 0 to below `below`, the same for the same seed (mulberry32). */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

function cidOfThing(path: string, n: number): string {
  const thing = new Map<string, CborValue>([...Object.entries({ n, $type: collectionOf(path) })])
  return cidOf('dag-cbor', encode(thing))
}

function collectionOf(path: string): string {
  return path.slice(0, path.indexOf('/'))
}

function keyOf(path: string): string {
  return path.slice(path.indexOf('/') + 1)
}

/** One account and what it should hold. */
class Walk {
  readonly model: Model = new Map()
  private readonly random

  constructor(
    public account: TestAccount,
    seed: number,
  ) {
    this.random = randomNumbers(seed)
  }

  async step(): Promise<void> {
    const kind = this.random(10)
    if (kind < 3) await this.batch()
    else if (kind < 5) await this.create()
    else if (kind < 8) await this.put()
    else await this.remove()
  }

  private path(): string {
    return `${COLLECTIONS[this.random(COLLECTIONS.length)]}/${KEYS[this.random(KEYS.length)]}`
  }

  private target(path: string) {
    return { repo: this.account.did, collection: collectionOf(path), rkey: keyOf(path) }
  }

  private async create(): Promise<void> {
    const [path, n] = [this.path(), this.random(6)]
    const made = this.account.call('com.atproto.repo.createRecord', { ...this.target(path), record: { n } })
    if (this.model.has(path)) return await expectRefusal(made, 'InvalidRequest')
    expect((await made).cid).toBe(cidOfThing(path, n))
    this.model.set(path, n)
  }

  private async put(): Promise<void> {
    const [path, n] = [this.path(), this.random(6)]
    const before = this.model.get(path)
    const expected = this.random(3) === 0 ? this.random(6) : before
    const swapRecord = expected === undefined ? null : cidOfThing(path, expected)
    const input = { ...this.target(path), record: { n }, swapRecord }
    const put = this.account.call('com.atproto.repo.putRecord', input)
    if (before !== n && before !== expected) return await expectRefusal(put, 'InvalidSwap')
    const { cid, commit } = await put
    expect({ cid, isCommit: commit !== undefined }).toEqual({
      cid: cidOfThing(path, n),
      isCommit: before !== n,
    })
    this.model.set(path, n)
  }

  private async remove(): Promise<void> {
    const path = this.path()
    const { commit } = await this.account.call('com.atproto.repo.deleteRecord', this.target(path))
    expect(commit !== undefined).toBe(this.model.delete(path))
  }

  /** Up to 40 writes, which are sometimes not all possible. */
  private async batch(): Promise<void> {
    const changes = Array.from({ length: this.random(40) }, () => this.change())
    const applied = this.account.call('com.atproto.repo.applyWrites', {
      repo: this.account.did,
      writes: changes.map(writeOf),
    })
    const paths = new Set(changes.map(({ path }) => path))
    const isPossible = changes.every(({ action, path }) => (action === 'create') !== this.model.has(path))
    if (!isPossible || paths.size < changes.length) return await expectRefusal(applied, 'InvalidRequest')
    expect((await applied).results).toHaveLength(changes.length)
    for (const { action, path, n } of changes) {
      if (action === 'delete') this.model.delete(path)
      else this.model.set(path, n)
    }
  }

  private change(): Change {
    const [path, n, other] = [this.path(), this.random(6), this.random(60) === 0]
    if (this.model.has(path) === other) return { action: 'create', path, n }
    return { action: this.random(2) === 0 ? 'update' : 'delete', path, n }
  }
}

function writeOf({ action, path, n }: Change) {
  const place = { collection: collectionOf(path), rkey: keyOf(path) }
  if (action === 'delete') return { $type: 'com.atproto.repo.applyWrites#delete' as const, ...place }
  if (action === 'create')
    return { $type: 'com.atproto.repo.applyWrites#create' as const, ...place, value: { n } }
  return { $type: 'com.atproto.repo.applyWrites#update' as const, ...place, value: { n } }
}

async function expectRefusal(attempt: Promise<unknown>, code: string): Promise<void> {
  const refusal: unknown = await attempt.then(
    () => 'no refusal',
    (error: unknown) => error,
  )
  if (!(refusal instanceof ServerError)) throw refusal
  expect({ status: refusal.status, error: refusal.error }).toEqual({ status: 400, error: code })
}

/** Everything that the server tells of an account, against the model. */
async function compare(pds: Pds, did: string, model: Model): Promise<void> {
  const paths = [...model.keys()].sort()
  const cids = new Map(paths.map((path) => [path, cidOfThing(path, model.get(path) ?? -1)]))
  const { collections } = await pds.call('com.atproto.repo.describeRepo', { repo: did })
  expect(collections).toEqual([...new Set(paths.map(collectionOf))].sort())
  const listed = new Map<string, string>()
  for (const collection of COLLECTIONS) {
    const { records } = await pds.call('com.atproto.repo.listRecords', {
      repo: did,
      collection,
      limit: 100,
      reverse: true,
    })
    for (const { uri, cid, value } of records) {
      const path = uri.slice(`at://${did}/`.length)
      listed.set(path, cid)
      expect(value).toEqual({ $type: collection, n: model.get(path) ?? -1 })
      const rkey = keyOf(path)
      expect(await pds.call('com.atproto.repo.getRecord', { repo: did, collection, rkey })).toEqual({
        uri,
        cid,
        value,
      })
    }
  }
  expect(listed).toEqual(cids)
  expect((await fetchExport(pds, did)).records).toEqual(cids)
}

test(`the server keeps what ${OPERATIONS} random operations make (seed ${SEED})`, async () => {
  using data = new TemporaryDirectory()
  let pds = await startPds({ data: data.path })
  try {
    const walks = await Promise.all(
      ['alice', 'bob'].map(async (name, i) => new Walk(await pds.createAccount(name), SEED + i)),
    )
    for (const part of [1, 2, 3]) {
      await Promise.all(
        walks.map(async (walk) => {
          for (let i = 0; i < OPERATIONS / 6; i++) await walk.step()
        }),
      )
      if (part === 2) {
        await pds.stop()
        pds = await startPds({ data: data.path })
        walks.forEach((walk) => {
          const { did, handle, email, password, accessJwt, refreshJwt } = walk.account
          walk.account = new TestAccount(pds, did, handle, email, password, accessJwt, refreshJwt)
        })
      }
      for (const { account, model } of walks) await compare(pds, account.did, model)
    }
    const { plcUrl } = pds.app.config
    await using consumer = await consume(pds.url, { plcUrl, cursor: 0, fromGenesis: true })
    await consumer.waitForSeq(pds.app.sequencer.lastSeq)
    expect(consumer.faults).toEqual([])
    const told = recordsOf(consumer.events)
    for (const { account, model } of walks) {
      const cids = [...model].map(([path, n]) => [path, cidOfThing(path, n)] as const)
      expect(told.get(account.did)).toEqual(new Map(cids))
    }
  } finally {
    await pds.stop()
  }
}, 60_000)
