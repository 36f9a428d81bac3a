/** Kinds of secrets. What they say of a wrong one never repeats it. */
import { bad, good, type Kind, type Parsed } from '#config/kinds.ts'

const MIN_SECRET_BYTES = 16
const MIN_PASSWORD_LENGTH = 8

/** Signs tokens, so it must not be guessed. */
export const jwtSecret: Kind<string> = {
  name: 'secret',
  parse: (input): Parsed<string> =>
    typeof input === 'string' && Buffer.byteLength(input) >= MIN_SECRET_BYTES
      ? good(input)
      : bad(`it is shorter than ${MIN_SECRET_BYTES} bytes`, 'make one with: openssl rand -hex 32'),
  plain: (value) => value,
}

/** The password of the operator. */
export const password: Kind<string> = {
  name: 'password',
  parse: (input): Parsed<string> =>
    typeof input === 'string' && input.length >= MIN_PASSWORD_LENGTH
      ? good(input)
      : bad(`it is shorter than ${MIN_PASSWORD_LENGTH} characters`, 'make one with: openssl rand -hex 16'),
  plain: (value) => value,
}

/** A secret of any form. */
export const secretText: Kind<string> = {
  name: 'secret',
  parse: (input): Parsed<string> =>
    typeof input === 'string' && input !== '' ? good(input) : bad('it is empty', 'set it or take it away'),
  plain: (value) => value,
}

/** The order of the group of K-256: private keys are below it. */
const K256_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

/** A K-256 private key as hex digits, lower case. */
export const privateKeyHex: Kind<string> = {
  name: 'private key',
  parse: (input): Parsed<string> => {
    const remedy = 'give the 64 hex digits of a K-256 private key; `locus key generate` makes one'
    if (typeof input !== 'string' || !/^[0-9a-fA-F]{64}$/.test(input))
      return bad('it is not 64 hex digits', remedy)
    const value = BigInt(`0x${input}`)
    return value > 0n && value < K256_ORDER
      ? good(input.toLowerCase())
      : bad('it is no K-256 private key', remedy)
  },
  plain: (value) => value,
}
