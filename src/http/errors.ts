import { DomainError } from '#std/errors.ts'

export class SocketPathTooLongError extends DomainError {
  override readonly name = 'SocketPathTooLongError'
  readonly kind = 'invalid'
  readonly code = 'SocketPathTooLong'
  override readonly hint = 'use a directory with a shorter path'
  constructor(path: string, max: number) {
    super(`a socket's path has at most ${max} bytes, ${path} is longer`)
  }
}
