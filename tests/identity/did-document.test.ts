import { expect, test } from 'bun:test'
import { P256Keypair, parseDidKey, Secp256k1Keypair } from '@atproto/crypto'
import { base58btc } from 'multiformats/bases/base58'
import {
  asDidDocument,
  claimedHandle,
  type DidDocument,
  pdsEndpoint,
  serviceEndpoint,
  verificationKey,
} from '#identity/did-document.ts'
import type { Json } from '#lexicon/json.ts'
import type { Did } from '#lexicon/strings.ts'

const did = 'did:plc:ewvi7nxzyoun6zhxrhs64oiz' as Did
const k256 = (await Secp256k1Keypair.create()).did()
const p256 = (await P256Keypair.create()).did()

function documentWith(fields: Record<string, Json>): DidDocument {
  return asDidDocument({ id: did, ...fields }, did)!
}

function multibase(didKey: string): string {
  return didKey.slice('did:key:'.length)
}

function method(fields: Record<string, Json>): Json {
  return {
    id: `${did}#atproto`,
    type: 'Multikey',
    controller: did,
    publicKeyMultibase: multibase(k256),
    ...fields,
  }
}

function pds(fields: Record<string, Json>): Json {
  return {
    id: '#atproto_pds',
    type: 'AtprotoPersonalDataServer',
    serviceEndpoint: 'https://pds.example.com',
    ...fields,
  }
}

test.each([
  [null],
  [[]],
  ['text'],
  [1],
  [{}],
  [{ id: 1 }],
  [{ id: 'did:plc:another' }],
  [{ id: did.toUpperCase() }],
])('%j is no document of the DID', (json) => {
  expect(asDidDocument(json, did)).toBeNull()
})

test.each([
  [['at://alice.example.com'], 'alice.example.com'],
  [['at://Alice.Example.COM'], 'alice.example.com'],
  [['https://example.com', 'at://alice.example.com', 'at://bob.example.com'], 'alice.example.com'],
  [['at://not_a_handle', 'at://alice.example.com'], null],
  [['at://alice.example.com/path'], null],
  [['at://'], null],
  [['alice.example.com'], null],
  [[7, null, 'at://alice.example.com'], 'alice.example.com'],
  [[], null],
  ['at://alice.example.com', null],
  [null, null],
])('aliases %j claim the handle %j', (alsoKnownAs, handle) => {
  expect(claimedHandle(documentWith({ alsoKnownAs }))).toBe(handle as never)
})

test('a key is found by its short and by its full name, the first one counts', () => {
  const short = documentWith({ verificationMethod: [method({ id: '#atproto' })] })
  const full = documentWith({ verificationMethod: [method({ id: '#other' }), method({})] })
  const twice = documentWith({
    verificationMethod: [method({ publicKeyMultibase: multibase(p256) }), method({ id: '#atproto' })],
  })
  const label = documentWith({ verificationMethod: [method({ id: '#atproto_label' })] })

  expect(verificationKey(short)).toBe(k256)
  expect(verificationKey(full)).toBe(k256)
  expect(verificationKey(twice)).toBe(p256)
  expect([verificationKey(label), verificationKey(label, 'atproto_label')]).toEqual([null, k256])
})

test.each([
  ['EcdsaSecp256k1VerificationKey2019', k256, 'uncompressed'],
  ['EcdsaSecp256k1VerificationKey2019', k256, 'compressed'],
  ['EcdsaSecp256r1VerificationKey2019', p256, 'uncompressed'],
  ['EcdsaSecp256r1VerificationKey2019', p256, 'compressed'],
])('a legacy key of type %s is read as %s, %s', (type, key, form) => {
  const bytes = base58btc.decode(multibase(key))
  // @atproto/crypto reads points uncompressed
  const point = form === 'uncompressed' ? parseDidKey(key).keyBytes : bytes.subarray(2)
  const document = documentWith({
    verificationMethod: [method({ type, publicKeyMultibase: base58btc.encode(point) })],
  })

  expect(point.length).toBe(form === 'uncompressed' ? 65 : 33)
  expect(verificationKey(document)).toBe(key)
})

test.each<[string, Json]>([
  ['no methods', null],
  ['an empty list', []],
  ['junk in the list', [7, null, 'text', []]],
  ['another controller', [method({ controller: 'did:web:mallory.example.com' })]],
  ['an unknown type', [method({ type: 'Ed25519VerificationKey2020' })]],
  ['a key that is no text', [method({ publicKeyMultibase: 7 })]],
  [
    'a key of no kind that we know',
    [method({ publicKeyMultibase: 'z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK' })],
  ],
  ['a key in another base', [method({ publicKeyMultibase: `f${Buffer.alloc(35).toString('hex')}` })]],
  ['a key with letters out of base58', [method({ publicKeyMultibase: 'z0OIl' })]],
  ['an endless key', [method({ publicKeyMultibase: `z${'2'.repeat(100_000)}` })]],
  ['a key of another length', [method({ publicKeyMultibase: `${multibase(k256)}2` })]],
  ['the name of another DID', [method({ id: 'did:plc:another#atproto' })]],
])('a document with %s has no signing key', (_, verificationMethod) => {
  expect(verificationKey(documentWith({ verificationMethod }))).toBeNull()
})

test.each([
  ['https://pds.example.com', 'https://pds.example.com'],
  ['https://pds.example.com/', 'https://pds.example.com'],
  ['https://PDS.example.com:443', 'https://pds.example.com'],
  ['https://pds.example.com:8443', 'https://pds.example.com:8443'],
  ['http://localhost:2583', 'http://localhost:2583'],
  ['http://127.0.0.1:2583', 'http://127.0.0.1:2583'],
  ['http://pds.example.com', null],
  ['https://pds.example.com/path', null],
  ['https://pds.example.com?', null],
  ['https://pds.example.com?a=b', null],
  ['https://pds.example.com#', null],
  ['https://user@pds.example.com', null],
  ['https://user:password@pds.example.com', null],
  ['ftp://pds.example.com', null],
  ['wss://pds.example.com', null],
  ['pds.example.com', null],
  ['', null],
  [7, null],
  [{ uri: 'https://pds.example.com' }, null],
])('the endpoint %j is the server %j', (serviceEndpoint, expected) => {
  expect(pdsEndpoint(documentWith({ service: [pds({ serviceEndpoint })] }))).toBe(expected)
})

test('a service is found by its short and by its full name, and is of its type', () => {
  const full = documentWith({ service: [pds({ id: `${did}#atproto_pds` })] })
  const wrongType = documentWith({ service: [pds({ type: 'SomethingElse' })] })
  const labeler = documentWith({
    service: [
      pds({ id: '#atproto_labeler', type: 'AtprotoLabeler', serviceEndpoint: 'https://mod.example.com' }),
    ],
  })

  expect(pdsEndpoint(full)).toBe('https://pds.example.com')
  expect(pdsEndpoint(wrongType)).toBeNull()
  expect(pdsEndpoint(labeler)).toBeNull()
  expect(serviceEndpoint(labeler, 'atproto_labeler', 'AtprotoLabeler')).toBe('https://mod.example.com')
})
