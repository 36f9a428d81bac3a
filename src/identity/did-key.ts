/**
 * Public keys as DID documents and PLC operations write them, beyond the `did:key` of the two curves that sign here.
 * @see https://atproto.com/specs/cryptography#public-key-encoding
 */
import { base58btc } from 'multiformats/bases/base58'
import { type Curve, formatDidKey, parseDidKey } from '#keys/did-key.ts'

const PREFIX = 'did:key:'
/** Longest text decoded: base58 takes time in the square of its length. */
const MAX_KEY_LENGTH = 256

/** Whether `text` is written as a did:key, of whatever kind. */
export function isDidKey(text: string): boolean {
  return text.startsWith(PREFIX) && (fromBase58(text.slice(PREFIX.length))?.length ?? 0) > 0
}

/** The curve of a did:key that can sign for the network; null for any other text. */
export function curveOf(didKey: string): Curve | null {
  return parseDidKey(didKey)?.curve ?? null
}

/** The did:key of a `Multikey`, which is the same without its prefix; null when it cannot sign for the network. */
export function fromMultikey(multibase: string): string | null {
  return curveOf(PREFIX + multibase) ? PREFIX + multibase : null
}

/** The did:key of a bare point, mostly uncompressed, as documents of before Multikey have it. */
export function fromPoint(curve: Curve, multibase: string): string | null {
  const bytes = fromBase58(multibase)
  if (!bytes) return null
  const point = bytes.length === 65 && bytes[0] === 4 ? compress(bytes) : bytes
  return point.length === 33 && (point[0] === 2 || point[0] === 3) ? formatDidKey({ curve, point }) : null
}

/** The text after `did:key:`, which documents carry as `publicKeyMultibase`. */
export function multikeyOf(didKey: string): string {
  return didKey.startsWith(PREFIX) ? didKey.slice(PREFIX.length) : didKey
}

function compress(point: Uint8Array): Uint8Array {
  const odd = ((point[64] ?? 0) & 1) === 1
  return Uint8Array.from([odd ? 3 : 2, ...point.subarray(1, 33)])
}

function fromBase58(multibase: string): Uint8Array | null {
  if (!multibase.startsWith('z') || multibase.length > MAX_KEY_LENGTH) return null
  try {
    return base58btc.decode(multibase)
  } catch {
    return null
  }
}
