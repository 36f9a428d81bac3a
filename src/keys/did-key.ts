/**
 * Public keys as text: `did:key:z` and, in base58, two bytes for the curve and the compressed point.
 * @see https://atproto.com/specs/cryptography#public-key-encoding
 */
import { base58btc } from 'multiformats/bases/base58'

/** K-256 is secp256k1, P-256 is secp256r1. */
export type Curve = 'K-256' | 'P-256'

export interface PublicKey {
  curve: Curve
  /** compressed: 33 bytes */
  point: Uint8Array
}

const PREFIX = 'did:key:'
const CODECS: Readonly<Record<Curve, readonly [number, number]>> = {
  'K-256': [0xe7, 0x01],
  'P-256': [0x80, 0x24],
}
/** Longest text decoded: base58 takes time in the square of its length. */
const MAX_LENGTH = 128

export function formatDidKey({ curve, point }: PublicKey): string {
  return PREFIX + base58btc.encode(Uint8Array.of(...CODECS[curve], ...point))
}

/** The key, or null when `text` is no did:key of these two curves. Whether its point is on the curve is not checked. */
export function parseDidKey(text: string): PublicKey | null {
  const bytes =
    text.startsWith(PREFIX) && text.length <= MAX_LENGTH ? fromBase58(text.slice(PREFIX.length)) : null
  if (bytes?.length !== 35 || (bytes[2] !== 2 && bytes[2] !== 3)) return null
  const point = bytes.subarray(2)
  if (bytes[0] === CODECS['K-256'][0] && bytes[1] === CODECS['K-256'][1]) return { curve: 'K-256', point }
  return bytes[0] === CODECS['P-256'][0] && bytes[1] === CODECS['P-256'][1] ? { curve: 'P-256', point } : null
}

function fromBase58(multibase: string): Uint8Array | null {
  try {
    return base58btc.decode(multibase)
  } catch {
    return null
  }
}
