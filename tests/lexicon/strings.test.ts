import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { l } from '@atproto/lex-schema'
import {
  isAtIdentifier,
  isAtUri,
  isDid,
  isHandle,
  isNsid,
  isRecordKey,
  isTid,
  normalizeHandle,
  parseAtUri,
} from '#lexicon/strings.ts'

const FIXTURES = join(import.meta.dirname, '../fixtures/interop/syntax')

/** The cases of a published file: one per line, not trimmed. */
function casesOf(name: string): string[] {
  return readFileSync(join(FIXTURES, `${name}.txt`), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
}

for (const [format, check] of [
  ['did', isDid],
  ['handle', isHandle],
  ['atidentifier', isAtIdentifier],
  ['nsid', isNsid],
  ['recordkey', isRecordKey],
  ['tid', isTid],
  ['aturi', isAtUri],
] as const) {
  test(`${format}: the published examples are told from the counterexamples`, () => {
    const good = casesOf(`${format}_syntax_valid`)
    const bad = casesOf(`${format}_syntax_invalid`)

    expect(good.filter((text) => !check(text))).toEqual([])
    expect(bad.filter((text) => check(text))).toEqual([])
    expect(Math.min(good.length, bad.length)).toBeGreaterThan(3)
  })
}

// of the formats `cid` and `uri` the official server has notions of its own: see fixtures/records/official.json
for (const format of ['datetime', 'language'] as const) {
  test(`${format}: the published examples are told from the counterexamples`, () => {
    const schema = l.string({ format })
    const isValid = (text: string) => schema.safeValidate(text).success

    expect(casesOf(`${format}_syntax_valid`).filter((text) => !isValid(text))).toEqual([])
    expect(casesOf(`${format}_syntax_invalid`).filter(isValid)).toEqual([])
    expect(casesOf(`${format}_parse_invalid`).filter(isValid)).toEqual([])
  })
}

test('a handle is the same in any case', () => {
  expect(normalizeHandle('Alice.Example.COM')).toBe(normalizeHandle('alice.example.com'))
  expect(normalizeHandle('alice')).toBeNull()
})

test('an AT URI comes apart into what it names', () => {
  const did = 'did:plc:ewvi7nxzyoun6zhxrhs64oiz'

  expect(parseAtUri(`at://${did}/app.bsky.feed.post/3jzfcijpj2z2a`)).toEqual({
    authority: did,
    collection: 'app.bsky.feed.post',
    rkey: '3jzfcijpj2z2a',
  } as ReturnType<typeof parseAtUri>)
  expect(parseAtUri('at://alice.test')).toMatchObject({ collection: null, rkey: null })
  expect(parseAtUri('https://alice.test')).toBeNull()
  expect(parseAtUri(`at://${did}/app.bsky.feed.post/..`)).toBeNull()
})
