import { expect, test } from 'bun:test'
import { answers, invalid, NOBODY, refused } from '#tests/support/answers.ts'
import { readCar } from '#tests/support/independent/car.ts'
import { cidOf } from '#tests/support/independent/cid.ts'
import { startPds, type TestAccount } from '#tests/support/pds.ts'

const POST = 'app.bsky.feed.post'
const MISSING = 'bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy'
const RAW = 'bafkreiakaj3vmz23rgpngfxtxf35bzspp6vvoswvmxwmuol3o5vmp5pwei'
const OLD_FORM = 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG'

const notFound = (...cids: string[]) => invalid(`Could not find cids: ${cids.join(',')}`)

answers('com.atproto.sync.getBlocks', [
  [
    'a block that is not there',
    ({ alice }) => ({ params: `did=${alice.did}&cids=${MISSING}` }),
    notFound(MISSING),
  ],
  [
    'two that are not there',
    ({ alice }) => ({ params: `did=${alice.did}&cids=${MISSING}&cids=${RAW}` }),
    notFound(MISSING, RAW),
  ],
  [
    'a CID of version 0',
    ({ alice }) => ({ params: `did=${alice.did}&cids=${OLD_FORM}` }),
    notFound(OLD_FORM),
  ],
  [
    'no CID',
    ({ alice }) => ({ params: `did=${alice.did}` }),
    invalid('Invalid com.atproto.sync.getBlocks params: Missing required key "cids"'),
  ],
  [
    'what is no CID',
    ({ alice }) => ({ params: `did=${alice.did}&cids=junk` }),
    invalid('Invalid com.atproto.sync.getBlocks params: Invalid CID string (got "junk")'),
  ],
  [
    'CIDs with commas between',
    ({ alice }) => ({ params: `did=${alice.did}&cids=${MISSING},${RAW}` }),
    invalid(`Invalid com.atproto.sync.getBlocks params: Invalid CID string (got "${MISSING},${RAW}")`),
  ],
  [
    'a handle for a DID',
    () => ({ params: `did=nobody.test&cids=${MISSING}` }),
    invalid('Invalid com.atproto.sync.getBlocks params: Invalid DID (got "nobody.test")'),
  ],
  [
    'an unknown DID',
    () => ({ params: `did=${NOBODY}&cids=${MISSING}` }),
    refused(400, 'RepoNotFound', `Could not find repo for DID: ${NOBODY}`),
  ],
])

test('every block of a repository can be had by its CID, in the order in which it is asked for', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  await write(alice, 300)
  const { order, blocks } = await exported(alice)
  expect(order.length).toBeGreaterThan(350)

  for (let at = 0; at < order.length; at += 100) {
    const asked = order.slice(at, at + 100).toReversed()
    const car = readCar(await getBlocks(alice, asked))
    expect(car.roots).toEqual([])
    expect(car.order).toEqual(asked)
    for (const cid of asked) expect(car.blocks.get(cid)).toEqual(blocks.get(cid))
  }
})

test('a block that is asked for twice comes once', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  await write(alice, 3)
  const { order } = await exported(alice)
  const [one = '', two = ''] = order

  const car = readCar(await getBlocks(alice, [one, two, one]))

  expect(car.order).toEqual([one, two])
})

test('what was written a moment ago is there, and what it took the place of is gone', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  await write(alice, 40)
  const before = await exported(alice)
  const first = before.order[0] ?? ''
  await write(alice, 1)
  const { cid } = await pds.call('com.atproto.sync.getLatestCommit', { did: alice.did })

  const now = readCar(await getBlocks(alice, [cid]))

  expect(now.order).toEqual([cid])
  await expect(getBlocks(alice, [cid, first])).rejects.toMatchObject({
    status: 400,
    error: 'InvalidRequest',
    message: `Could not find cids: ${first}`,
  })
})

test('a block of another repository is not found', async () => {
  await using pds = await startPds()
  const [alice, bobby] = [await pds.createAccount('alice'), await pds.createAccount('bobby')]
  await write(bobby, 1)
  const { order } = await exported(bobby)

  await expect(getBlocks(alice, order)).rejects.toMatchObject({ message: `Could not find cids: ${order}` })
})

test('more CIDs than anyone needs at a time are refused', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const cids = Array.from({ length: 201 }, (_, i) => cidOf('dag-cbor', Uint8Array.of(i)))

  await expect(getBlocks(alice, cids)).rejects.toMatchObject({
    status: 400,
    error: 'InvalidRequest',
    message: 'Too many CIDs. Max: 200',
  })
})

test('blocks are found without the stored tree, which is then made anew', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  await write(alice, 200)
  const { order, blocks } = await exported(alice)
  const store = pds.app.stores.open(alice.did)
  const node = order.find((cid) => cid !== order[0] && cid !== order[1]) ?? ''
  for (const damage of ["UPDATE node SET content = x'00'", 'DELETE FROM node', 'DELETE FROM tree']) {
    store.db.run(damage)

    const car = readCar(await getBlocks(alice, [node]))

    expect(car.blocks.get(node)).toEqual(blocks.get(node))
  }
})

async function write(account: TestAccount, count: number): Promise<void> {
  for (let left = count; left > 0; left -= 200) {
    const writes = Array.from({ length: Math.min(200, left) }, (_, i) => ({
      $type: 'com.atproto.repo.applyWrites#create' as const,
      collection: POST,
      value: { $type: POST, text: `post ${left} ${i}`, createdAt: new Date().toISOString() },
    }))
    await account.call('com.atproto.repo.applyWrites', { repo: account.did, writes })
  }
}

async function exported(account: TestAccount) {
  const car = await account.call('com.atproto.sync.getRepo', { did: account.did })
  return readCar(new Uint8Array(await new Response(car).arrayBuffer()))
}

async function getBlocks(account: TestAccount, cids: readonly string[]): Promise<Uint8Array> {
  const car = await account.call('com.atproto.sync.getBlocks', { did: account.did, cids: [...cids] })
  return new Uint8Array(await new Response(car).arrayBuffer())
}
