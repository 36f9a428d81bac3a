import { type Database, transact } from '#db/database.ts'
import type { Did } from '#lexicon/strings.ts'
import { base32 } from '#std/base32.ts'
import { randomBytes } from '#std/bytes.ts'
import type { Clock } from '#std/clock.ts'
import { InvalidRequestError } from '#std/errors.ts'
import { type Cursor, formatCursor, parseCursor } from './cursor.ts'
import { InvalidInviteCodeError } from './errors.ts'

/** Whose the codes are that were given to no account. */
export const ADMIN = 'admin'
/** in one call */
const MAX_CODES = 10_000

/** Times are Unix milliseconds. */
export interface InviteCode {
  readonly code: string
  /** how many accounts it may create in all */
  readonly available: number
  readonly disabled: boolean
  readonly forAccount: string
  readonly createdBy: string
  readonly createdAt: number
  /** newest first */
  readonly uses: readonly InviteUse[]
}

export interface InviteUse {
  readonly usedBy: string
  readonly usedAt: number
}

export interface NewInviteCodes {
  /** codes for each account */
  count: number
  /** accounts that each code may create */
  uses: number
  forAccounts?: readonly string[] | undefined
}

/** Invite codes: who gave them, how often each may be used, and who used it. */
export class Invites {
  private readonly sql

  constructor(private readonly deps: { db: Database; clock: Clock; hostname: string }) {
    this.sql = statements(deps.db)
  }

  /**
   * Makes one code.
   * @throws InvalidRequestError when it would have no use
   */
  createOne({ uses, forAccount = ADMIN }: { uses: number; forAccount?: string | undefined }): string {
    if (uses < 1) throw withoutUse()
    const code = this.newCode()
    this.sql.insert.run(code, uses, forAccount, ADMIN, this.deps.clock.now())
    return code
  }

  /**
   * Makes codes for each of `forAccounts`, or for nobody in particular.
   * @throws InvalidRequestError when it would be no code, too many, or codes without a use
   */
  create({ count, uses, forAccounts = [ADMIN] }: NewInviteCodes): { account: string; codes: string[] }[] {
    if (count < 1 || count * forAccounts.length > MAX_CODES) {
      throw new InvalidRequestError(`Between 1 and ${MAX_CODES} codes can be made at once`)
    }
    if (uses < 1) throw withoutUse()
    const createdAt = this.deps.clock.now()
    const made = forAccounts.map((account) => ({
      account,
      codes: Array.from({ length: count }, () => this.newCode()),
    }))
    transact(this.deps.db, () => {
      for (const { account, codes } of made) {
        for (const code of codes) this.sql.insert.run(code, uses, account, ADMIN, createdAt)
      }
    })
    return made
  }

  /**
   * Checks that one more account may be made by `code`. Sign-ups that are under way count as uses.
   * @throws InvalidInviteCodeError when it is unknown, used up, disabled, or its owner is taken down
   */
  ensureAvailable(code: string): void {
    if (this.sql.isAvailable.get({ code })?.available !== 1) {
      throw new InvalidInviteCodeError('Provided invite code not available')
    }
  }

  /** Notes that `did` was created by `code`; for use inside the transaction that creates it. */
  use(code: string, did: Did): void {
    this.sql.insertUse.run(code, did, this.deps.clock.now())
    this.sql.count.run(1, code)
  }

  /** Takes a use back, of an account that did not come to be. */
  unuse(code: string, did: Did): void {
    if (this.sql.removeUse.run(code, did).changes > 0) this.sql.count.run(-1, code)
  }

  /**
   * A page of all codes: the newest first, or the most used.
   * @throws InvalidRequestError for another order, or a cursor that is not one of ours
   */
  list({ sort, limit, cursor }: { sort: string; limit: number; cursor?: string | undefined }): {
    codes: InviteCode[]
    cursor?: string
  } {
    if (sort !== 'recent' && sort !== 'usage') throw new InvalidRequestError(`unknown sort method: ${sort}`)
    const before: Cursor =
      cursor === undefined ? { primary: Number.MAX_SAFE_INTEGER, secondary: '' } : parseCursor(cursor)
    const query = sort === 'recent' ? this.sql.byAge : this.sql.byUse
    const rows = query.all(before.primary, before.secondary, limit)
    const codes = this.withUses(rows)
    const last = rows.at(-1)
    if (!last) return { codes }
    const primary = sort === 'recent' ? last.createdAt : last.usedCount
    return { codes, cursor: formatCursor({ primary, secondary: last.code }) }
  }

  get(code: string): InviteCode | null {
    return this.withUses(this.sql.byCode.all(code))[0] ?? null
  }

  /** The codes that were given to each of `dids`. */
  ofAccounts(dids: readonly Did[]): Map<string, InviteCode[]> {
    return Map.groupBy(
      this.withUses(this.sql.ofAccounts.all(JSON.stringify(dids))),
      (code) => code.forAccount,
    )
  }

