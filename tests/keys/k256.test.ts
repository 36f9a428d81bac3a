import { expect, test } from 'bun:test'
import { P256Keypair, Secp256k1Keypair, verifySignature as verifyOfficially } from '@atproto/crypto'
import { base58btc } from 'multiformats/bases/base58'
import { formatDidKey, parseDidKey } from '#keys/did-key.ts'
import { InvalidKeyError } from '#keys/errors.ts'
import { generateK256, k256FromSecret, signerName, verifySignature } from '#keys/k256.ts'
import { native, noble } from '#keys/secp256k1.ts'
import { fromHex, randomBytes } from '#std/bytes.ts'
import signatures from '#tests/fixtures/interop/crypto/signature-fixtures.json'
import k256Keys from '#tests/fixtures/interop/crypto/w3c_didkey_K256.json'
import p256Keys from '#tests/fixtures/interop/crypto/w3c_didkey_P256.json'

const ORDER = {
  'K-256': 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
  'P-256': 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
}

function secretOf(hex: string): Uint8Array {
  return fromHex(hex) ?? new Uint8Array(0)
}

/** The same signature with the other s. */
function flipped(signature: Uint8Array, curve: keyof typeof ORDER): Uint8Array {
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).toString('hex')}`)
  return Buffer.concat([
    signature.subarray(0, 32),
    secretOf((ORDER[curve] - s).toString(16).padStart(64, '0')),
  ])
}

test('signatures of the vectors verify, and those of high S and in DER do not', () => {
  for (const { comment, messageBase64, publicKeyDid, signatureBase64, validSignature } of signatures) {
    const message = Buffer.from(messageBase64, 'base64')
    const signature = Buffer.from(signatureBase64, 'base64')

    expect(verifySignature(publicKeyDid, message, signature), comment).toBe(validSignature)
  }
})

test('JWTs may be of high S, but not in DER', () => {
  for (const { comment, messageBase64, publicKeyDid, signatureBase64, tags } of signatures) {
    const message = Buffer.from(messageBase64, 'base64')
    const signature = Buffer.from(signatureBase64, 'base64')
    const isDer = tags.some((tag) => tag === 'der-encoded')

    expect(verifySignature(publicKeyDid, message, signature, { allowHighS: true }), comment).toBe(!isDer)
  }
})

test('keys of the vectors have their did:key', async () => {
  for (const { privateKeyBytesHex, publicDidKey } of k256Keys) {
    expect(k256FromSecret(secretOf(privateKeyBytesHex)).did).toBe(publicDidKey)
  }
  for (const { privateKeyBytesBase58, publicDidKey } of p256Keys) {
    const key = await P256Keypair.import(base58btc.decode(`z${privateKeyBytesBase58}`))
    expect(formatDidKey({ curve: 'P-256', point: key.publicKeyBytes() })).toBe(publicDidKey)
    expect(parseDidKey(publicDidKey)).toEqual({ curve: 'P-256', point: key.publicKeyBytes() })
  }
})

test('native code, noble and @atproto/crypto make the same signatures', async () => {
  const backends = [native(), noble()].filter((backend) => backend !== null)
  for (let i = 0; i < 30; i++) {
    const { key, secret } = generateK256()
    const message = randomBytes(i * 10)
    const hash = new Uint8Array(32)
    Bun.SHA256.hash(message, hash)
    const official = await Secp256k1Keypair.import(secret)
    const signature = key.sign(message)

    expect(key.did).toBe(official.did())
    expect(Buffer.from(signature)).toEqual(Buffer.from(await official.sign(message)))
    for (const backend of backends) {
      expect(Buffer.from(backend.sign(hash, secret))).toEqual(Buffer.from(signature))
      expect(Buffer.from(backend.publicKey(secret))).toEqual(Buffer.from(official.publicKeyBytes()))
    }
    expect(await verifyOfficially(key.did, message, signature)).toBe(true)
  }
})

test('the native signer is the one in use where it can be loaded', () => {
  expect(signerName()).toBe(native() ? 'native' : 'noble')
})

test('signatures of P-256 made by @atproto/crypto verify', async () => {
  for (let i = 0; i < 20; i++) {
    const key = await P256Keypair.create()
    const message = randomBytes(50)
    const signature = await key.sign(message)

    expect(verifySignature(key.did(), message, signature)).toBe(true)
    expect(verifySignature(key.did(), message, flipped(signature, 'P-256'))).toBe(false)
    expect(verifySignature(key.did(), message, flipped(signature, 'P-256'), { allowHighS: true })).toBe(true)
  }
})

test('a signature is good for its message and key alone, and in one of its two forms', () => {
  const { key } = generateK256()
  const message = Buffer.from('hello')
  const signature = key.sign(message)
  const altered = Buffer.from(signature)
  altered[5]! ^= 1

  expect(verifySignature(key.did, message, signature)).toBe(true)
  expect(verifySignature(key.did, Buffer.from('hallo'), signature)).toBe(false)
  expect(verifySignature(generateK256().key.did, message, signature)).toBe(false)
  expect(verifySignature(key.did, message, altered)).toBe(false)
  expect(verifySignature(key.did, message, flipped(signature, 'K-256'))).toBe(false)
  expect(verifySignature(key.did, message, flipped(signature, 'K-256'), { allowHighS: true })).toBe(true)
})

test('malformed keys and signatures are a no, never an error', async () => {
  const { key } = generateK256()
  const p256 = await P256Keypair.create()
  const message = Buffer.from('hello')
  const signatures = [0, 1, 63, 64, 65, 72].flatMap((length) => [
    new Uint8Array(length),
    new Uint8Array(length).fill(0xff),
    randomBytes(length),
  ])
  for (const did of [key.did, p256.did()]) {
    for (const signature of signatures) {
      expect(verifySignature(did, message, signature)).toBe(false)
      expect(verifySignature(did, message, signature, { allowHighS: true })).toBe(false)
    }
  }
  const keys = [
    '',
    'did:key:',
    'did:key:z',
    'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa',
    key.did.slice(0, -1),
    `${key.did}1`,
    key.did.replace('zQ', 'zO'),
    key.did.replace('did:key:z', 'did:key:u'),
    `did:key:z${'1'.repeat(100_000)}`,
    formatDidKey({ curve: 'K-256', point: Uint8Array.of(2, ...new Uint8Array(32).fill(0xff)) }),
    formatDidKey({ curve: 'P-256', point: Uint8Array.of(2, ...new Uint8Array(32).fill(0xff)) }),
    formatDidKey({ curve: 'P-256', point: Uint8Array.of(5, ...new Uint8Array(32)) }),
    'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK', // Ed25519
  ]
  for (const did of keys)
    expect(verifySignature(did, message, key.sign(message)), did.slice(0, 80)).toBe(false)
})

test('only numbers below the order of the curve are keys', () => {
  const order = secretOf(ORDER['K-256'].toString(16))

  for (const secret of [
    new Uint8Array(32),
    order,
    new Uint8Array(32).fill(0xff),
    randomBytes(31),
    randomBytes(33),
  ]) {
    expect(() => k256FromSecret(secret)).toThrow(InvalidKeyError)
    expect(noble().isSecret(secret)).toBe(false)
  }
})

test('a key does not change when the bytes it was made of are wiped', () => {
  const { secret } = generateK256()
  const key = k256FromSecret(secret)
  const before = Buffer.from(key.sign(Buffer.from('hello')))

  secret.fill(1)

  expect(Buffer.from(key.sign(Buffer.from('hello')))).toEqual(before)
})
