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
  invalid: exitCodes.usage,
  unauthenticated: exitCodes.refused,
  forbidden: exitCodes.refused,
  missing: exitCodes.notFound,
  conflict: exitCodes.conflict,
  'too-large': exitCodes.failed,
  unsupported: exitCodes.failed,
  'rate-limited': exitCodes.tryAgain,
  upstream: exitCodes.upstream,
  unavailable: exitCodes.tryAgain,
}

/** Errors whose name says more than their kind or their status. */
function exitCodeOfName(name: string): ExitCode | undefined {
  if (name === 'InvalidConfig') return exitCodes.badConfiguration
  if (name === 'DataDirectoryLocked') return exitCodes.locked
  if (/^(ExpiredToken|InvalidToken|AuthMissing|AccountTakedown)$/.test(name)) return exitCodes.refused
  if (/^(HandleNotAvailable|AlreadyExists|InvalidSwap|Duplicate\w+)$/.test(name)) return exitCodes.conflict
  if (name.endsWith('NotFound')) return exitCodes.notFound
  return undefined
}

/** What is meant by the statuses of a server that does not tell its kinds of errors. */
const exitCodeByStatus: Readonly<Record<number, ExitCode>> = {
  400: exitCodes.usage,
  401: exitCodes.refused,
  403: exitCodes.refused,
  404: exitCodes.notFound,
  409: exitCodes.conflict,
  429: exitCodes.tryAgain,
  502: exitCodes.upstream,
  503: exitCodes.tryAgain,
  504: exitCodes.upstream,
}

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommandError) return error.exitCode
  if (error instanceof ServerError) return exitCodeOfAnswer(error)
  if (error instanceof DomainError) return exitCodeOfName(error.code) ?? exitCodeByKind[error.kind]
  return exitCodes.failed
}

function exitCodeOfAnswer({ kind, error, status }: ServerError): ExitCode {
  const byKind = kind === null ? exitCodeByStatus[status] : exitCodeByKind[kind]
  return exitCodeOfName(error) ?? byKind ?? exitCodes.failed
}

/** What JSON calls an error: its name in the lexicon where it has one. */
export function errorNameOf(error: unknown): string {
  if (error instanceof ServerError) return error.error
  if (error instanceof DomainError) return error.code
  return error instanceof Error ? error.name : 'UnknownError'
}
