import { DomainError } from '#std/errors.ts'

/** A method that needs a session was called without one. */
export class AuthMissingError extends DomainError {
  override readonly name = 'AuthMissingError'
  readonly kind = 'unauthenticated'
  readonly code = 'AuthMissing'
  constructor() {
    super('Authentication Required')
  }
}

export class AuthenticationRequiredError extends DomainError {
  override readonly name = 'AuthenticationRequiredError'
  readonly kind = 'unauthenticated'
  readonly code = 'AuthenticationRequired'
  constructor(message = 'Authentication Required') {
    super(message)
  }
}

/** A refresh token that carries no id, so that no session can be found for it. */
export class MissingTokenIdError extends DomainError {
  override readonly name = 'MissingTokenIdError'
  readonly kind = 'unauthenticated'
  readonly code = 'MissingTokenId'
  constructor() {
    super('Unexpected missing refresh token id')
  }
}

/** A DPoP-bound token that no authorization server of this host has issued. */
export class UnknownDpopTokenError extends DomainError {
  override readonly name = 'UnknownDpopTokenError'
  readonly kind = 'unauthenticated'
  readonly code = 'invalid_token'
  constructor() {
    super('Invalid token')
  }
}

export type ServiceTokenFault =
  | 'MissingJwt'
  | 'BadJwt'
  | 'BadJwtType'
  | 'JwtExpired'
  | 'BadJwtAudience'
  | 'BadJwtLexiconMethod'
  | 'BadJwtIss'
  | 'BadJwtSignature'
  | 'UntrustedIss'
  | 'AuthenticationRequired'

/** A service token that proves nothing. */
export class ServiceTokenError extends DomainError {
  override readonly name = 'ServiceTokenError'
  readonly kind = 'unauthenticated'
  constructor(
    readonly code: ServiceTokenFault,
    message: string,
  ) {
    super(message)
  }
}
