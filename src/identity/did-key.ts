/**
 * Public keys as text: `did:key:z...`, in base58 their kind and their point. The network signs with two kinds.
 * @see https://atproto.com/specs/cryptography#public-key-encoding
 */
import { base58btc } from 'multiformats/bases/base58'

export type Curve = 'K-256' | 'P-256'

const CODECS: Readonly<Record<Curve, readonly [number, number]>> = {
  'K-256': [0xe7, 0x01],
  'P-256': [0x80, 0x24],
}

const PREFIX = 'did:key:'
/** Longest text decoded: base58 takes time in the square of its length. */
const MAX_KEY_LENGTH = 256

/** Whether `text` is written as a did:key, of whatever kind. */
export function isDidKey(text: string): boolean {
  return text.startsWith(PREFIX) && (fromBase58(text.slice(PREFIX.length))?.length ?? 0) > 0
}

/** The curve of a did:key that can sign for the network; null for any other text. */
export function curveOf(didKey: string): Curve | null {
  if (!didKey.startsWith(PREFIX)) return null
  const bytes = fromBase58(didKey.slice(PREFIX.length))
  if (!bytes || !isCompressedPoint(bytes.subarray(2))) return null
  if (startsWith(bytes, CODECS['K-256'])) return 'K-256'
  return startsWith(bytes, CODECS['P-256']) ? 'P-256' : null
}

/** The did:key of a `Multikey`, which is the same without its prefix; null when it cannot sign for the network. */
export function fromMultikey(multibase: string): string | null {
  return curveOf(PREFIX + multibase) ? PREFIX + multibase : null
}

/** The did:key of a bare point, mostly uncompressed, as documents of before Multikey have it. */
export function fromPoint(curve: Curve, multibase: string): string | null {
  const point = fromBase58(multibase)
  if (!point) return null
  const compressed = point.length === 65 && point[0] === 4 ? compress(point) : point
  if (!isCompressedPoint(compressed)) return null
  return PREFIX + base58btc.encode(Uint8Array.from([...CODECS[curve], ...compressed]))
}

/** The text after `did:key:`, which documents carry as `publicKeyMultibase`. */
export function multikeyOf(didKey: string): string {
  return didKey.startsWith(PREFIX) ? didKey.slice(PREFIX.length) : didKey
}

function compress(point: Uint8Array): Uint8Array {
  const odd = ((point[64] ?? 0) & 1) === 1
  return Uint8Array.from([odd ? 3 : 2, ...point.subarray(1, 33)])
}

function isCompressedPoint(bytes: Uint8Array): boolean {
  return bytes.length === 33 && (bytes[0] === 2 || bytes[0] === 3)
}

function startsWith(bytes: Uint8Array, [first, second]: readonly [number, number]): boolean {
  return bytes[0] === first && bytes[1] === second
}

function fromBase58(multibase: string): Uint8Array | null {
  if (!multibase.startsWith('z') || multibase.length > MAX_KEY_LENGTH) return null
  try {
    return base58btc.decode(multibase)
  } catch {
    return null
  }
}
