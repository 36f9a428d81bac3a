/** A second like, repost, follow or block of the same target takes the place of the first, where it is made by createRecord. */
import { expect, test } from 'bun:test'
import { type CommitEvent, consume } from '#tests/support/firehose-consumer.ts'
import { startPds, type TestAccount } from '#tests/support/pds.ts'

const createdAt = '2026-11-21T00:00:00Z'
const CID = 'bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm'
const LIKE = 'app.bsky.feed.like'
const FOLLOW = 'app.bsky.graph.follow'

function postOf(n: number) {
  return { uri: `at://did:plc:${'a'.repeat(24)}/app.bsky.feed.post/3jzfcijpj2z2${n + 2}`, cid: CID }
}

function didOf(n: number): string {
  return `did:plc:${'a'.repeat(23)}${n + 2}`
}

/** Records that point at the n-th of their kind. */
const kinds: Record<string, (n: number) => object> = {
  [LIKE]: (n) => ({ subject: postOf(n), createdAt }),
  'app.bsky.feed.repost': (n) => ({ subject: postOf(n), createdAt }),
  [FOLLOW]: (n) => ({ subject: didOf(n), createdAt }),
  'app.bsky.graph.block': (n) => ({ subject: didOf(n), createdAt }),
}

async function create(account: TestAccount, collection: string, record: object, validate?: boolean) {
  const { uri } = await account.call('com.atproto.repo.createRecord', {
    repo: account.did,
    collection,
    record: { ...record },
    ...(validate !== undefined && { validate }),
  })
  return keyOf(uri)
}

/** Record keys in the collection, oldest first. */
async function keysIn(account: TestAccount, collection: string): Promise<string[]> {
  const { records } = await account.call('com.atproto.repo.listRecords', {
    repo: account.did,
    collection,
    reverse: true,
  })
  return records.map(({ uri }) => keyOf(uri))
}

function keyOf(uri: string): string {
  return uri.slice(uri.lastIndexOf('/') + 1)
}

for (const [collection, recordOf] of Object.entries(kinds)) {
  test(`a second ${collection} replaces the first, in one commit`, async () => {
    await using pds = await startPds()
    const alice = await pds.createAccount('alice')
    const { plcUrl } = pds.app.config
    await using consumer = await consume(pds.url, { plcUrl, cursor: 0, fromGenesis: true })
    const [first, other] = [
      await create(alice, collection, recordOf(1)),
      await create(alice, collection, recordOf(2)),
    ]

    const second = await create(alice, collection, { ...recordOf(1), createdAt: '2026-11-22T00:00:00Z' })

    expect(await keysIn(alice, collection)).toEqual([other, second])
    await consumer.waitForSeq(pds.app.sequencer.lastSeq)
    const last = consumer.events.at(-1) as CommitEvent
    expect(last.ops.map(({ action, path }) => `${action} ${path}`)).toEqual([
      `delete ${collection}/${first}`,
      `create ${collection}/${second}`,
    ])
    expect(consumer.faults).toEqual([])
  })
}

test('a like created under the key of the one it replaces is an update of it', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const { plcUrl } = pds.app.config
  await using consumer = await consume(pds.url, { plcUrl, cursor: 0, fromGenesis: true })
  const like = { repo: alice.did, collection: LIKE, rkey: '3jzfcijpj2z2a' }
  await alice.call('com.atproto.repo.createRecord', { ...like, record: { subject: postOf(1), createdAt } })
  const other = await create(alice, LIKE, { subject: postOf(1), createdAt }, false)

  const record = { subject: postOf(1), createdAt: '2026-11-22T00:00:00Z' }
  const { cid } = await alice.call('com.atproto.repo.createRecord', { ...like, record })

  expect(await keysIn(alice, LIKE)).toEqual([like.rkey])
  await consumer.waitForSeq(pds.app.sequencer.lastSeq)
  expect((consumer.events.at(-1) as CommitEvent).ops).toMatchObject([
    { action: 'delete', path: `${LIKE}/${other}` },
    { action: 'update', path: `${LIKE}/${like.rkey}`, cid },
  ])
  expect(consumer.faults).toEqual([])
  const elsewhere = { ...like, record: { subject: postOf(2), createdAt } }
  await expect(alice.call('com.atproto.repo.createRecord', elsewhere)).rejects.toMatchObject({ status: 400 })
})

test('all earlier likes of a post go, and none of another account or kind', async () => {
  await using pds = await startPds()
  const [alice, bob] = [await pds.createAccount('alice'), await pds.createAccount('bob')]
  const like = { subject: postOf(1), createdAt }
  for (let i = 0; i < 3; i++) await create(alice, LIKE, like, false)
  const repost = await create(alice, 'app.bsky.feed.repost', like)
  const bobs = await create(bob, LIKE, like)
  expect(await keysIn(alice, LIKE)).toHaveLength(3)

  const last = await create(alice, LIKE, like)

  expect(await keysIn(alice, LIKE)).toEqual([last])
  expect(await keysIn(alice, 'app.bsky.feed.repost')).toEqual([repost])
  expect(await keysIn(bob, LIKE)).toEqual([bobs])
})

test('a like whose target was changed by putRecord counts for the new target', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const rkey = await create(alice, LIKE, { subject: postOf(1), createdAt })
  await alice.call('com.atproto.repo.putRecord', {
    repo: alice.did,
    collection: LIKE,
    rkey,
    record: { subject: postOf(2), createdAt },
  })

  const first = await create(alice, LIKE, { subject: postOf(1), createdAt })
  expect(await keysIn(alice, LIKE)).toEqual([rkey, first])
  const second = await create(alice, LIKE, { subject: postOf(2), createdAt })

  expect(await keysIn(alice, LIKE)).toEqual([first, second])
})

test('a follow that was deleted is not deleted again', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const record = { subject: didOf(1), createdAt }
  const rkey = await create(alice, FOLLOW, record)
  await alice.call('com.atproto.repo.deleteRecord', { repo: alice.did, collection: FOLLOW, rkey })

  const next = await create(alice, FOLLOW, record)

  expect(await keysIn(alice, FOLLOW)).toEqual([next])
})

test('putRecord and applyWrites, and creation unchecked, leave what is there', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const value = { subject: didOf(1), createdAt }
  const [a, b, c] = ['3jzfcijpj2z22', '3jzfcijpj2z23', '3jzfcijpj2z24']
  const target = { repo: alice.did, collection: FOLLOW }

  await alice.call('com.atproto.repo.putRecord', { ...target, rkey: a!, record: value })
  await alice.call('com.atproto.repo.putRecord', { ...target, rkey: b!, record: value })
  await alice.call('com.atproto.repo.applyWrites', {
    repo: alice.did,
    writes: [{ $type: 'com.atproto.repo.applyWrites#create', collection: FOLLOW, rkey: c!, value }],
  })
  const unchecked = await create(alice, FOLLOW, value, false)

  expect(await keysIn(alice, FOLLOW)).toEqual([a!, b!, c!, unchecked])
})

test('a like that is refused leaves the one before', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const rkey = await create(alice, LIKE, { subject: postOf(1), createdAt })
  const input = {
    repo: alice.did,
    collection: LIKE,
    record: { subject: postOf(1), createdAt },
    swapCommit: CID,
  }

  await expect(alice.call('com.atproto.repo.createRecord', input)).rejects.toMatchObject({
    error: 'InvalidSwap',
  })

  expect(await keysIn(alice, LIKE)).toEqual([rkey])
})
