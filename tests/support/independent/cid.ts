/** CIDs as the network prints them, written from the protocol text alone: nothing here comes from `src/`. */
import { createHash } from 'node:crypto'

export type Codec = 'dag-cbor' | 'raw'

const CODECS: Record<Codec, number> = { 'dag-cbor': 0x71, raw: 0x55 }
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'
export const CID_BYTES = 36

/** Text of the 36 bytes of a CID. @throws Error when they are not those of a CID that the network allows */
export function cidText(bytes: Uint8Array): string {
  const fits =
    bytes.length === CID_BYTES &&
    bytes[0] === 1 &&
    (bytes[1] === CODECS['dag-cbor'] || bytes[1] === CODECS.raw) &&
    bytes[2] === 0x12 &&
    bytes[3] === 32
  if (!fits) throw new Error(`not a CID: ${Buffer.from(bytes).toString('hex')}`)
  let text = 'b'
  let held = 0
  let bits = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += ALPHABET[(held >> bits) & 31]
    }
    held &= (1 << bits) - 1
  }
  return bits > 0 ? text + ALPHABET[(held << (5 - bits)) & 31] : text
}

/** The 36 bytes of a CID. @throws Error when `text` is not the one way to write one */
export function cidBytes(text: string): Uint8Array {
  const bytes: number[] = []
  let held = 0
  let bits = 0
  for (const letter of text.slice(1)) {
    const value = ALPHABET.indexOf(letter)
    if (value < 0) throw new Error(`not a CID: ${text}`)
    held = (held << 5) | value
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes.push(held >> bits)
    held &= (1 << bits) - 1
  }
  const found = Uint8Array.from(bytes)
  if (cidText(found) !== text) throw new Error(`not a CID: ${text}`)
  return found
}

export function hashOf(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest()
}

export function cidOf(codec: Codec, bytes: Uint8Array): string {
  return cidText(Uint8Array.from([1, CODECS[codec], 0x12, 32, ...hashOf(bytes)]))
}

export function codecOf(cid: string): Codec {
  return cidBytes(cid)[1] === CODECS.raw ? 'raw' : 'dag-cbor'
}
