/** At most one process writes a data directory: whoever holds the exclusive transaction on its lock file. */

import { Database } from 'bun:sqlite'
import { closeSync, existsSync, openSync } from 'node:fs'
import { DomainError } from '#std/errors.ts'

export class DirectoryLockedError extends DomainError {
  override readonly name = 'DirectoryLockedError'
  readonly kind = 'unavailable'
  readonly code = 'DataDirectoryLocked'
  override readonly hint = 'stop the process that uses it, or let commands reach it through its socket'
  constructor(path: string) {
    super(`another process holds ${path}`)
  }
}

export class DirectoryLock {
  private constructor(private readonly db: Database) {}

  /** @throws DirectoryLockedError when another process, or another part of this one, has it */
  static acquire(path: string): DirectoryLock {
    closeSync(openSync(path, 'a', 0o600))
    const db = new Database(path, { create: true, strict: true })
    try {
      db.run('PRAGMA busy_timeout = 0')
      db.run('BEGIN EXCLUSIVE')
      return new DirectoryLock(db)
    } catch (error) {
      db.close()
      if (error instanceof Error && 'code' in error && error.code === 'SQLITE_BUSY')
        throw new DirectoryLockedError(path)
      throw error
    }
  }

  /** Whether somebody holds the lock now. */
  static held(path: string): boolean {
    if (!existsSync(path)) return false
    try {
      DirectoryLock.acquire(path).release()
      return false
    } catch (error) {
      if (error instanceof DirectoryLockedError) return true
      throw error
    }
  }

  release(): void {
    this.db.close()
  }
}
