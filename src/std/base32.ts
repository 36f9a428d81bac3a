/** RFC 4648 base32 in lower case without padding, as CIDs, TIDs' cousins and account tokens are written. */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'
const CODES = Uint8Array.from(ALPHABET, (letter) => letter.charCodeAt(0))
const VALUES = new Int8Array(128).fill(-1)
for (let i = 0; i < 32; i++) VALUES[ALPHABET.charCodeAt(i)] = i

export function base32(bytes: Uint8Array): string {
  const out = Buffer.allocUnsafe(Math.ceil((bytes.length * 8) / 5))
  let bits = 0
  let held = 0
  let at = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      out[at++] = CODES[(held >>> bits) & 31] as number
    }
    held &= (1 << bits) - 1
  }
  if (bits > 0) out[at++] = CODES[(held << (5 - bits)) & 31] as number
  return out.toString('latin1', 0, at)
}

/** The bytes, or null when `text` is not base32 or its unused last bits are not zero. */
export function fromBase32(text: string): Uint8Array | null {
  const out = new Uint8Array(Math.floor((text.length * 5) / 8))
  let bits = 0
  let held = 0
  let at = 0
  for (let i = 0; i < text.length; i++) {
    const value = VALUES[text.charCodeAt(i)] ?? -1
    if (value < 0) return null
    held = (held << 5) | value
    bits += 5
    if (bits >= 8) {
      bits -= 8
      out[at++] = held >>> bits
      held &= (1 << bits) - 1
    }
  }
  return bits < 5 && held === 0 ? out : null
}
