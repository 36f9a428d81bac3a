/** The event log is the truth: stores that know less than it, or whose tree is damaged, are brought up to date by it. */
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { copyFileSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { readCar } from '#tests/support/independent/car.ts'
import { type CborMap, decode, type Link } from '#tests/support/independent/cbor.ts'
import { Tree } from '#tests/support/independent/mst.ts'
import { checkHost, checkWriters, exportOf, History } from './check-host.ts'
import { type Account, call, createAccount, download, refusalOf } from './client.ts'
import { Host } from './host.ts'
import { Writer } from './writers.ts'

const WRITES = 150

test('stores that were replaced by older copies are brought up to date after a crash', async () => {
  await using host = await Host.start()
  const history = new History()
  const { accounts, writers } = await writersOf(host, 3)
  const [alice, bob] = accounts
  await host.kill()
  const young = copyStore(host, bob!)
  await host.start()
  await write(host, writers, WRITES)
  await host.kill()
  const middle = copyStore(host, alice!)
  await host.start()
  await write(host, writers, WRITES)
  await host.kill()
  young.putBack()
  middle.putBack()

  await host.start()

  checkWriters(writers, await checkHost(host, dids(accounts), history), history)
  await write(host, writers, 20)
  checkWriters(writers, await checkHost(host, dids(accounts), history), history)
})

test('stores that were replaced by older copies are brought up to date after a clean stop', async () => {
  await using host = await Host.start()
  const history = new History()
  const { accounts, writers } = await writersOf(host, 2)
  await host.stop()
  const young = copyStore(host, accounts[0]!)
  await host.start()
  await write(host, writers, WRITES)
  await host.stop()
  young.putBack()

  await host.start()

  await write(host, writers, 20)
  checkWriters(writers, await checkHost(host, dids(accounts), history), history)
})

test('an account whose events cannot be read is refused by name, and all others are served', async () => {
  await using host = await Host.start()
  const { accounts, writers } = await writersOf(host, 2)
  const [alice, bob] = accounts as [Account, Account]
  await host.stop()
  const young = copyStore(host, alice)
  await host.start()
  await write(host, writers, 10)
  await host.kill()
  young.putBack()
  using log = new Database(join(host.data, 'sequencer.sqlite'))
  log.run(`UPDATE event SET frame = randomblob(length(frame)) WHERE did = ? AND kind = 'commit'`, [alice.did])

  await host.start()

  const refused = { status: 503, error: 'RepoDamaged' }
  expect(await refusalOf(exportOf(host, alice.did))).toMatchObject(refused)
  expect(await refusalOf(createNote(host, alice))).toMatchObject(refused)
  await exportOf(host, bob.did)
  await createNote(host, bob)
})

const damages: Record<string, (db: Database) => void> = {
  'whose nodes are gone': (db) => db.run('DELETE FROM node'),
  'of which half the nodes are gone': (db) => db.run('DELETE FROM node WHERE id % 2 = 0'),
  'whose nodes are full of noise': (db) => db.run('UPDATE node SET content = randomblob(length(content))'),
  'whose nodes have a changed byte': (db) =>
    db.run(
      `UPDATE node SET content = cast(substr(content, 1, length(content) - 1) || x'00' AS BLOB) WHERE id % 3 = 0`,
    ),
  'whose nodes have taken the places of others': (db) =>
    db.run('UPDATE node SET content = (SELECT content FROM node AS other WHERE other.id <> node.id LIMIT 1)'),
  'whose nodes do not know their children': (db) => db.run(`UPDATE node SET children = x''`),
  'whose root is another node': (db) => db.run('UPDATE tree SET root_id = (SELECT min(id) FROM node)'),
  'which is gone': (db) => db.run('DELETE FROM tree'),
}

for (const [damage, inflict] of Object.entries(damages)) {
  test(`a stored tree ${damage} is built again from the records`, async () => {
    await using host = await Host.start()
    const history = new History()
    const { accounts, writers } = await writersOf(host, 3)
    await write(host, writers, 60)
    for (const { did } of accounts) await exportOf(host, did) // writes the tree
    await host.kill()
    for (const { did } of accounts) damageStore(host.storeOf(did), inflict)

    await host.start()

    // each account is first used in another way
    const [alice, bob, carol] = accounts as [Account, Account, Account]
    await exportOf(host, alice.did)
    await proofOf(host, bob)
    await write(
      host,
      writers.filter(({ account }) => account === carol),
      10,
    )
    await write(host, writers, 20)
    checkWriters(writers, await checkHost(host, dids(accounts), history), history)
  })
}

async function writersOf(host: Host, count: number): Promise<{ accounts: Account[]; writers: Writer[] }> {
  const accounts: Account[] = []
  for (let i = 0; i < count; i++) accounts.push(await createAccount(host, `alice${i}`))
  return { accounts, writers: accounts.map((account, i) => new Writer(`w${i}`, account)) }
}

function dids(accounts: readonly Account[]): string[] {
  return accounts.map(({ did }) => did)
}

/** Every writer makes `count` commits. */
async function write(host: Host, writers: readonly Writer[], count: number): Promise<void> {
  await Promise.all(
    writers.map(async (writer) => {
      let left = count
      await writer.write(
        host,
        () => left-- > 0,
        () => {},
      )
      expect(writer.refusals).toEqual([])
    }),
  )
}

async function createNote(host: Host, { did, token }: Account): Promise<void> {
  const collection = 'com.example.crash.note'
  const input = { repo: did, collection, record: { $type: collection } }
  await call<object>(host, 'com.atproto.repo.createRecord', { token, input })
}

/** The parts of the file of a store that may be there. */
const PARTS = ['', '-wal', '-shm']

function copyStore(host: Host, { did }: Account): { putBack(): void } {
  const store = host.storeOf(did)
  const copied = PARTS.filter((part) => existsSync(store + part))
  for (const part of copied) copyFileSync(store + part, `${store}.copy${part}`)
  return {
    putBack() {
      for (const part of PARTS) rmSync(store + part, { force: true })
      for (const part of copied) copyFileSync(`${store}.copy${part}`, store + part)
    },
  }
}

function damageStore(path: string, inflict: (db: Database) => void): void {
  using db = new Database(path)
  const { nodes } = db.query<{ nodes: number }, []>('SELECT count(*) AS nodes FROM node').get() ?? {
    nodes: 0,
  }
  expect(nodes).toBeGreaterThan(3)
  inflict(db)
}

/** The proof of one record by getRecord holds. */
async function proofOf(host: Host, { did }: Account): Promise<void> {
  const collection = 'com.example.crash.note'
  const page = await call<{ records: { uri: string; cid: string }[] }>(host, 'com.atproto.repo.listRecords', {
    params: { repo: did, collection, limit: '1' },
  })
  const { uri, cid } = page.records[0]!
  const rkey = uri.split('/').at(-1)!
  const { roots, blocks } = readCar(
    await download(host, 'com.atproto.sync.getRecord', { did, collection, rkey }),
  )
  const commit = decode(blocks.get(roots[0]!)!) as CborMap
  expect(Tree.open(blocks, (commit.get('data') as Link).cid).get(`${collection}/${rkey}`)).toBe(cid)
  expect(blocks.has(cid)).toBe(true)
}
