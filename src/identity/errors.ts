import { DomainError } from '#std/errors.ts'

/** Whoever had to be asked about an identity did not say, for now. Nothing follows from it about the identity. */
export class ResolutionFailedError extends DomainError {
  override readonly name = 'ResolutionFailedError'
  readonly kind = 'upstream'
  readonly code = 'UpstreamFailure'
  constructor(identifier: string, why: string, options?: ErrorOptions) {
    super(`Could not resolve ${identifier}: ${why}`, options)
  }
}

/** An operation that no PLC directory may accept. */
export class InvalidPlcOperationError extends DomainError {
  override readonly name = 'InvalidPlcOperationError'
  readonly kind = 'invalid'
  readonly code = 'InvalidRequest'
}

/** The PLC directory looked at what we sent and said no. */
export class PlcRefusedError extends DomainError {
  override readonly name = 'PlcRefusedError'
  readonly kind = 'invalid'
  readonly code = 'InvalidRequest'
  constructor(reason: string) {
    super(`The PLC directory refused the operation: ${reason}`)
  }
}

/** The PLC directory cannot be reached, is too slow, or is in trouble itself. */
export class PlcUnavailableError extends DomainError {
  override readonly name = 'PlcUnavailableError'
  readonly kind = 'upstream'
  readonly code = 'UpstreamFailure'
  override readonly hint = 'try again later; `locus config show plc.url` tells which directory is used'
  constructor(why: string, options?: ErrorOptions) {
    super(`The PLC directory is not available: ${why}`, options)
  }
}
