import { expect, test } from 'bun:test'
import { CID } from 'multiformats/cid'
import { cidAt, cidOf, codecOf, formatCid, parseCid, sameCid } from '#repo/cid.ts'
import { randomBytes } from '#std/bytes.ts'

const EMPTY_RAW = 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'

test('the CID of nothing is that of the specification', () => {
  expect(formatCid(cidOf('raw', new Uint8Array(0)))).toBe(EMPTY_RAW)
})

test('CIDs are written and read as multiformats does', () => {
  for (let i = 0; i < 500; i++) {
    const cid = cidOf(i % 2 === 0 ? 'raw' : 'dag-cbor', randomBytes(i))
    const text = formatCid(cid)

    expect(text).toBe(CID.decode(cid).toString())
    expect(parseCid(text)).toEqual(cid)
    expect(codecOf(cid)).toBe(i % 2 === 0 ? 'raw' : 'dag-cbor')
  }
})

test('text that is not the one spelling of a CID of ours is refused', () => {
  const refused = [
    '',
    'b',
    EMPTY_RAW.slice(1),
    EMPTY_RAW.slice(0, -1),
    `${EMPTY_RAW}=`,
    `${EMPTY_RAW.slice(0, -1)}v`, // bits behind the end
    EMPTY_RAW.toUpperCase(),
    `z${EMPTY_RAW.slice(1)}`,
    `b${'a'.repeat(58)}`,
    `bafkr${'ü'.repeat(54)}`,
    'bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi', // dag-pb
    'QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n',
    'x'.repeat(100_000),
  ]
  for (const text of refused) expect(parseCid(text), text.slice(0, 70)).toBeNull()
})

test('a CID is found in bytes only where all of it is', () => {
  const cid = cidOf('dag-cbor', randomBytes(10))
  const bytes = Buffer.concat([randomBytes(5), cid])

  expect(cidAt(bytes, 5)).toEqual(cid)
  expect(cidAt(bytes, 4)).toBeNull()
  expect(cidAt(bytes.subarray(0, 40), 5)).toBeNull()
  expect(sameCid(cid, cidOf('dag-cbor', randomBytes(10)))).toBe(false)
})

test('a CID read from a buffer does not change with it', () => {
  const bytes = Buffer.from(cidOf('raw', randomBytes(3)))
  const cid = cidAt(bytes, 0)!
  const text = formatCid(cid)

  bytes.fill(0)

  expect(formatCid(cid)).toBe(text)
})
