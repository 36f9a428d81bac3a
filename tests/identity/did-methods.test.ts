import { expect, test } from 'bun:test'
import { didWebUrl, isAccountDid } from '#identity/did-methods.ts'
import type { Did } from '#lexicon/strings.ts'

test.each([
  ['did:plc:ewvi7nxzyoun6zhxrhs64oiz', true],
  ['did:web:example.com', true],
  ['did:web:blog.example.com', true],
  ['did:plc:ewvi7nxzyoun6zhxrhs64oi', false],
  ['did:plc:ewvi7nxzyoun6zhxrhs64oizz', false],
  ['did:plc:EWVI7NXZYOUN6ZHXRHS64OIZ', false],
  ['did:plc:ewvi7nxzyoun6zhxrhs64oi1', false],
  ['did:web:example.com:path', false],
  ['did:web:example.com%3A8080', false],
  ['did:web:localhost', false],
  ['did:web:localhost%3A2583', false],
  ['did:web:127.0.0.1', false],
  ['did:web:exa_mple.com', false],
  ['did:web:example..com', false],
  ['did:web:', false],
  ['did:key:zQ3shqwJEJyMBsBXCWyCBpUBMqxcon9oHB7mCvx4sSpMdLJwc', false],
  ['did:example:abc', false],
  ['example.com', false],
  ['', false],
])('whether %j may be the DID of an account: %p', (text, expected) => {
  expect(isAccountDid(text)).toBe(expected)
})

test.each([
  [
    'did:web:example.com',
    'https://example.com/.well-known/did.json',
    'https://example.com/.well-known/did.json',
  ],
  [
    'did:web:Example.COM',
    'https://example.com/.well-known/did.json',
    'https://example.com/.well-known/did.json',
  ],
  ['did:web:localhost', null, 'http://localhost/.well-known/did.json'],
  ['did:web:localhost%3A2583', null, 'http://localhost:2583/.well-known/did.json'],
  ['did:web:localhost%3a2583', null, 'http://localhost:2583/.well-known/did.json'],
  ['did:web:localhost%3A2583%2Fpath', null, null],
  ['did:web:localhost:path', null, null],
  ['did:web:example.com%3A2583', null, null],
  ['did:web:example.com%2Fpath', null, null],
  ['did:web:user%40example.com', null, null],
  ['did:plc:ewvi7nxzyoun6zhxrhs64oiz', null, null],
])('the document of %s is at %j, in development at %j', (did, url, inDevelopment) => {
  expect(didWebUrl(did as Did, { allowLoopback: false })).toBe(url)
  expect(didWebUrl(did as Did, { allowLoopback: true })).toBe(inDevelopment)
})
