/** What went wrong, as far as a caller can act on it. Each edge maps a kind to its own terms once. */
export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'missing'
  | 'conflict'
  | 'too-large'
  | 'unsupported'
  | 'rate-limited'
  | 'upstream'
  | 'unavailable'

/**
 * A refusal that callers are expected to handle. Anything else that is thrown is a bug.
 *
 * `code` is the error name of the lexicon (`InvalidSwap`, `HandleNotAvailable`...); `hint` is what an
 * operator can do about it, where we know.
 */
export abstract class DomainError extends Error {
  abstract override readonly name: string
  abstract readonly kind: ErrorKind
  abstract readonly code: string
  readonly hint?: string
}

/** Input that no more specific error describes. */
export class InvalidRequestError extends DomainError {
  override readonly name = 'InvalidRequestError'
  readonly kind = 'invalid'
  readonly code = 'InvalidRequest'
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
