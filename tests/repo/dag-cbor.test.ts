import { expect, test } from 'bun:test'
import { jsonToLex, lexToJson } from '@atproto/lexicon'
import { BlockMap, cborToLex } from '@atproto/repo'
import { cidOf, formatCid } from '#repo/cid.ts'
import { decode, decodeToJson, encode, encodeJson, Link } from '#repo/dag-cbor.ts'
import { InvalidCborError, InvalidRecordDataError } from '#repo/errors.ts'
import fixtures from '#tests/fixtures/interop/data-model/data-model-fixtures.json'
import invalid from '#tests/fixtures/interop/data-model/data-model-invalid.json'
import valid from '#tests/fixtures/interop/data-model/data-model-valid.json'
import { decode as decodeStrictly } from '#tests/support/independent/cbor.ts'
import { cidNumber, pick } from '#tests/support/trees.ts'

type LexValue = Parameters<BlockMap['add']>[0]

const LINK = 'bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a'

/** The value as it comes back after it was stored. */
function stored(value: unknown): unknown {
  return decodeToJson(encodeJson(value))
}

function nested(depth: number): unknown {
  let value: unknown = 1
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value }
  return value
}

test('the vectors of the data model have their bytes and CIDs, both ways', () => {
  for (const { json, cbor_base64, cid } of fixtures) {
    const block = encodeJson(json)

    expect(Buffer.from(block).toString('base64').replaceAll('=', '')).toBe(cbor_base64)
    expect(formatCid(cidOf('dag-cbor', block))).toBe(cid)
    expect(decodeToJson(block)).toEqual(json)
  }
})

test('the valid vectors are stored as they are', () => {
  for (const { json } of valid) expect(stored(json)).toEqual(json)
})

/**
 * The official PDS (0.5.35, asked with createRecord and `validate: false`) refuses two of the invalid vectors: fractions,
 * and a record that is no object, which is not for the encoder to say. The others it stores as plain maps, and so do we.
 */
test('of the invalid vectors fractions are refused, and what is almost a link, bytes or blob is a plain map', () => {
  for (const { note, json } of invalid) {
    if (note === 'float') expect(() => encodeJson(json), note).toThrow(InvalidRecordDataError)
    else expect(stored(json), note).toEqual(json)
  }
})

test('links of any kind are links, in the spelling that the network has', () => {
  const spellings = {
    [LINK]: LINK,
    QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n: 'QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n',
    bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi:
      'bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi',
    zb2rhe5P4gXftAwvA4eXQ5HJwsER2owDyS9sKaQRRVQPn93bA:
      'bafkreidon73zkcrwdb5iafqtijxildoonbwnpv7dyd6ef3qdgads2jc4su',
    [`${LINK}=`]: LINK,
  }
  for (const [given, kept] of Object.entries(spellings)) {
    expect(stored({ a: { $link: given } })).toEqual({ a: { $link: kept } })
    expect(encodeJson({ $link: given })[0]).toBe(0xd8)
  }
})

test('what is no CID in a link leaves a plain map', () => {
  const texts = [
    '',
    '.',
    LINK.toUpperCase(),
    `${LINK.slice(0, -1)}b`,
    `f01711220${'ab'.repeat(32)}`,
    `b${'a'.repeat(500)}`,
  ]
  for (const $link of texts) expect(stored({ $link })).toEqual({ $link })
  expect(encodeJson({ $link: '.' })[0]).toBe(0xa1)
})

test('bytes are read as the official server reads them, and come back without padding', () => {
  const read = {
    '': '',
    AA: 'AA',
    'AA==': 'AA',
    'AA=': 'AA',
    AB: 'AA',
    '-_-_': '+/+/',
    AAA: 'AAA',
    'AAA=': 'AAA',
    AAAA: 'AAAA',
  }
  const kept = ['A', 'AAAAA', 'AA AA', 'AA\nAA', 'AA==AA', '====', 'AAAA=', 'AAA==', '=', 'AAAA==', 'AA===']

  for (const [given, back] of Object.entries(read)) {
    expect(stored({ $bytes: given })).toEqual({ $bytes: back })
    expect(encodeJson({ $bytes: given })[0]! >> 5).toBe(2)
  }
  for (const $bytes of kept) {
    expect(stored({ $bytes })).toEqual({ $bytes })
    expect(encodeJson({ $bytes })[0]).toBe(0xa1)
  }
})

