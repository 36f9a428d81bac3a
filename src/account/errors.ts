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

/** More log-ins wait for their password to be checked than could be answered in time. */
export class PasswordsBusyError extends DomainError {
  override readonly name = 'PasswordsBusyError'
  readonly kind = 'unavailable'
  readonly code = 'NotEnoughResources'
  constructor() {
    super('Too many log-ins at once, try again in a moment')
  }
}

export class DuplicateAppPasswordError extends DomainError {
  override readonly name = 'DuplicateAppPasswordError'
  readonly kind = 'conflict'
  readonly code = 'DuplicateAppPassword'
  constructor(readonly appPassword: string) {
    super(`An app password named "${appPassword}" already exists`)
  }
}

/** A log-in that failed. It does not say whether there is such an account. */
export class BadLogInError extends DomainError {
  override readonly name = 'BadLogInError'
  readonly kind = 'unauthenticated'
  readonly code = 'AuthenticationRequired'
  constructor(message = 'Invalid identifier or password') {
    super(message)
  }
}

export class InvalidInviteCodeError extends DomainError {
  override readonly name = 'InvalidInviteCodeError'
  readonly kind = 'invalid'
  readonly code = 'InvalidInviteCode'
}

export class InvalidHandleError extends DomainError {
  override readonly name = 'InvalidHandleError'
  readonly kind = 'invalid'
  readonly code = 'InvalidHandle'
}

export class HandleNotAvailableError extends DomainError {
  override readonly name = 'HandleNotAvailableError'
  readonly kind = 'conflict'
  readonly code = 'HandleNotAvailable'
}

/** A handle under no domain of this server, for an account that has no DID to prove it with. */
export class UnsupportedDomainError extends DomainError {
  override readonly name = 'UnsupportedDomainError'
  readonly kind = 'invalid'
  readonly code = 'UnsupportedDomain'
  override readonly hint: string
  constructor(domains: readonly string[]) {
    super('Not a supported handle domain')
    this.hint = `handles here end in ${domains.join(' or ')}`
  }
}

export class InvalidPasswordError extends DomainError {
  override readonly name = 'InvalidPasswordError'
  readonly kind = 'invalid'
  readonly code = 'InvalidPassword'
}

/** There is, or was a moment ago, an account of this DID here. */
export class AlreadyExistsError extends DomainError {
  override readonly name = 'AlreadyExistsError'
  readonly kind = 'conflict'
  readonly code = 'AlreadyExists'
  constructor(message = 'Repo already exists') {
    super(message)
  }
}

/** Handle or email address are another account's. The official server has no name of its own for it. */
export class NameTakenError extends DomainError {
  override readonly name = 'NameTakenError'
  readonly kind = 'conflict'
  readonly code = 'InvalidRequest'
}

/** Someone wants an account for a DID without proof that it is theirs. */
export class DidNotProvenError extends DomainError {
  override readonly name = 'DidNotProvenError'
  readonly kind = 'unauthenticated'
  readonly code = 'AuthenticationRequired'
  constructor(did: string) {
    super(`Missing auth to create account with did: ${did}`)
  }
}

/** The operator names an account that is not here. */
export class UnknownAccountError extends DomainError {
  override readonly name = 'UnknownAccountError'
  readonly kind = 'missing'
  readonly code = 'NotFound'
  constructor() {
    super('Account not found')
  }
}

export class HandleNotFoundError extends DomainError {
  override readonly name = 'HandleNotFoundError'
  readonly kind = 'missing'
  readonly code = 'HandleNotFound'
  constructor() {
    super('Unable to resolve handle')
  }
}

/** The operator asked for a code that was never given out. */
export class InviteCodeNotFoundError extends DomainError {
  override readonly name = 'InviteCodeNotFoundError'
  readonly kind = 'missing'
  readonly code = 'InviteCodeNotFound'
  constructor() {
    super('There is no such invite code')
  }
}
