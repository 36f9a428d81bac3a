import { expect, test } from 'bun:test'
import { blobRefsOf, legacyBlobIn } from '#repo/blob-ref.ts'
import { formatCid } from '#repo/cid.ts'
import { cid } from '#tests/support/trees.ts'

const LINK = 'bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity'
const blob = { $type: 'blob', ref: { $link: LINK }, mimeType: 'image/jpeg', size: 10_000 }

test('references are found wherever they are in a record', () => {
  const other = { ...blob, size: 0, mimeType: 'a/b' }
  const record = { $type: 'x.y.z', list: [1, [{ deep: { blob } }], null], embed: { a: other }, text: LINK }

  expect(blobRefsOf(record).toSorted((a, b) => b.size - a.size)).toEqual([
    { cid: cid(LINK), mimeType: 'image/jpeg', size: 10_000 },
    { cid: cid(LINK), mimeType: 'a/b', size: 0 },
  ])
})

test('what is almost a reference is none', () => {
  const almost = [
    { ...blob, extra: 1 },
    { ...blob, $type: 'Blob' },
    { ...blob, size: '10000' },
    { ...blob, size: 1.5 },
    { ...blob, size: -2 },
    { ...blob, mimeType: 'image' },
    { ...blob, mimeType: 1 },
    { ...blob, ref: LINK },
    { ...blob, ref: { $link: LINK, more: 1 } },
    { ...blob, ref: { $link: 'QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n' } },
    { ...blob, ref: [LINK] },
    { $type: 'blob', mimeType: 'image/jpeg', size: 1 },
  ]
  for (const map of almost) expect(blobRefsOf({ map })).toEqual([])
})

test('references of the old form are noticed, and what is almost one is not', () => {
  const old = { cid: LINK, mimeType: 'image/jpeg' }

  expect(legacyBlobIn({ avatar: old })).toBe(LINK)
  expect(legacyBlobIn([[{ a: old }]])).toBe(LINK)
  const cidV0 = 'QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n'
  expect(legacyBlobIn({ a: { cid: cidV0, mimeType: 'x' } })).toBe(cidV0)
  expect(blobRefsOf({ avatar: old })).toEqual([])
  for (const map of [
    { ...old, $type: 'x' },
    { ...old, cid: 'nope' },
    { ...old, cid: LINK.toUpperCase() },
    { ...old, mimeType: '' },
  ]) {
    expect(legacyBlobIn({ map })).toBeNull()
  }
})

test('input of any shape and depth is walked', () => {
  let deep: unknown = { blob }
  for (let i = 0; i < 200_000; i++) deep = [deep]

  expect(blobRefsOf(deep).map((ref) => formatCid(ref.cid))).toEqual([LINK])
  expect(legacyBlobIn(deep)).toBeNull()
  for (const value of [null, undefined, 1, 'x', true, []]) expect(blobRefsOf(value)).toEqual([])
})
