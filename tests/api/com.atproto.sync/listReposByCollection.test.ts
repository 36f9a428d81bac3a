/** The official server leaves this method to relays. What is said here is in the lexicon. */
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { TemporaryDirectory } from '#tests/support/directory.ts'
import { type Pds, startPds, type TestAccount } from '#tests/support/pds.ts'

const METHOD = 'com.atproto.sync.listReposByCollection'
const POST = 'app.bsky.feed.post'
const NOTE = 'com.example.note'

test('repositories are found by the collections that they have records of', async () => {
  await using pds = await startPds()
  const [alice, bobby] = [await pds.createAccount('alice'), await pds.createAccount('bobby')]
  await pds.createAccount('carol')
  await create(alice, POST)
  await create(alice, NOTE)
  await create(bobby, NOTE)
  await pds.app.storeSync.flush()

  expect(await reposWith(pds, POST)).toEqual([alice.did])
  expect(await reposWith(pds, NOTE)).toEqual([alice.did, bobby.did].toSorted())
  expect(await reposWith(pds, 'com.example.other')).toEqual([])
  expect(await reposWith(pds, 'com.example.no')).toEqual([])
})

test('a repository is found as long as it has a record of the collection', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const rkeys = [await create(alice, NOTE), await create(alice, NOTE)]
  const found: string[][] = []
  for (const rkey of rkeys) {
    await alice.call('com.atproto.repo.deleteRecord', { repo: alice.did, collection: NOTE, rkey })
    await pds.app.storeSync.flush()
    found.push(await reposWith(pds, NOTE))
  }
  await create(alice, NOTE)
  await pds.app.storeSync.flush()
  found.push(await reposWith(pds, NOTE))

  expect(found).toEqual([[alice.did], [], [alice.did]])
})

test('repositories come in pages', async () => {
  await using pds = await startPds()
  const dids: string[] = []
  for (const name of ['anna', 'bert', 'cleo', 'dirk', 'emma']) {
    const account = await pds.createAccount(name)
    await create(account, NOTE)
    dids.push(account.did)
  }
  await pds.app.storeSync.flush()

  const found: string[] = []
  let cursor: string | undefined
  do {
    const page = await pds.call(METHOD, { collection: NOTE, limit: 2, cursor })
    found.push(...page.repos.map(({ did }) => did))
    cursor = page.cursor
  } while (cursor)

  expect(found).toEqual(dids.toSorted())
})

test('accounts that are not active, or no more, are not found', async () => {
  await using pds = await startPds()
  const [alice, bobby, carol] = [
    await pds.createAccount('alice'),
    await pds.createAccount('bobby'),
    await pds.createAccount('carol'),
  ]
  for (const account of [alice, bobby, carol]) await create(account, NOTE)
  await pds.app.storeSync.flush()
  pds.app.accounts.setDeactivated(bobby.did, { at: Date.now(), deleteAfter: null })
  await pds.admin.call('com.atproto.admin.deleteAccount', { did: carol.did })

  expect(await reposWith(pds, NOTE)).toEqual([alice.did])
  expect(pds.app.sequencer.collections.of(carol.did)).toEqual([])
})

test('what had not been noted when the server was killed is found after the next start', async () => {
  using directory = new TemporaryDirectory()
  const before = await startPds({ data: directory.path })
  const alice = await before.createAccount('alice')
  const gone = await create(alice, 'com.example.gone')
  await create(alice, NOTE)
  await before.app.storeSync.flush()
  await create(alice, POST)
  await alice.call('com.atproto.repo.deleteRecord', {
    repo: alice.did,
    collection: 'com.example.gone',
    rkey: gone,
  })
  using copy = copyOf(directory.path) // as a kill leaves it
  await before.stop()

  await using pds = await startPds({ data: copy.path })
  await pds.app.storeSync.flush()

  expect(await reposWith(pds, POST)).toEqual([alice.did])
  expect(await reposWith(pds, NOTE)).toEqual([alice.did])
  expect(await reposWith(pds, 'com.example.gone')).toEqual([])
})

test('where collections were never noted, every repository is looked at', async () => {
  using directory = new TemporaryDirectory()
  const before = await startPds({ data: directory.path })
  const alice = await before.createAccount('alice')
  await create(alice, NOTE)
  await before.stop()
  forgetCollections(directory.path)
  await using pds = await startPds({ data: directory.path })

  await pds.app.collectionSurvey.finished() // until then the method answers 503 CollectionsUnknown

  expect(await reposWith(pds, NOTE)).toEqual([alice.did])
})

async function reposWith(pds: Pds, collection: string): Promise<string[]> {
  return (await pds.call(METHOD, { collection })).repos.map(({ did }) => did)
}

/** @returns the record's key */
async function create(account: TestAccount, collection: string): Promise<string> {
  const record = { $type: collection, text: 'text', createdAt: new Date().toISOString() }
  const { uri } = await account.call('com.atproto.repo.createRecord', {
    repo: account.did,
    collection,
    record,
  })
  return uri.split('/').at(-1) ?? ''
}

function copyOf(data: string): TemporaryDirectory {
  const copy = new TemporaryDirectory()
  cpSync(data, copy.path, { recursive: true, filter: (path) => !path.endsWith('.sock') })
  return copy
}

/** Leaves the log as one that was made before collections were noted. */
function forgetCollections(data: string): void {
  using db = new Database(join(data, 'sequencer.sqlite'))
  db.run('DELETE FROM repo_collection')
  db.run(`INSERT INTO mark VALUES ('collections_unknown', 1)`)
}