test('numbers are safe integers; -0 is 0', () => {
  const largest = Number.MAX_SAFE_INTEGER
  const numbers = [
    0,
    23,
    24,
    255,
    256,
    65535,
    65536,
    2 ** 32 - 1,
    2 ** 32,
    largest,
    -1,
    -24,
    -25,
    -256,
    -257,
    -largest,
  ]
  for (const number of numbers) {
    expect(stored(number)).toBe(number)
    expect(decodeStrictly(encodeJson(number))).toBe(number)
  }
  expect(stored(-0)).toBe(0)
  expect(stored(JSON.parse('[1.0, 1e3]'))).toEqual([1, 1000])
  for (const number of [0.5, 2 ** 53, -(2 ** 53), Number.POSITIVE_INFINITY, Number.NaN]) {
    expect(() => encodeJson({ a: number })).toThrow(InvalidRecordDataError)
  }
})

test('a refusal says where in the record the fault is', () => {
  expect(() => encodeJson({ a: { b: [1, { c: 1.5 }] } })).toThrow('record.a.b.1.c is not an integer (1.5)')
  expect(() => encodeJson({ a: 2 ** 53 })).toThrow('record.a is beyond the integers')
  expect(() => encodeJson(JSON.parse('{"a": {"__proto__": 1}}'))).toThrow('Invalid key: __proto__')
})

test('values that JSON cannot hold are refused rather than guessed at', () => {
  for (const value of [undefined, () => 1, 1n, Symbol('x'), new Date(), new Map()]) {
    expect(() => encodeJson({ a: value })).toThrow(InvalidRecordDataError)
  }
})

test('records nest 32 deep and no deeper, however they are asked', () => {
  expect(stored(nested(32))).toEqual(nested(32))
  expect(() => encodeJson(nested(33))).toThrow('nests deeper')
  expect(() => encodeJson(nested(100_000))).toThrow('nests deeper')
  const deepArray = Buffer.alloc(1_000_000, 0x81)
  expect(() => decodeToJson(deepArray)).toThrow('nesting deeper')
})

test('records have an upper size', () => {
  expect(() => encodeJson({ text: 'x'.repeat(1024 * 1024) })).toThrow(InvalidRecordDataError)
  expect(() => encodeJson(new Array(131_073).fill(0))).toThrow('more than 131072 items')
  expect(() => encodeJson({ ['k'.repeat(8193)]: 1 })).toThrow('key longer than 8192 bytes')
  expect(() => encodeJson({ ['ü'.repeat(4097)]: 1 })).toThrow('key longer than 8192 bytes')
  expect(stored({ ['ü'.repeat(4096)]: 1 })).toEqual({ ['ü'.repeat(4096)]: 1 })
  expect(stored({ text: 'x'.repeat(900_000) })).toEqual({ text: 'x'.repeat(900_000) })
})

test('an encoder that refused something encodes the next as if nothing had been', () => {
  expect(() => encodeJson({ a: 'text', b: 1.5 })).toThrow()

  expect(Buffer.from(encodeJson({ a: 1 })).toString('hex')).toBe('a1616101')
})

test('keys are ordered by length and then by bytes, beyond ASCII too', () => {
  const keys = ['é', 'zz', 'z', 'aaa', 'ß', '', 'b', '€', '\u{1F600}', '\uFF5E', 'aa', 'Z', '0']
  const block = encodeJson(Object.fromEntries(keys.map((key) => [key, 1])))

  expect(Object.keys(decodeToJson(block) as object).filter((key) => key !== '0')).toEqual([
    '',
    'Z',
    'b',
    'z',
    'aa',
    'zz',
    'ß',
    'é',
    'aaa',
    '€',
    '\uFF5E',
    '\u{1F600}',
  ])
  expect(decodeStrictly(block)).toBeInstanceOf(Map)
})

test('halves of surrogate pairs become U+FFFD, and keys that fall together are refused', () => {
  expect(stored({ a: '\ud800x' })).toEqual({ a: '\uFFFDx' })
  expect(() => encodeJson({ '\ud800': 1, '\ud801': 2 })).toThrow('the same in UTF-8')
})

test('names of object members that JavaScript knows are names like any other', () => {
  const record = { constructor: 1, toString: 2, hasOwnProperty: 3, valueOf: null }

  expect(stored(record)).toEqual(record)
})

test('values with bytes and links survive encoding', () => {
  const value = {
    link: new Link(cidNumber(1)),
    bytes: Uint8Array.of(1, 2),
    list: [null, true, -5, 'ü'],
    $link: '.',
  }

  expect(decode(encode(value))).toEqual(value)
  expect(encode({ $link: LINK })[0]).toBe(0xa1)
})

