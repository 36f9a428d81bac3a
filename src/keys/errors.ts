import { DomainError } from '#std/errors.ts'

/** Bytes that cannot be a private key. */
export class InvalidKeyError extends DomainError {
  override readonly name = 'InvalidKeyError'
  readonly kind = 'invalid'
  readonly code = 'InvalidKey'
}

/** An account's key file is not there or not readable as one. */
export class SigningKeyUnavailableError extends DomainError {
  override readonly name = 'SigningKeyUnavailableError'
  readonly kind = 'unavailable'
  readonly code = 'SigningKeyUnavailable'
  override readonly hint = 'restore the key file of the account from a backup'
}

/** An account has a key already, and another one was to be put in its place. */
export class SigningKeyExistsError extends DomainError {
  override readonly name = 'SigningKeyExistsError'
  readonly kind = 'conflict'
  readonly code = 'SigningKeyExists'
}
