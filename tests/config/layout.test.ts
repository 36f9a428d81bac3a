import { expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import { DataLayout } from '#config/layout.ts'

test('an account lives in a directory of its DID, spread by the hash of it', () => {
  const did = 'did:plc:ewvi7nxzyoun6zhxrhs64oiz'
  const shard = createHash('sha256').update(did).digest('hex').slice(0, 2)

  const { directory, store, key } = new DataLayout('/data').actor(did)

  expect(directory).toBe(`/data/actors/${shard}/${did}`)
  expect([store, key]).toEqual([`${directory}/store.sqlite`, `${directory}/key`])
})

test('a DID that is longer than a file name lives under its hash', () => {
  const did = `did:web:${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}.example`

  const { directory } = new DataLayout('/data').actor(did)

  expect(directory).toMatch(/^\/data\/actors\/[0-9a-f]{2}\/sha256-[0-9a-f]{64}$/)
})

test.each(['did:plc:../../etc', 'did:web:a/b', '..', '', 'did:web:a\0b', 'DID:web:a'])(
  '%p is no directory',
  (did) => {
    const layout = new DataLayout('/data')

    expect(() => layout.actor(did)).toThrow(TypeError)
    expect(() => layout.blobs(did)).toThrow(TypeError)
  },
)

test('actors and blobs may lie elsewhere', () => {
  const layout = new DataLayout('/data', { actors: '/a', blobs: '/b' })

  expect(layout.actorsRoot).toBe('/a')
  expect(layout.blob('did:web:x.example', 'bafk')).toBe('/b/did:web:x.example/bafk')
  expect(layout.blobsTemporary).toBe('/b/temp')
  expect(layout.service).toBe('/data/service.sqlite')
})
