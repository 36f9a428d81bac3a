import { DomainError } from '#std/errors.ts'

export class RepoNotFoundError extends DomainError {
  override readonly name = 'RepoNotFoundError'
  readonly kind = 'missing'
  readonly code = 'RepoNotFound'
  constructor(did: string) {
    super(`Could not find repo for DID: ${did}`)
  }
}
