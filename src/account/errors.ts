import { DomainError } from '#std/errors.ts'

/** A session token that is not one of ours, or not of the kind that the method takes. */
export class InvalidTokenError extends DomainError {
  override readonly name = 'InvalidTokenError'
  readonly kind = 'invalid'
  readonly code = 'InvalidToken'
}

/** A session token whose time is over, or whose session was ended. Clients refresh, or log in again, on this name. */
export class ExpiredTokenError extends DomainError {
  override readonly name = 'ExpiredTokenError'
  readonly kind = 'invalid'
  readonly code = 'ExpiredToken'
  constructor(message = 'Token has expired') {
    super(message)
  }
}

/** A valid session of an account that is gone. */
export class AccountNotFoundError extends DomainError {
  override readonly name = 'AccountNotFoundError'
  readonly kind = 'forbidden'
  readonly code = 'AccountNotFound'
  constructor() {
    super('Account not found')
  }
}

export class AccountTakedownError extends DomainError {
  override readonly name = 'AccountTakedownError'
  readonly kind = 'unauthenticated'
  readonly code = 'AccountTakedown'
  constructor() {
    super('Account has been taken down')
  }
}

export class AccountDeactivatedError extends DomainError {
  override readonly name = 'AccountDeactivatedError'
  readonly kind = 'unauthenticated'
  readonly code = 'AccountDeactivated'
  constructor() {
    super('Account is deactivated')
  }
}