  /** The code that each of `dids` came by, where there was one. */
  usedBy(dids: readonly Did[]): Map<string, InviteCode> {
    const found = new Map<string, InviteCode>()
    for (const code of this.withUses(this.sql.usedBy.all(JSON.stringify(dids)))) {
      for (const { usedBy } of code.uses) found.set(usedBy, code)
    }
    return found
  }

  /**
   * Ends the given codes, and every code that was given to the given accounts.
   * @throws InvalidRequestError for the admin's codes as a whole
   */
  disable({ codes, accounts }: { codes: readonly string[]; accounts: readonly string[] }): void {
    if (accounts.includes(ADMIN)) throw new InvalidRequestError('cannot disable admin invite codes')
    transact(this.deps.db, () => {
      this.sql.disableCodes.run(JSON.stringify(codes))
      this.sql.disableAccounts.run(JSON.stringify(accounts))
    })
  }

  /** The host with dashes for dots, so that nobody takes a code for a link. */
  private newCode(): string {
    const random = base32(randomBytes(7))
    return `${this.deps.hostname.replaceAll('.', '-')}-${random.slice(0, 5)}-${random.slice(5, 10)}`
  }

  private withUses(rows: readonly CodeRow[]): InviteCode[] {
    const used = this.sql.uses.all(JSON.stringify(rows.map((row) => row.code)))
    const uses = Map.groupBy(used, (use) => use.code)
    return rows.map(({ usedCount: _, ...row }) => ({
      ...row,
      disabled: row.disabled === 1,
      uses: (uses.get(row.code) ?? []).map(({ usedBy, usedAt }) => ({ usedBy, usedAt })),
    }))
  }
}

function withoutUse(): InvalidRequestError {
  return new InvalidRequestError('An invite code needs at least one use')
}

interface CodeRow extends Omit<InviteCode, 'disabled' | 'uses'> {
  disabled: number
  usedCount: number
}

const COLUMNS = `code, available_uses AS available, disabled, for_account AS forAccount, created_by AS createdBy,
  created_at AS createdAt, used_count AS usedCount`

function statements(db: Database) {
  const page = (column: string) =>
    db.query<CodeRow, [number, string, number]>(
      `SELECT ${COLUMNS} FROM invite_code WHERE (${column}, code) < (?, ?)
       ORDER BY ${column} DESC, code DESC LIMIT ?`,
    )
  return {
    insert: db.query<unknown, [string, number, string, string, number]>(
      'INSERT INTO invite_code (code, available_uses, for_account, created_by, created_at) VALUES (?, ?, ?, ?, ?)',
    ),
    isAvailable: db.query<{ available: number }, { code: string }>(
      `SELECT available_uses > used_count
                + (SELECT count(*) FROM account_creation AS made
                   WHERE invite_code = code AND NOT EXISTS (SELECT 1 FROM account WHERE account.did = made.did))
              AND NOT disabled AND takedown_ref IS NULL AS available
       FROM invite_code LEFT JOIN account ON account.did = for_account
       WHERE code = $code`,
    ),
    insertUse: db.query<unknown, [string, string, number]>(
      'INSERT INTO invite_code_use (code, used_by, used_at) VALUES (?, ?, ?)',
    ),
    removeUse: db.query<unknown, [string, string]>(
      'DELETE FROM invite_code_use WHERE code = ? AND used_by = ?',
    ),
    count: db.query<unknown, [number, string]>(
      'UPDATE invite_code SET used_count = used_count + ? WHERE code = ?',
    ),
    byAge: page('created_at'),
    byUse: page('used_count'),
    byCode: db.query<CodeRow, [string]>(`SELECT ${COLUMNS} FROM invite_code WHERE code = ?`),
    ofAccounts: db.query<CodeRow, [string]>(
      `SELECT ${COLUMNS} FROM invite_code WHERE for_account IN (SELECT value FROM json_each(?))
       ORDER BY created_at, code`,
    ),
    usedBy: db.query<CodeRow, [string]>(
      `SELECT ${COLUMNS} FROM invite_code WHERE code IN
         (SELECT code FROM invite_code_use WHERE used_by IN (SELECT value FROM json_each(?)))`,
    ),
    uses: db.query<InviteUse & { code: string }, [string]>(
      `SELECT code, used_by AS usedBy, used_at AS usedAt FROM invite_code_use
       WHERE code IN (SELECT value FROM json_each(?)) ORDER BY used_at DESC`,
    ),
    disableCodes: db.query<unknown, [string]>(
      'UPDATE invite_code SET disabled = 1 WHERE code IN (SELECT value FROM json_each(?))',
    ),
    disableAccounts: db.query<unknown, [string]>(
      'UPDATE invite_code SET disabled = 1 WHERE for_account IN (SELECT value FROM json_each(?))',
    ),
  }
}
