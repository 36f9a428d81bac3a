import { timingSafeEqual } from 'node:crypto'

const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const utf8Encoder = new TextEncoder()

export function utf8(text: string): Uint8Array {
  return utf8Encoder.encode(text)
}

/** @throws TypeError when `bytes` are not UTF-8 */
export function utf8Text(bytes: Uint8Array): string {
  return utf8Decoder.decode(bytes)
}

/** The text of bytes below 128, a part of `bytes`. Does without a Buffer of the same memory, which costs more than the text. */
export function asciiText(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.prototype.toString.call(bytes, 'latin1', start, end)
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

/** The bytes of a string of hex digits, or null when it is not one. */
export function fromHex(text: string): Uint8Array | null {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return null
  return Uint8Array.from(Buffer.from(text, 'hex'))
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0
}

/** Compares two secrets in a time that does not depend on where they differ. */
export function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(Bun.SHA256.hash(utf8(a)) as Uint8Array, Bun.SHA256.hash(utf8(b)) as Uint8Array)
}

export function randomBytes(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length))
}

/** A secret of `length` random bytes, as hex digits. */
export function randomHex(length: number): string {
  return hex(randomBytes(length))
}
