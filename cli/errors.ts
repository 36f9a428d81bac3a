/** What a command can end with. The numbers are a promise to scripts: they never change meaning. */
import { DomainError, type ErrorKind } from '#std/errors.ts'

export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  badConfiguration: 3,
  notFound: 4,
  conflict: 5,
  refused: 6,
  upstream: 7,
  foundProblems: 8,
  confirmationNeeded: 9,
  locked: 10,
  partial: 11,
  tryAgain: 75,
  interrupted: 130,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** A refusal of the command line itself: `exitCode` says which, `hint` what to do about it. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  constructor(
    message: string,
    readonly exitCode: ExitCode,
    readonly hint?: string,
  ) {
    super(message)
  }
}

/** The command was typed wrongly in a way that only the command itself can see. */
export function usageError(message: string, hint?: string): CommandError {
  return new CommandError(message, exitCodes.usage, hint)
}

/** An answer of the server that is not a success, through whichever door it came. */
export class ServerError extends Error {
  override readonly name = 'ServerError'
  readonly hint?: string
  constructor(
    readonly status: number,
    /** the error's name in the lexicon */
    readonly error: string,
    message: string,
    /** what the server's own rooms call it, when the server is ours and said so */
    readonly kind: ErrorKind | null,
    hint: string | null,
  ) {
    super(message)
    if (hint) this.hint = hint
  }
}

const exitCodeByKind: Record<ErrorKind, ExitCode> = {
  invalid: exitCodes.failed,
  unauthenticated: exitCodes.refused,
  forbidden: exitCodes.refused,
  missing: exitCodes.notFound,
  conflict: exitCodes.conflict,
  'too-large': exitCodes.failed,
  unsupported: exitCodes.failed,
  'rate-limited': exitCodes.tryAgain,
  upstream: exitCodes.upstream,
  unavailable: exitCodes.failed,
}

/** Errors whose name says more than their kind. */
function exitCodeOfName(name: string): ExitCode | undefined {
  if (name === 'InvalidConfig') return exitCodes.badConfiguration
  if (name === 'DataDirectoryLocked') return exitCodes.locked
  if (name.endsWith('NotFound')) return exitCodes.notFound
  return undefined
}

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommandError) return error.exitCode
  if (error instanceof ServerError) return exitCodeOfAnswer(error)
  if (error instanceof DomainError) return exitCodeOfName(error.code) ?? exitCodeByKind[error.kind]
  return exitCodes.failed
}

function exitCodeOfAnswer({ kind, error, status }: ServerError): ExitCode {
  const named = exitCodeOfName(error)
  if (named !== undefined) return named
  if (kind) return exitCodeByKind[kind]
  if (status === 401 || status === 403) return exitCodes.refused
  if (status === 429 || status === 503) return exitCodes.tryAgain
  if (status === 502 || status === 504) return exitCodes.upstream
  if (/^(HandleNotAvailable|InvalidSwap|Duplicate\w+)$/.test(error)) return exitCodes.conflict
  return exitCodes.failed
}
