/**
 * One SQLite file: opened with every pragma said aloud, brought to the newest schema, closed cleanly.
 *
 * `bun:sqlite` blocks the event loop, so queries on a request's path touch few rows. All pending migrations run in
 * one transaction; a file with a newer schema than this program's is refused.
 */
import { Database as SqliteDatabase } from 'bun:sqlite'
import { chmodSync, closeSync, openSync, statSync } from 'node:fs'
import { DomainError } from '#std/errors.ts'

export type Migration = string | ((db: Database) => void)

export interface OpenOptions {
  /** applied in order, append only; their count is kept as `PRAGMA user_version` */
  migrations: readonly Migration[]
  /** FULL: a commit is on disk when it returns. NORMAL: a power cut may undo the last commits, in order. */
  synchronous: 'FULL' | 'NORMAL'
  /** bytes, for a new file */
  pageSize?: number
  /** a new file can give the space of deleted rows back, by `PRAGMA incremental_vacuum` */
  reclaim?: boolean
  /** KiB of page cache */
  cacheKib?: number
  readonly?: boolean
  /** where a new file must not appear: an absent one is an error */
  mustExist?: boolean
}

export class NewerSchemaError extends DomainError {
  override readonly name = 'NewerSchemaError'
  readonly kind = 'unavailable'
  readonly code = 'NewerSchema'
  override readonly hint = 'run the version of locus that wrote it, or a newer one'
  constructor(path: string, found: number, known: number) {
    super(`${path} has schema version ${found}, this program knows ${known}`)
  }
}

export class Database extends SqliteDatabase {
  /** Begins, commits and rolls back by statements prepared once: half the cost of `db.transaction`. */
  private readonly control = {
    begin: this.query('BEGIN IMMEDIATE'),
    commit: this.query('COMMIT'),
    rollback: this.query('ROLLBACK'),
  }

  begin(): void {
    this.control.begin.run()
  }

  commit(): void {
    this.control.commit.run()
  }

  /** Does nothing when SQLite has already rolled back by itself, as it does when the disk is full. */
  rollback(): void {
    if (this.inTransaction) this.control.rollback.run()
  }
}

type NotAPromise<T> = T extends Promise<unknown> ? never : T

/**
 * Runs `body` in one immediate transaction, which is undone when it throws. `body` is synchronous, by type: an
 * `await` inside would let another request write into the transaction.
 */
export function transact<T>(db: Database, body: () => NotAPromise<T>): T {
  db.begin()
  try {
    const result = body()
    db.commit()
    return result
  } catch (error) {
    db.rollback()
    throw error
  }
}

/** The file, and what SQLite puts beside it, is the owner's alone to read. */
export function openDatabase(path: string, options: OpenOptions): Database {
  if (!options.readonly) makePrivate(path, options.mustExist === true)
  const db = options.readonly
    ? new Database(path, { readonly: true, strict: true })
    : new Database(path, { create: !options.mustExist, readwrite: true, strict: true })
  try {
    db.run('PRAGMA busy_timeout = 5000')
    if (!options.readonly) {
      if (options.pageSize) db.run(`PRAGMA page_size = ${options.pageSize}`)
      if (options.reclaim) db.run('PRAGMA auto_vacuum = INCREMENTAL')
      db.run('PRAGMA journal_mode = WAL')
      db.run(`PRAGMA synchronous = ${options.synchronous}`)
    }
    db.run('PRAGMA foreign_keys = ON')
    if (options.cacheKib) db.run(`PRAGMA cache_size = -${options.cacheKib}`)
    migrate(db, path, options.migrations, options.readonly === true)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function makePrivate(path: string, mustExist: boolean): void {
  if (!mustExist) closeSync(openSync(path, 'a', 0o600))
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    const mode = statSync(file, { throwIfNoEntry: false })?.mode
    if (mode !== undefined && (mode & 0o077) !== 0) chmodSync(file, 0o600)
  }
}

function migrate(db: Database, path: string, migrations: readonly Migration[], readonly: boolean): void {
  const version = db.query<{ user_version: number }, []>('PRAGMA user_version').get()?.user_version ?? 0
  if (version > migrations.length) throw new NewerSchemaError(path, version, migrations.length)
  if (version === migrations.length || readonly) return
  transact(db, () => {
    for (const step of migrations.slice(version)) {
      if (typeof step === 'string') db.run(step)
      else step(db)
    }
    db.run(`PRAGMA user_version = ${migrations.length}`)
  })
}
