/**
 * Content identifiers: `01`, codec, `12 20`, and the SHA-256 of a block, 36 bytes. The network allows no other form for
 * what a server makes itself, so inside locus a CID is those bytes; text (`bafyrei...`, base32) exists at the edges only.
 * @see https://atproto.com/specs/data-model#link-and-cid-formats
 */
import { fromBase32 } from '#std/base32.ts'

declare const binary: unique symbol

/** The 36 bytes of a CID. Never changed once made. */
export type Cid = Uint8Array & { readonly [binary]: 'cid' }

/** Blocks of DAG-CBOR are commits, nodes and records; raw ones are blobs. */
export type Codec = 'dag-cbor' | 'raw'

export const CID_BYTES = 36
const CODES = { 'dag-cbor': 0x71, raw: 0x55 } as const
const TEXT_LENGTH = 59

/** The hash is made here and copied: making it in a sub-array of the CID costs half as much again. */
const hash = new Uint8Array(32)

/** The CID of a block. */
export function cidOf(codec: Codec, block: Uint8Array): Cid {
  Bun.SHA256.hash(block, hash)
  const cid = new Uint8Array(CID_BYTES)
  cid[0] = 0x01
  cid[1] = CODES[codec]
  cid[2] = 0x12
  cid[3] = 0x20
  cid.set(hash, 4)
  return cid as Cid
}

/** A copy of the 36 bytes at `at`, or null when they are not a CID of the one form. */
export function cidAt(bytes: Uint8Array, at: number): Cid | null {
  const codec = bytes[at + 1]
  const fits =
    at + CID_BYTES <= bytes.length &&
    bytes[at] === 0x01 &&
    (codec === CODES['dag-cbor'] || codec === CODES.raw) &&
    bytes[at + 2] === 0x12 &&
    bytes[at + 3] === 0x20
  return fits ? (Uint8Array.prototype.slice.call(bytes, at, at + CID_BYTES) as Cid) : null
}

export function codecOf(cid: Cid): Codec {
  return cid[1] === CODES.raw ? 'raw' : 'dag-cbor'
}

export function sameCid(a: Cid, b: Cid): boolean {
  return Buffer.compare(a, b) === 0
}

const LETTERS = Uint8Array.from('abcdefghijklmnopqrstuvwxyz234567', (letter) => letter.charCodeAt(0))
const text = Buffer.alloc(TEXT_LENGTH, 'b')

/**
 * The text of a CID: `b` and 58 letters of base32. Written out for 7 groups of 5 bytes and the last byte, which takes a
 * sixth of the time of the general way.
 */
export function formatCid(cid: Cid): string {
  let out = 1
  for (let at = 0; at < 35; at += 5) {
    const a = cid[at] as number
    const b = cid[at + 1] as number
    const c = cid[at + 2] as number
    const d = cid[at + 3] as number
    const e = cid[at + 4] as number
    text[out] = LETTERS[a >> 3] as number
    text[out + 1] = LETTERS[((a & 7) << 2) | (b >> 6)] as number
    text[out + 2] = LETTERS[(b >> 1) & 31] as number
    text[out + 3] = LETTERS[((b & 1) << 4) | (c >> 4)] as number
    text[out + 4] = LETTERS[((c & 15) << 1) | (d >> 7)] as number
    text[out + 5] = LETTERS[(d >> 2) & 31] as number
    text[out + 6] = LETTERS[((d & 3) << 3) | (e >> 5)] as number
    text[out + 7] = LETTERS[e & 31] as number
    out += 8
  }
  const last = cid[35] as number
  text[57] = LETTERS[last >> 3] as number
  text[58] = LETTERS[(last & 7) << 2] as number
  return text.toString('latin1')
}

/** The CID that `text` is the one spelling of, or null. */
export function parseCid(text: string): Cid | null {
  if (text.length !== TEXT_LENGTH || text.charCodeAt(0) !== 0x62) return null
  const bytes = fromBase32(text.slice(1))
  return bytes && cidAt(bytes, 0)
}
