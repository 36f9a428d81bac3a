import type { Database } from '#db/database.ts'
import type { Did } from '#lexicon/strings.ts'
import { base32 } from '#std/base32.ts'
import { randomBytes } from '#std/bytes.ts'
import type { Clock } from '#std/clock.ts'
import { DuplicateAppPasswordError } from './errors.ts'
import type { Passwords } from './passwords.ts'

/** 80 random bits in groups of four; nothing of another shape is worth hashing. */
const SHAPE = /^[a-z2-7]{4}(-[a-z2-7]{4}){3}$/

export interface AppPassword {
  readonly name: string
  /** may also reach direct messages */
  readonly privileged: boolean
}

export interface NewAppPassword extends AppPassword {
  readonly password: string
  /** Unix milliseconds */
  readonly createdAt: number
}

/** Passwords that an account gives to single applications. Only their hashes are stored. */
export class AppPasswords {
  private readonly sql

  constructor(private readonly deps: { db: Database; clock: Clock; passwords: Passwords }) {
    this.sql = statements(deps.db)
  }

  /**
   * Makes a password for `did`. Its plain text is returned here and never again.
   * @throws DuplicateAppPasswordError when `did` already has one named `name`
   */
  async create(did: Did, name: string, { privileged }: { privileged: boolean }): Promise<NewAppPassword> {
    const password = base32(randomBytes(10)).replace(/(.{4})(?!$)/g, '$1-')
    const hash = await this.deps.passwords.hashAppPassword(did, password)
    const createdAt = this.deps.clock.now()
    const { changes } = this.sql.insert.run(did, name, hash, privileged ? 1 : 0, createdAt)
    if (changes === 0) throw new DuplicateAppPasswordError(name)
    return { name, password, privileged, createdAt }
  }

  /** The app password of `did` that `password` is, or null. For nobody's (null) it works as long. */
  async verify(did: Did | null, password: string): Promise<AppPassword | null> {
    if (!SHAPE.test(password)) return null
    const hash = await this.deps.passwords.hashAppPassword(did ?? '', password)
    const row = did && this.sql.find.get(did, hash)
    return row && { name: row.name, privileged: row.privileged === 1 }
  }
}

function statements(db: Database) {
  return {
    insert: db.query<unknown, [string, string, string, number, number]>(
      `INSERT INTO app_password (did, name, password_hash, privileged, created_at)
       VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    ),
    find: db.query<{ name: string; privileged: number }, [string, string]>(
      'SELECT name, privileged FROM app_password WHERE did = ? AND password_hash = ?',
    ),
  }
}
