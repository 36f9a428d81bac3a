/** The readers that check our repositories are themselves checked, by the vectors of the network. */
import { expect, test } from 'bun:test'
import dataModel from '#tests/fixtures/interop/data-model/data-model-fixtures.json'
import proofs from '#tests/fixtures/interop/firehose/commit-proof-fixtures.json'
import heights from '#tests/fixtures/interop/mst/key_heights.json'
import { type CborValue, decode, encode, Link } from '#tests/support/independent/cbor.ts'
import { cidOf } from '#tests/support/independent/cid.ts'
import { heightOf, MissingNodeError, Tree, TreeError } from '#tests/support/independent/mst.ts'
import { ScriptedRepo } from '#tests/support/scripted-host.ts'
import { EMPTY_TREE_CID, ExportError, verifyExport } from '#tests/support/verify-export.ts'

const DID = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'

test('keys have the heights of the vectors', () => {
  for (const { key, height } of heights) expect([key, heightOf(key)]).toEqual([key, height])
})

test('an empty tree has the CID of the specification', () => {
  expect(Tree.empty().cid()).toBe('bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm')
  expect(EMPTY_TREE_CID).toBe(Tree.empty().cid())
})

test('trees have the roots of the vectors, before and after their changes and back', () => {
  for (const { leafValue, keys, adds, dels, rootBeforeCommit, rootAfterCommit } of proofs) {
    const before = keys.reduce((tree, key) => tree.set(key, leafValue), Tree.empty())
    const added = adds.reduce((tree, key) => tree.set(key, leafValue), before)
    const after = dels.reduce((tree, key) => tree.delete(key), added)
    const restored = dels.reduce((tree, key) => tree.set(key, leafValue), after)
    const back = adds.reduce((tree, key) => tree.delete(key), restored)

    expect([before.cid(), after.cid(), back.cid()]).toEqual([
      rootBeforeCommit,
      rootAfterCommit,
      rootBeforeCommit,
    ])
  }
})

test('the value of the data model vectors is read and written as it is', () => {
  for (const { cbor_base64, cid } of dataModel) {
    const bytes = Buffer.from(cbor_base64, 'base64')

    expect(cidOf('dag-cbor', bytes)).toBe(cid)
    expect(Buffer.from(encode(decode(bytes))).toString('base64')).toBe(bytes.toString('base64'))
  }
})

test('what is not canonical DAG-CBOR is refused', () => {
  const refused = {
    'a float': 'f93c00',
    'an integer in a longer form': '1800',
    'a length in a longer form': '580100',
    'an indefinite list': '9fff',
    'keys out of order': 'a2626f7001617400',
    'a key twice': 'a2616101616102',
    'a key that is no string': 'a10102',
    'another tag': 'c100',
    'a link without its zero': `d82a5824${'01711220'}${'00'.repeat(32)}`,
    'a CID of another hash': `d82a582500${'01711320'}${'00'.repeat(32)}`,
    undefined: 'f7',
    'no UTF-8': '61ff',
    'an integer beyond 2^53-1': '1b0020000000000000',
    'more after it': '0000',
    'less than it says': '4401',
    'a list longer than its bytes': '9affffffff',
    'too deep': `${'81'.repeat(40)}00`,
  }
  for (const [what, hex] of Object.entries(refused)) {
    expect(() => decode(Buffer.from(hex, 'hex')), what).toThrow()
  }
})

test('values of every kind come back from their bytes', () => {
  const values: CborValue[] = [
    0,
    23,
    24,
    255,
    256,
    65536,
    2 ** 32,
    2 ** 53 - 1,
    -1,
    -(2 ** 53 - 1),
    '',
    'ä€😀',
    true,
    null,
  ]
  for (const value of values) expect(decode(encode(value))).toEqual(value)
})

test('nodes that are not canonical are refused', () => {
  const cid = cidOf('dag-cbor', new Uint8Array())
  const key = [...'abcdefgh']
    .map((letter) => `app.bsky.feed.post/${letter}`)
    .filter((name) => heightOf(name) === 0)
  const link = hexOf(new Link(cid))
  const entry = (name: string, shared = 0) =>
    `a4616b${hexOf(Buffer.from(name.slice(shared)))}6170${hexOf(shared)}6174f66176${link}`
  const [a = '', b = ''] = key
  const refused = {
    'out of order': `a2616582${entry(b)}${entry(a, 19)}616cf6`,
    'not compressed': `a2616582${entry(a)}${entry(b)}616cf6`,
    'without l': `a1616580`,
    'a root that only points down': `a2616580616c${link}`,
    'a leaf with a sub-tree': `a2616581${entry(a)}616c${link}`,
  }
  for (const [what, hex] of Object.entries(refused)) {
    const bytes = Buffer.from(hex, 'hex')
    const root = cidOf('dag-cbor', bytes)
    expect(() => Tree.open(new Map([[root, bytes]]), root), what).toThrow(TreeError)
  }
  expect(() => Tree.open(new Map(), cid)).toThrow(MissingNodeError)
})

test('an export of the official implementation verifies, and does not once a block is missing or falsified', async () => {
  const { repo } = await ScriptedRepo.create(DID)
  for (let i = 0; i < 60; i++) await repo.commit([['create', `app.bsky.feed.post/${i}`, `text ${i}`]])
  const car = await repo.export()
  const expected = { did: DID, didKey: repo.key.did(), anyOrder: true }

  const verified = await verifyExport(car, expected)
  expect(verified.records.size).toBe(60)

  await expect(verifyExport(car, { ...expected, did: `${DID.slice(0, -1)}b` })).rejects.toThrow(ExportError)
  await expect(verifyExport(car.subarray(0, car.length - 1), expected)).rejects.toThrow()
  const falsified = Uint8Array.from(car)
  falsified[car.length - 1]! ^= 1
  await expect(verifyExport(falsified, expected)).rejects.toThrow('does not hash')
})

function hexOf(value: CborValue): string {
  return Buffer.from(encode(value)).toString('hex')
}
