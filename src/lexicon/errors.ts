import { DomainError } from '#std/errors.ts'

/** The parameters of a call do not fit the method's lexicon. */
export class InvalidParamsError extends DomainError {
  override readonly name = 'InvalidParamsError'
  readonly kind = 'invalid'
  readonly code = 'InvalidRequest'
}

/** The body of a call does not fit the method's lexicon. */
export class InvalidInputError extends DomainError {
  override readonly name = 'InvalidInputError'
  readonly kind = 'invalid'
  readonly code = 'InvalidRequest'
}

/** A record does not fit the lexicon of its type, or its key is not one that the lexicon allows. */
export class InvalidRecordError extends DomainError {
  override readonly name = 'InvalidRecordError'
  readonly kind = 'invalid'
  readonly code = 'InvalidRequest'
}
