/**
 * Keys of the network: K-256 for everything that we sign; K-256 and P-256 for what others have signed. A signature is r
 * and s, 32 bytes each, over the SHA-256 of a message, and s is in the lower half: of the two values that are as good,
 * the network allows one, so that nobody can alter a signature and with it the CID of what is signed.
 * @see https://atproto.com/specs/cryptography
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { fromHex, randomBytes } from '#std/bytes.ts'
import { Lru } from '#std/lru.ts'
import { formatDidKey, type PublicKey, parseDidKey } from './did-key.ts'
import { InvalidKeyError } from './errors.ts'
import { secp256k1 } from './secp256k1.ts'

/** A private key that can be used and not be seen. */
export interface SigningKey {
  /** the public key, as did:key */
  readonly did: string
  /** The signature of a message: 64 bytes, of low S. May be passed on without its object. */
  readonly sign: (bytes: Uint8Array) => Uint8Array
}

const SECRET_BYTES = 32
const SIGNATURE_BYTES = 64

/** A new key, with its 32 secret bytes for whoever keeps them. */
export function generateK256(): { key: SigningKey; secret: Uint8Array } {
  let secret = randomBytes(SECRET_BYTES)
  while (!secp256k1().isSecret(secret)) secret = randomBytes(SECRET_BYTES)
  return { key: k256FromSecret(secret), secret }
}

/** The key of 32 secret bytes. @throws InvalidKeyError */
export function k256FromSecret(secret: Uint8Array): SigningKey {
  const curve = secp256k1()
  if (!curve.isSecret(secret)) throw new InvalidKeyError('not a private key of K-256')
  const own = Uint8Array.from(secret)
  const hash = new Uint8Array(32)
  return {
    did: formatDidKey({ curve: 'K-256', point: curve.publicKey(own) }),
    sign(bytes) {
      Bun.SHA256.hash(bytes, hash)
      return curve.sign(hash, own)
    },
  }
}

/** What signs here: libsecp256k1 or, where it cannot be loaded, JavaScript. */
export function signerName(): 'native' | 'noble' {
  return secp256k1().name
}

/**
 * Whether `signature` is that of the key over `bytes`. Anything malformed is a no: a key of another kind, DER, high S.
 * @param options.allowHighS for JWTs, whose libraries do not all keep to low S
 */
export function verifySignature(
  didKey: string,
  bytes: Uint8Array,
  signature: Uint8Array,
  options: { allowHighS?: boolean } = {},
): boolean {
  const key = verifierOf(didKey)
  if (!key || signature.length !== SIGNATURE_BYTES) return false
  const isLow = Buffer.compare(signature.subarray(32), HALF_ORDER[key.curve]) <= 0
  if (!isLow && !options.allowHighS) return false
  return key.verify(bytes, isLow ? signature : withLowS(signature, key.curve))
}

interface Verifier extends Pick<PublicKey, 'curve'> {
  /** @param signature of low S */
  verify(bytes: Uint8Array, signature: Uint8Array): boolean
}

/** Decoding a key costs about a tenth of verifying with it, for P-256 more. */
const verifiers = new Lru<string, Verifier>(1000)

function verifierOf(didKey: string): Verifier | null {
  const known = verifiers.get(didKey)
  if (known) return known
  const key = parseDidKey(didKey)
  if (!key) return null
  const verifier = key.curve === 'K-256' ? k256Verifier(key.point) : p256Verifier(key.point)
  if (verifier) verifiers.set(didKey, verifier)
  return verifier
}

function k256Verifier(point: Uint8Array): Verifier {
  const hash = new Uint8Array(32)
  return {
    curve: 'K-256',
    verify(bytes, signature) {
      Bun.SHA256.hash(bytes, hash)
      return secp256k1().verify(signature, hash, point)
    },
  }
}

/** DER of a public key of P-256, up to its compressed point. */
const P256_DER = '3039301306072a8648ce3d020106082a8648ce3d030107032200'

function p256Verifier(point: Uint8Array): Verifier | null {
  let key: KeyObject
  try {
    const der = Buffer.concat([Buffer.from(P256_DER, 'hex'), point])
    key = createPublicKey({ key: der, format: 'der', type: 'spki' })
  } catch {
    return null // not a point of the curve
  }
  return {
    curve: 'P-256',
    verify: (bytes, signature) => verify('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }, signature),
  }
}

const ORDER = {
  'K-256': 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
  'P-256': 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
}
const HALF_ORDER = { 'K-256': bytesOf(ORDER['K-256'] / 2n), 'P-256': bytesOf(ORDER['P-256'] / 2n) }

function withLowS(signature: Uint8Array, curve: PublicKey['curve']): Uint8Array {
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).toString('hex')}`)
  const low = Uint8Array.from(signature)
  if (s < ORDER[curve]) low.set(bytesOf(ORDER[curve] - s), 32)
  return low
}

function bytesOf(value: bigint): Uint8Array {
  return fromHex(value.toString(16).padStart(64, '0')) ?? new Uint8Array(32)
}
