import { SQLiteError } from 'bun:sqlite'
import { DomainError } from '#std/errors.ts'

/** The disk took no more. What was being written has not happened. */
export class StorageFullError extends DomainError {
  override readonly name = 'StorageFullError'
  readonly kind = 'unavailable'
  readonly code = 'NotEnoughResources'
  override readonly hint = 'free space on the disk of the data directory; the server goes on by itself'
  constructor(options?: ErrorOptions) {
    super('The server has no disk space left; nothing was changed', options)
  }
}

/** SQLite reports a full disk as FULL, or as a failed write or enlargement of one of its files. */
const FULL = new Set([
  'SQLITE_FULL',
  'SQLITE_IOERR_WRITE',
  'SQLITE_IOERR_SHMSIZE',
  'SQLITE_CANTOPEN',
  'ENOSPC',
  'EDQUOT',
])

/** The error that callers are told of when storing failed: a full disk by its name, anything else as it is. */
export function storageError(error: unknown): unknown {
  if (error instanceof DomainError || !(error instanceof Error)) return error
  const code = error instanceof SQLiteError || 'code' in error ? error.code : undefined
  return typeof code === 'string' && FULL.has(code) ? new StorageFullError({ cause: error }) : error
}
