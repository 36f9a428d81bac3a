/**
 * Keys as people keep and pass them: a public key as did:key or multikey, a secret one as 64 hex digits or as multikey.
 * Works on text alone; the server's own keys are no business of this.
 */
import {
  BASE58_MULTIBASE_PREFIX,
  bytesToMultibase,
  DID_KEY_PREFIX,
  multibaseToBytes,
  P256Keypair,
  parseDidKey,
  Secp256k1Keypair,
} from '@atproto/crypto'
import { usageError } from '#cli/errors.ts'
import { fromHex, hex } from '#std/bytes.ts'

export const keyTypes = ['k256', 'p256'] as const
export type KeyType = (typeof keyTypes)[number]

export interface PublicKey {
  readonly type: KeyType
  /** the did:key */
  readonly did: string
}

export interface SecretKey extends PublicKey {
  readonly secretHex: string
  /** as goat and other tools write it */
  readonly secretMultikey: string
}

/** Multicodec prefixes of secret keys, as varints. */
const secretPrefixes: Readonly<Record<KeyType, Uint8Array>> = {
  k256: Uint8Array.of(0x81, 0x26),
  p256: Uint8Array.of(0x86, 0x26),
}
const SECRET_BYTES = 32

export async function generateKey(type: KeyType): Promise<SecretKey> {
  const pair = await (type === 'k256' ? Secp256k1Keypair : P256Keypair).create({ exportable: true })
  return secretKey(type, pair.did(), await pair.export())
}

/**
 * Reads a key in any of its forms. Bare hex digits do not say their type, which is then `assumed`.
 * @throws CommandError (usage) when it is none
 */
export async function readKey(text: string, assumed: KeyType): Promise<PublicKey | SecretKey> {
  const bytes = text.length === SECRET_BYTES * 2 ? fromHex(text) : null
  if (bytes) return await secretKeyOf(assumed, bytes)
  const multikey = text.startsWith(DID_KEY_PREFIX) ? text.slice(DID_KEY_PREFIX.length) : text
  const content = multikey.startsWith(BASE58_MULTIBASE_PREFIX) ? multikeyBytes(multikey) : null
  const secretType = keyTypes.find(
    (type) => content && Buffer.from(content).indexOf(secretPrefixes[type]) === 0,
  )
  if (content && secretType)
    return await secretKeyOf(secretType, content.subarray(secretPrefixes[secretType].length))
  return publicKeyOf(`${DID_KEY_PREFIX}${multikey}`)
}

function multikeyBytes(multikey: string): Uint8Array | null {
  try {
    return multibaseToBytes(multikey)
  } catch {
    return null
  }
}

function publicKeyOf(did: string): PublicKey {
  try {
    return { type: parseDidKey(did).jwtAlg === 'ES256K' ? 'k256' : 'p256', did }
  } catch {
    throw notAKey()
  }
}

async function secretKeyOf(type: KeyType, bytes: Uint8Array): Promise<SecretKey> {
  try {
    const pair = await (type === 'k256' ? Secp256k1Keypair : P256Keypair).import(bytes, { exportable: true })
    return secretKey(type, pair.did(), await pair.export())
  } catch {
    throw notAKey()
  }
}

function secretKey(type: KeyType, did: string, bytes: Uint8Array): SecretKey {
  const secretMultikey = bytesToMultibase(Buffer.concat([secretPrefixes[type], bytes]), 'base58btc')
  return { type, did, secretHex: hex(bytes), secretMultikey }
}

function notAKey() {
  return usageError(
    'that is not a key',
    'a key is a did:key, a multikey (z...), or 64 hex digits of a secret one',
  )
}
