import { DomainError } from '#std/errors.ts'

/** A listener that the system refuses. `place` says which one, so that who starts a server can name its settings. */
export class ListenError extends DomainError {
  override readonly name = 'ListenError'
  readonly kind = 'unavailable'
  readonly code = 'CannotListen'
  constructor(
    readonly place: 'network' | 'admin-socket' | 'plc',
    /** the system's name for what is wrong, such as EADDRINUSE */
    readonly reason: string,
    cause: unknown,
  ) {
    super(`cannot listen: ${reason}`, { cause })
  }
}
