/** A batch that is refused, however late, leaves no trace: not in the repository, not in what is in memory, not on the firehose. */
import { expect, test } from 'bun:test'
import { fetchExport } from '#tests/support/fetch-export.ts'
import { consume } from '#tests/support/firehose-consumer.ts'
import { startPds, type TestAccount } from '#tests/support/pds.ts'

const THING = 'com.example.thing'
const MANY = Array.from({ length: 100 }, (_, i) => create(`new${i}`, { i }))
/** stands for numbers that take 9 bytes each, but 4 as JSON */
const LARGE = '#'
/** Records of 1.99 MB, which with the nodes of their tree are more than 2 MB. */
const TOO_LARGE = Array.from({ length: 200 }, (_, i) => create(`large${i}`, { i, a: LARGE }))
const WRONG = 'bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm'
const BLOB = { $type: 'blob', ref: { $link: WRONG.replace('yrei', 'krei') }, mimeType: 'text/plain', size: 1 }

function create(rkey: string, value: object = {}) {
  return { $type: 'com.atproto.repo.applyWrites#create', collection: THING, rkey, value }
}

function update(rkey: string, value: object) {
  return { $type: 'com.atproto.repo.applyWrites#update', collection: THING, rkey, value }
}

function remove(rkey: string) {
  return { $type: 'com.atproto.repo.applyWrites#delete', collection: THING, rkey }
}

const refusals: readonly [title: string, writes: object[], error: string, input?: object][] = [
  ['a creation where there is a record', [...MANY, update('a', { n: 9 }), create('b')], 'InvalidRequest'],
  ['an update of nothing', [...MANY, remove('a'), update('none', {})], 'InvalidRequest'],
  ['a deletion of nothing', [...MANY, remove('a'), remove('none')], 'InvalidRequest'],
  ['a second write of one path', [...MANY, remove('a'), create('new7')], 'InvalidRequest'],
  ['a record that is not valid', [...MANY, remove('a'), create('x', { a: 1.5 })], 'InvalidRequest'],
  ['a record of another type', [...MANY, remove('a'), create('x', { $type: 'a.b.c' })], 'InvalidRequest'],
  ['a blob that is not there', [...MANY, remove('a'), create('x', { blob: BLOB })], 'BlobNotFound'],
  ['another head', [...MANY, remove('a')], 'InvalidSwap', { swapCommit: WRONG }],
  [
    'records of more than 2 MB',
    [remove('a'), ...Array.from({ length: 105 }, (_, i) => create(`x${i}`, { i, a: LARGE, b: LARGE }))],
    'InvalidRequest',
  ],
  ['a commit of more than 2 MB', TOO_LARGE, 'InvalidRequest'],
  ['201 writes', [...MANY, remove('a'), ...MANY], 'InvalidRequest'],
]

/** Calls applyWrites. A text of `LARGE` becomes a list that takes 10 kB. */
async function apply(account: TestAccount, writes: object[], input: object): Promise<unknown> {
  const text = JSON.stringify({ repo: account.did, writes, ...input })
  const response = await fetch(`${account.pds.url}/xrpc/com.atproto.repo.applyWrites`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${account.accessJwt}` },
    body: text.replaceAll(JSON.stringify(LARGE), `[${Array(1107).fill('9e9').join()}]`),
  })
  return await response.json()
}

for (const [title, writes, error, input = {}] of refusals) {
  test(`a batch that is refused for ${title} changes nothing`, async () => {
    await using pds = await startPds()
    const alice = await pds.createAccount('alice')
    for (const rkey of ['a', 'b', 'c']) await apply(alice, [create(rkey, { rkey })], {})
    const { plcUrl } = pds.app.config
    await using consumer = await consume(pds.url, { plcUrl, cursor: 0, fromGenesis: true })
    const head = await pds.call('com.atproto.sync.getLatestCommit', { did: alice.did })
    const before = await fetchExport(pds, alice.did)
    const { lastSeq } = pds.app.sequencer

    expect(await apply(alice, writes, input)).toMatchObject({ error })

    expect(await pds.call('com.atproto.sync.getLatestCommit', { did: alice.did })).toEqual(head)
    expect(await fetchExport(pds, alice.did)).toEqual(before)
    expect(pds.app.sequencer.lastSeq).toBe(lastSeq)
    await apply(alice, [update('a', { n: 1 }), create('d')], { swapCommit: head.cid })
    await consumer.waitForSeq(lastSeq + 1)
    expect(consumer.events.at(-1)).toMatchObject({
      seq: lastSeq + 1,
      since: head.rev,
      prevData: before.dataCid,
    })
    expect(consumer.faults).toEqual([])
    expect([...(await fetchExport(pds, alice.did)).records.keys()]).toEqual(
      ['a', 'b', 'c', 'd'].map((rkey) => `${THING}/${rkey}`),
    )
  })
}

test('writes beside a refused one are done, before and after it', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const { plcUrl } = pds.app.config
  await using consumer = await consume(pds.url, { plcUrl, cursor: 0, fromGenesis: true })

  const answers = await Promise.all([
    apply(alice, [create('a', { n: 1 })], {}),
    apply(alice, [create('b')], {}),
    apply(alice, TOO_LARGE, {}),
    apply(alice, [create('c'), update('none', {})], {}),
    apply(alice, [create('c'), create('d')], {}),
    ...Array.from({ length: 12 }, (_, i) => apply(alice, [create(`e${i}`)], {})),
  ])

  const refused = answers.filter((answer) => typeof answer === 'object' && answer && 'error' in answer)
  expect(refused).toHaveLength(2)
  await consumer.waitForSeq(pds.app.sequencer.lastSeq)
  expect(consumer.faults).toEqual([])
  expect((await fetchExport(pds, alice.did)).records.size).toBe(4 + 12)
})
