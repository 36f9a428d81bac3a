import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type JsonValue, jsonToLex } from '@atproto/lex-json'
import { faultOfOutput, parseInput, parseParams } from '#lexicon/checks.ts'
import type { LexiconDocument } from '#lexicon/document.ts'
import { knownNsids, lexiconDocument } from '#lexicon/documents.ts'
import { LexiconSchemas, schemas } from '#lexicon/schemas.ts'
import { parseDocument } from '#lexicon/sources.ts'

const FIXTURES = join(import.meta.dirname, '../fixtures/interop/lexicon')

function fixture(name: string) {
  return JSON.parse(readFileSync(join(FIXTURES, name), 'utf8'))
}

const catalog = new LexiconSchemas((nsid): LexiconDocument | null =>
  nsid === 'example.lexicon.record' ? fixture('catalog/record.json') : null,
)

interface RecordExample {
  name: string
  data: JsonValue
}

/** A link to a blob has the raw codec. One example has others, which the official server refuses as well. */
const RAW = 'bafkreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq'

function isValid(data: JsonValue): boolean {
  return catalog.record('example.lexicon.record')?.safeValidate(jsonToLex(data)).success === true
}

function withRawBlob(data: JsonValue): JsonValue {
  const text = JSON.stringify(data)
  return JSON.parse(text.replace(/("\$type":"blob".*?"\$link":")[^"]*/g, `$1${RAW}`))
}

test('the published examples of records are told from the counterexamples', () => {
  const good: RecordExample[] = fixture('record-data-valid.json')
  const bad: RecordExample[] = fixture('record-data-invalid.json')

  expect(good.filter(({ data }) => !isValid(withRawBlob(data))).map(({ name }) => name)).toEqual([])
  expect(bad.filter(({ data }) => isValid(data)).map(({ name }) => name)).toEqual([])
})

test('the published examples of documents are told from the counterexamples', () => {
  const examples = (name: string): { name: string; lexicon: LexiconDocument }[] => fixture(name)

  for (const { name, lexicon } of examples('lexicon-valid.json')) parseDocument(lexicon, name)
  for (const { name, lexicon } of examples('lexicon-invalid.json')) {
    expect(() => parseDocument(lexicon, name)).toThrow(`${name} is no lexicon`)
  }
})

describe('the documents of this program', () => {
  test('are those of the network and our own', () => {
    const namespaces = new Set(knownNsids().map((nsid) => nsid.split('.').slice(0, 2).join('.')))

    expect(namespaces).toEqual(
      new Set(['app.bsky', 'chat.bsky', 'com.atproto', 'com.germnetwork', 'host.locus', 'tools.ozone']),
    )
    expect(knownNsids().length).toBeGreaterThan(390)
  })

  test('are all well formed, and all that they refer to exists', () => {
    for (const nsid of knownNsids()) {
      const document = lexiconDocument(nsid)
      if (!document) throw new Error(`${nsid} is lacking`)
      parseDocument(document, nsid)
      for (const ref of refsIn(document.defs)) {
        const [other = '', name = 'main'] = ref.split('#')
        expect(lexiconDocument(other === '' ? nsid : other)?.defs[name]).toBeDefined()
      }
    }
  })

  test('all compile', () => {
    for (const nsid of knownNsids()) {
      const main = lexiconDocument(nsid)?.defs.main
      if (main?.type === 'record') expect(schemas.record(nsid)).not.toBeNull()
      if (main?.type === 'query' || main?.type === 'procedure') schemas.method(nsid)
    }
  })
})

function* refsIn(value: unknown): Generator<string> {
  if (typeof value !== 'object' || value === null) return
  if ('type' in value && value.type === 'ref' && 'ref' in value && typeof value.ref === 'string')
    yield value.ref
  if ('type' in value && value.type === 'union' && 'refs' in value && Array.isArray(value.refs))
    yield* value.refs
  for (const item of Object.values(value)) yield* refsIn(item)
}

describe('what a method is given', () => {
  test('has defaults filled in', () => {
    expect(parseParams('com.atproto.sync.listRepos', 'cursor=a')).toEqual({ cursor: 'a', limit: 500 })
    expect(parseInput('com.atproto.server.createInviteCodes', { useCount: 2 })).toEqual({
      useCount: 2,
      codeCount: 1,
    })
  })

  test('has lists where the lexicon has them, however many items come', () => {
    const nsid = 'com.atproto.admin.getAccountInfos'
    const [a, b] = ['did:plc:ewvi7nxzyoun6zhxrhs64oiz', 'did:web:example.com']

    expect(parseParams(nsid, `dids=${a}`)).toEqual({ dids: [a] })
    expect(parseParams(nsid, `dids=${a}&dids=${b}`)).toEqual({ dids: [a, b] })
  })

  test('keeps fields that the lexicon does not name, and null apart from absence', () => {
    const input = { repo: 'alice.test', collection: 'a.b.c', rkey: 'x', record: {}, extra: [1] }

    expect(parseInput('com.atproto.repo.putRecord', input)).toEqual(input)
    expect(parseInput('com.atproto.repo.putRecord', { ...input, swapRecord: null })).toEqual({
      ...input,
      swapRecord: null,
    })
    expect(() => parseInput('com.atproto.repo.putRecord', { ...input, swapCommit: null })).toThrow(
      'swapCommit',
    )
  })
})

test('an answer is held against its lexicon, links and blobs included', () => {
  const blob = {
    $type: 'blob',
    ref: { $link: 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku' },
    mimeType: 'image/png',
    size: 0,
  }
  const fault = (answer: object) => faultOfOutput('com.atproto.repo.uploadBlob', JSON.stringify(answer))

  expect(fault({ blob })).toBeNull()
  expect(fault({ blob: { ...blob, ref: 'x' } })).toContain('$.blob')
  expect(fault({})).toContain('blob')
})
