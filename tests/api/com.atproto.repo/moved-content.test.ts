/**
 * One content under several keys, and content that moves from one key to another in one commit. Both have a block in
 * common, which must not be lost with one of its records.
 */
import { expect, test } from 'bun:test'
import { fetchExport } from '#tests/support/fetch-export.ts'
import { consume } from '#tests/support/firehose-consumer.ts'
import { type Pds, startPds, type TestAccount } from '#tests/support/pds.ts'

const THING = 'com.example.thing'

type Write = Parameters<typeof apply>[1][number]

function create(rkey: string, n: number, collection = THING) {
  return { $type: 'com.atproto.repo.applyWrites#create' as const, collection, rkey, value: { n } }
}

function update(rkey: string, n: number, collection = THING) {
  return { $type: 'com.atproto.repo.applyWrites#update' as const, collection, rkey, value: { n } }
}

function remove(rkey: string, collection = THING) {
  return { $type: 'com.atproto.repo.applyWrites#delete' as const, collection, rkey }
}

async function apply(
  account: TestAccount,
  writes: (ReturnType<typeof create> | ReturnType<typeof update> | ReturnType<typeof remove>)[],
): Promise<void> {
  await account.call('com.atproto.repo.applyWrites', { repo: account.did, writes })
}

/** The number in each thing of the account, by key: as single records, as a list and in the export. */
async function numbersOf(pds: Pds, account: TestAccount): Promise<Record<string, unknown>> {
  const repo = account.did
  const { records } = await account.call('com.atproto.repo.listRecords', {
    repo,
    collection: THING,
    limit: 100,
  })
  const { values } = await fetchExport(pds, repo)
  const numbers: Record<string, unknown> = {}
  for (const { uri, cid, value } of records) {
    const rkey = uri.slice(uri.lastIndexOf('/') + 1)
    const single = await account.call('com.atproto.repo.getRecord', { repo, collection: THING, rkey })
    expect(single).toEqual({ uri, cid, value })
    const n = values.get(`${THING}/${rkey}`)?.get('n')
    expect(value).toEqual({ $type: THING, n: Number(n) })
    numbers[rkey] = n
  }
  expect(values.size).toBe(records.length)
  return numbers
}

const cases: readonly [title: string, before: Write[], batch: Write[], after: Record<string, number>][] = [
  ['created under two keys', [], [create('a', 1), create('b', 1)], { a: 1, b: 1 }],
  ['moved to a new key', [create('a', 1)], [remove('a'), create('b', 1)], { b: 1 }],
  ['moved to a new key, in the other order', [create('a', 1)], [create('b', 1), remove('a')], { b: 1 }],
  ['moved to a key before it', [create('b', 1)], [create('a', 1), remove('b')], { a: 1 }],
  ['moved onto another record', [create('a', 1), create('b', 2)], [remove('a'), update('b', 1)], { b: 1 }],
  [
    'exchanged by two records',
    [create('a', 1), create('b', 2)],
    [update('a', 2), update('b', 1)],
    { a: 2, b: 1 },
  ],
  [
    'handed on along three records',
    [create('a', 1), create('b', 2), create('c', 3)],
    [update('a', 2), update('b', 3), update('c', 1)],
    { a: 2, b: 3, c: 1 },
  ],
  [
    'changed where it was, and created anew',
    [create('a', 1)],
    [update('a', 2), create('b', 1)],
    { a: 2, b: 1 },
  ],
  ['deleted under one of two keys', [create('a', 1), create('b', 1)], [remove('a')], { b: 1 }],
  ['changed under one of two keys', [create('a', 1), create('b', 1)], [update('b', 2)], { a: 1, b: 2 }],
  ['deleted under both', [create('a', 1), create('b', 1)], [remove('a'), remove('b')], {}],
  ['updated to what it is', [create('a', 1)], [update('a', 1)], { a: 1 }],
]

for (const [title, before, batch, after] of cases) {
  test(`content ${title} is there afterwards, and on the firehose`, async () => {
    await using pds = await startPds()
    const alice = await pds.createAccount('alice')
    await apply(alice, before)
    await using consumer = await consume(pds.url, {
      plcUrl: pds.app.config.plcUrl,
      cursor: 0,
      fromGenesis: true,
    })

    await apply(alice, batch)

    expect(await numbersOf(pds, alice)).toEqual(after)
    await consumer.waitForSeq(pds.app.sequencer.lastSeq)
    expect(consumer.faults).toEqual([])
  })
}

test('content that was deleted can be written again, by any method', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const a = { repo: alice.did, collection: THING, rkey: 'a' }
  await alice.call('com.atproto.repo.createRecord', { ...a, record: { n: 1 } })
  await alice.call('com.atproto.repo.deleteRecord', a)
  await alice.call('com.atproto.repo.putRecord', { ...a, record: { n: 1 } })
  await alice.call('com.atproto.repo.putRecord', { ...a, record: { n: 2 } })
  await alice.call('com.atproto.repo.putRecord', { ...a, record: { n: 1 } })
  await alice.call('com.atproto.repo.createRecord', { ...a, rkey: 'b', record: { n: 1 } })

  await alice.call('com.atproto.repo.deleteRecord', a)

  expect(await numbersOf(pds, alice)).toEqual({ b: 1 })
})

test('100 records of one content move to 100 other keys at once', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const keys = (letter: string) => Array.from({ length: 100 }, (_, i) => `${letter}${i}`)
  await apply(
    alice,
    keys('a').map((rkey) => create(rkey, 1)),
  )

  await apply(alice, [...keys('a').map((rkey) => remove(rkey)), ...keys('b').map((rkey) => create(rkey, 1))])

  expect(Object.keys(await numbersOf(pds, alice)).sort()).toEqual(keys('b').sort())
})