test('only canonical DAG-CBOR is read', () => {
  const refused = {
    nothing: '',
    'a float': 'fb3ff8000000000000',
    'a half float': 'f93c00',
    NaN: 'f97e00',
    undefined: 'f7',
    'a simple value': 'e0',
    'a break': 'ff',
    'a long head for a small number': '1817',
    'a longer head than needed': '190017',
    'an 8-byte head for 32 bits': '1b00000000ffffffff',
    'an integer beyond 2^53': '1b0020000000000000',
    'a negative integer beyond 2^53': '3b001fffffffffffff',
    'an indefinite text': '7f6161ff',
    'an indefinite list': '9fff',
    'an indefinite map': 'bfff',
    'a length in a longer form': '580100',
    'a text that ends early': '6261',
    'text that is not UTF-8': '61ff',
    'text with a surrogate': '63eda080',
    'long text that is not UTF-8': `7864${'61'.repeat(99)}ff`,
    'a list of 2^32 items': '9affffffff',
    'a map of 2^53 pairs': 'bb001fffffffffffff',
    'bytes beyond the input': '5affffffff00',
    'keys out of order': 'a2616201616101',
    'a longer key first': 'a262616101616201',
    'a key twice': 'a2616101616102',
    'a number as key': 'a10101',
    'the key __proto__': 'a1695f5f70726f746f5f5f01',
    'another tag': 'c100',
    'tag 42 on text': 'd82a6161',
    'a CID without its zero': `d82a582401711220${'00'.repeat(32)}`,
    'a CID cut off': `d82a5800`,
    'a CID that is none': 'd82a4300ffff',
    'two items': '0101',
    'reserved head': '1c',
  }
  for (const [what, hex] of Object.entries(refused)) {
    expect(() => decodeToJson(Buffer.from(hex, 'hex')), what).toThrow(InvalidCborError)
    expect(() => decode(Buffer.from(hex, 'hex')), what).toThrow(InvalidCborError)
  }
})

const TEXTS = [
  '',
  'a',
  'text',
  'größer',
  '日本',
  '\u{1F469}‍\u{1F467}',
  'x'.repeat(23),
  'x'.repeat(24),
  'y'.repeat(300),
]

function randomValue(depth: number): unknown {
  const kind = Math.floor(Math.random() * (depth > 4 ? 7 : 9))
  const count = Math.floor(Math.random() * 6)
  switch (kind) {
    case 0:
      return pick([null, true, false])
    case 1:
      return Math.floor((Math.random() - 0.5) * 2 ** pick([4, 8, 16, 32, 50]))
    case 2:
      return { $link: formatCid(cidNumber(count)) }
    case 3:
      return {
        $bytes: Buffer.alloc(count * 7, 9)
          .toString('base64')
          .replaceAll('=', ''),
      }
    case 4:
    case 5:
    case 6:
      return pick(TEXTS) + pick(TEXTS)
    case 7:
      return Array.from({ length: count }, () => randomValue(depth + 1))
    default:
      return Object.fromEntries(
        Array.from({ length: count * 4 }, (_, i) => [pick(TEXTS) + i, randomValue(depth + 1)]),
      )
  }
}

test('random records have the bytes, the CID and the JSON that the official library gives them', async () => {
  for (let i = 0; i < 1500; i++) {
    const record = { $type: 'com.example.x', value: randomValue(0), more: randomValue(1) }
    const block = encodeJson(record)
    const reference = new BlockMap()
    const cid = await reference.add(jsonToLex(record) as LexValue)

    expect(formatCid(cidOf('dag-cbor', block))).toBe(cid.toString())
    expect(JSON.stringify(decodeToJson(block))).toBe(JSON.stringify(lexToJson(cborToLex(block))))
  }
})

test('random damage is either refused or read as what it then says, and never anything else', () => {
  let read = 0
  for (let i = 0; i < 8000; i++) {
    const block = Buffer.from(encode({ value: randomPlain(0), list: [randomPlain(1)] }))
    for (let hits = 1 + Math.floor(Math.random() * 3); hits > 0; hits--) {
      block[Math.floor(Math.random() * block.length)] = Math.floor(Math.random() * 256)
    }
    const bytes = Math.random() < 0.2 ? block.subarray(0, Math.floor(Math.random() * block.length)) : block
    try {
      const value = decode(bytes)
      read++
      expect(Buffer.compare(encode(value), bytes)).toBe(0)
      decodeStrictly(bytes)
    } catch (error) {
      if (!(error instanceof InvalidCborError)) throw error
    }
  }
  expect(read).toBeGreaterThan(100)
})

function randomPlain(depth: number): never {
  const value = randomValue(depth)
  return JSON.parse(JSON.stringify(value), (_, item) =>
    item && typeof item.$link === 'string' ? 'link' : item,
  ) as never
}
