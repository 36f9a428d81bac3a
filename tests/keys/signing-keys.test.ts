import { expect, test } from 'bun:test'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DataLayout } from '#config/layout.ts'
import { SigningKeyExistsError, SigningKeyUnavailableError } from '#keys/errors.ts'
import { generateK256, verifySignature } from '#keys/k256.ts'
import { SigningKeys } from '#keys/signing-keys.ts'
import { type Did, isDid } from '#lexicon/strings.ts'

const ALICE = did('did:plc:aaaaaaaaaaaaaaaaaaaaaaaa')
const BOB = did('did:plc:bbbbbbbbbbbbbbbbbbbbbbbb')

function did(text: string): Did {
  if (!isDid(text)) throw new TypeError(text)
  return text
}

function openKeys() {
  const root = mkdtempSync(join(tmpdir(), 'locus-keys-'))
  const layout = new DataLayout(root)
  return {
    keys: new SigningKeys({ layout }),
    reopened: () => new SigningKeys({ layout }),
    file: (of: Did) => layout.actor(of).key,
    [Symbol.dispose]: () => rmSync(root, { recursive: true }),
  }
}

test('a key is in a file of its own that only the owner may read, and comes back from it', () => {
  using store = openKeys()

  const made = store.keys.create(ALICE)
  const loaded = store.reopened().load(ALICE)

  expect(loaded.did).toBe(made.did)
  expect(verifySignature(made.did, Buffer.from('x'), loaded.sign(Buffer.from('x')))).toBe(true)
  expect(readFileSync(store.file(ALICE))).toHaveLength(32)
  expect(statSync(store.file(ALICE)).mode & 0o777).toBe(0o600)
  expect(store.keys.create(BOB).did).not.toBe(made.did)
})

test('an account that has a key keeps it', () => {
  using store = openKeys()
  const { key, secret } = generateK256()

  const made = store.keys.create(ALICE, secret)

  expect(made.did).toBe(key.did)
  expect(store.keys.create(ALICE).did).toBe(key.did)
  expect(store.reopened().create(ALICE, secret).did).toBe(key.did)
  expect(() => store.keys.create(ALICE, generateK256().secret)).toThrow(SigningKeyExistsError)
  expect(store.reopened().load(ALICE).did).toBe(key.did)
})

test('a key that is destroyed is gone, and destroying it again does no harm', () => {
  using store = openKeys()
  store.keys.create(ALICE)

  store.keys.destroy(ALICE)
  store.keys.destroy(ALICE)
  store.keys.destroy(BOB)

  expect(existsSync(store.file(ALICE))).toBe(false)
  expect(() => store.keys.load(ALICE)).toThrow(SigningKeyUnavailableError)
})

test('a key file that is missing, cut off or empty is told by its path', () => {
  using store = openKeys()
  store.keys.create(ALICE)
  chmodSync(store.file(ALICE), 0o600)

  expect(() => store.keys.load(BOB)).toThrow(`${store.file(BOB)} is missing`)
  for (const content of [new Uint8Array(0), new Uint8Array(31).fill(1), new Uint8Array(32)]) {
    writeFileSync(store.file(ALICE), content)
    expect(() => store.reopened().load(ALICE)).toThrow(`${store.file(ALICE)} does not hold a key`)
    expect(() => store.reopened().create(ALICE)).toThrow(SigningKeyUnavailableError)
  }
})
