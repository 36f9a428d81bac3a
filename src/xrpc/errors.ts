import { DomainError } from '#std/errors.ts'

/** The path names no method. */
export class InvalidPathError extends DomainError {
  override readonly name = 'InvalidPathError'
  readonly kind = 'invalid'
  readonly code = 'InvalidRequest'
  constructor() {
    super('invalid xrpc path')
  }
}

export class WrongVerbError extends DomainError {
  override readonly name = 'WrongVerbError'
  readonly kind = 'invalid'
  readonly code = 'InvalidRequest'
}

/** Nobody here does this method, and nobody is configured to do it for us. */
export class MethodNotImplementedError extends DomainError {
  override readonly name = 'MethodNotImplementedError'
  readonly kind = 'missing'
  readonly code = 'MethodNotImplemented'
  constructor(nsid: string) {
    super(`No service configured for ${nsid}`)
  }
}

/** The body is absent where one belongs, present where none does, of the wrong type or impossible to decode. */
export class UnexpectedBodyError extends DomainError {
  override readonly name = 'UnexpectedBodyError'
  readonly kind = 'invalid'
  readonly code = 'InvalidRequest'
}

/** The body is no JSON object or array. */
export class MalformedJsonError extends DomainError {
  override readonly name = 'MalformedJsonError'
  readonly kind = 'invalid'
  readonly code = 'SyntaxError'
}

/** What the official server calls a JSON body and any other body by when it cannot take it. */
export type BodyKind = 'json' | 'bytes'

export class BodyTooLargeError extends DomainError {
  override readonly name = 'BodyTooLargeError'
  readonly kind = 'too-large'
  readonly code: string
  constructor(kind: BodyKind) {
    super('request entity too large')
    this.code = kind === 'json' ? 'PayloadTooLargeError' : 'PayloadTooLarge'
  }
}

export class UnsupportedBodyError extends DomainError {
  override readonly name = 'UnsupportedBodyError'
  readonly kind = 'unsupported'
  readonly code: string
  constructor(kind: BodyKind, message: string) {
    super(message)
    this.code = kind === 'json' ? 'UnsupportedMediaTypeError' : 'UnsupportedMediaType'
  }
}

/** The client went away before its body had arrived. */
export class InterruptedBodyError extends DomainError {
  override readonly name = 'InterruptedBodyError'
  readonly kind = 'invalid'
  readonly code = 'InvalidRequest'
  constructor() {
    super('the request ended before its body was complete')
  }
}

/** The body comes so slowly that we do not wait for the rest of it. */
export class SlowBodyError extends DomainError {
  override readonly name = 'SlowBodyError'
  readonly kind = 'invalid'
  readonly code = 'RequestTimeout'
  constructor() {
    super('the request body took too long to arrive')
  }
}

/** The body is not in the encodings that its Content-Encoding names. */
export class UndecodableBodyError extends DomainError {
  override readonly name = 'UndecodableBodyError'
  readonly kind = 'invalid'
  readonly code = 'InvalidRequest'
  constructor() {
    super('the request body does not decode as its Content-Encoding says')
  }
}
