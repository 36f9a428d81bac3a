/** Long collections page by page. */
import { expect, test } from 'bun:test'
import { startPds, type TestAccount } from '#tests/support/pds.ts'

const THING = 'com.example.thing'
/** of all lengths and characters, in order */
const KEYS = [
  ...Array.from({ length: 150 }, (_, i) => `k${i}`),
  ...['-', '.a', '...', '0', ':', 'A', 'Z', '_', '_a', 'a', 'k', 'k.', 'k~', '~', '~~', 'k'.repeat(512)],
].sort()

async function fill(account: TestAccount): Promise<void> {
  await account.call('com.atproto.repo.applyWrites', {
    repo: account.did,
    writes: KEYS.map((rkey) => ({
      $type: 'com.atproto.repo.applyWrites#create' as const,
      collection: THING,
      rkey,
      value: {},
    })),
  })
  for (const collection of ['com.example.thin', 'com.example.thing.a', 'com.example.thingA'])
    await account.call('com.atproto.repo.putRecord', { repo: account.did, collection, rkey: 'm', record: {} })
}

/** The record keys of each page, up to the empty one at the end; `between` happens after each. */
async function pages(
  account: TestAccount,
  page: { limit?: number; reverse?: boolean },
  between: () => Promise<unknown> = async () => {},
): Promise<string[][]> {
  const found: string[][] = []
  let cursor: string | undefined
  for (;;) {
    const answer = await account.call('com.atproto.repo.listRecords', {
      repo: account.did,
      collection: THING,
      ...page,
      ...(cursor !== undefined && { cursor }),
    })
    if (answer.records.length === 0) {
      expect(answer).toEqual({ records: [] })
      return found
    }
    found.push(answer.records.map(({ uri }) => uri.slice(uri.lastIndexOf('/') + 1)))
    expect(answer.cursor).toBe(found.at(-1)?.at(-1) ?? '')
    cursor = answer.cursor
    await between()
  }
}

test('every record is on one page, the greatest key first', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  await fill(alice)

  for (const limit of [100, 7, 1]) {
    const found = await pages(alice, { limit })
    expect(found.flat()).toEqual(KEYS.toReversed())
    expect(found.slice(0, -1).every((page) => page.length === limit)).toBe(true)
  }
  expect((await pages(alice, {})).map((page) => page.length)).toEqual([50, 50, 50, KEYS.length - 150])
})

test('every record is on one page, the least key first', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  await fill(alice)

  for (const limit of [100, 7]) {
    expect((await pages(alice, { limit, reverse: true })).flat()).toEqual(KEYS)
  }
})

test('pages go on where they were when records come and go', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  await fill(alice)
  const target = { repo: alice.did, collection: THING }
  const there = KEYS.toReversed()
  let step = 0
  const between = async () => {
    const rkey = `z${step++}` // before the first page
    await alice.call('com.atproto.repo.createRecord', { ...target, rkey, record: {} })
    const reached = there.indexOf(`k${step}`)
    if (reached >= 0) await alice.call('com.atproto.repo.deleteRecord', { ...target, rkey: `k${step}` })
  }

  const found = (await pages(alice, { limit: 10 }, between)).flat()

  expect(found).toEqual([...new Set(found)])
  expect(found.toSorted().toReversed()).toEqual(found)
  const deleted = new Set(Array.from({ length: step }, (_, i) => `k${i + 1}`))
  expect(found.filter((key) => !deleted.has(key))).toEqual(there.filter((key) => !deleted.has(key)))
})

test('a page goes on from a record that is gone', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  await fill(alice)
  const target = { repo: alice.did, collection: THING }
  const first = await alice.call('com.atproto.repo.listRecords', { ...target, limit: 5 })
  await alice.call('com.atproto.repo.deleteRecord', { ...target, rkey: first.cursor ?? '' })

  const second = await alice.call('com.atproto.repo.listRecords', {
    ...target,
    limit: 1,
    cursor: first.cursor ?? '',
  })

  expect(second.cursor).toBe(KEYS.at(-6) ?? '')
})

test('records without key come back newest first', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const uris: string[] = []
  for (let n = 0; n < 12; n++) {
    const input = { repo: alice.did, collection: THING, record: { n } }
    uris.push((await alice.call('com.atproto.repo.createRecord', input)).uri)
  }

  const { records } = await alice.call('com.atproto.repo.listRecords', {
    repo: alice.did,
    collection: THING,
  })

  expect(records.map(({ uri }) => uri as string)).toEqual(uris.toReversed())
})
