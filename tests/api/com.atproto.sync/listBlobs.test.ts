import { expect, test } from 'bun:test'
import { answers, invalid, NOBODY, ok, refused } from '#tests/support/answers.ts'
import { cidBytes, cidOf } from '#tests/support/independent/cid.ts'
import { type Pds, startPds, type TestAccount } from '#tests/support/pds.ts'

const METHOD = 'com.atproto.sync.listBlobs'
const COLLECTION = 'com.example.picture'

answers(METHOD, [
  ['an account without blobs', ({ alice }) => ({ params: `did=${alice.did}` }), ok('cids')],
  ['blobs since a commit', ({ alice }) => ({ params: `did=${alice.did}&since=3jzfcijpj2z2a` }), ok('cids')],
  [
    'too small a limit',
    ({ alice }) => ({ params: `did=${alice.did}&limit=0` }),
    invalid(`Invalid ${METHOD} params: integer too small (minimum 1, got 0)`),
  ],
  [
    'too large a limit',
    ({ alice }) => ({ params: `did=${alice.did}&limit=1001` }),
    invalid(`Invalid ${METHOD} params: integer too big (maximum 1000, got 1001)`),
  ],
  [
    'since what is no rev',
    ({ alice }) => ({ params: `did=${alice.did}&since=junk` }),
    invalid(`Invalid ${METHOD} params: Invalid TID string (got "junk")`),
  ],
  [
    'a cursor of nobody', // the official server takes any text and compares it
    ({ alice }) => ({ params: `did=${alice.did}&cursor=junk` }),
    invalid('cursor is not a CID of this protocol: junk'),
    ok('cids'),
  ],
  ['no DID', () => ({}), invalid(`Invalid ${METHOD} params: Missing required key "did"`)],
  [
    'an unknown DID',
    () => ({ params: `did=${NOBODY}` }),
    refused(400, 'RepoNotFound', `Could not find repo for DID: ${NOBODY}`),
  ],
])

test('blobs that records refer to are listed once, in pages', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const blobs = Array.from({ length: 30 }, (_, i) => cidOf('raw', Uint8Array.of(i)))
  for (const blob of blobs) await refer(pds, alice, [blob, blobs[0] ?? ''])

  const found: string[] = []
  let cursor: string | undefined
  do {
    const page = await pds.call(METHOD, { did: alice.did, limit: 7, cursor })
    expect(page.cids.length).toBeLessThanOrEqual(7)
    found.push(...page.cids)
    cursor = page.cursor
  } while (cursor)

  expect(found).toHaveLength(30)
  expect(found.toSorted()).toEqual(blobs.toSorted())
})

test('blobs since a commit are those of records that are newer', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const [old, both, late] = [1, 2, 3].map((i) => cidOf('raw', Uint8Array.of(i)))
  await refer(pds, alice, [old ?? '', both ?? ''])
  const { rev } = await pds.call('com.atproto.sync.getLatestCommit', { did: alice.did })
  await refer(pds, alice, [both ?? '', late ?? ''])

  const since = await pds.call(METHOD, { did: alice.did, since: rev })
  const { rev: last } = await pds.call('com.atproto.sync.getLatestCommit', { did: alice.did })
  const none = await pds.call(METHOD, { did: alice.did, since: last })

  expect(since.cids.toSorted()).toEqual([both ?? '', late ?? ''].toSorted())
  expect(none).toEqual({ cids: [] })
})

test('a blob is listed as long as a record refers to it', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const blob = cidOf('raw', Uint8Array.of(1))
  const rkey = await refer(pds, alice, [blob])

  await alice.call('com.atproto.repo.deleteRecord', { repo: alice.did, collection: COLLECTION, rkey })

  expect(await pds.call(METHOD, { did: alice.did })).toEqual({ cids: [] })
})

/** Writes a record that refers to these blobs, after noting them as an upload would. @returns its key */
async function refer(pds: Pds, account: TestAccount, blobs: readonly string[]): Promise<string> {
  const { db } = pds.app.stores.open(account.did)
  const upload = db.query('INSERT OR IGNORE INTO blob VALUES (?, ?, 1, 0, 0)')
  for (const blob of blobs) upload.run(cidBytes(blob), 'image/png')
  const { uri } = await account.call('com.atproto.repo.createRecord', {
    repo: account.did,
    collection: COLLECTION,
    record: {
      $type: COLLECTION,
      pictures: blobs.map((blob) => ({
        $type: 'blob',
        ref: { $link: blob },
        mimeType: 'image/png',
        size: 1,
      })),
    },
  })
  return uri.split('/').at(-1) ?? ''
}
