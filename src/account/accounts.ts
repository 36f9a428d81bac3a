/**
 * The accounts of this server: who they are and in what state. Sessions, passwords, invites and the making and deleting
 * of accounts have their own files; all of them change the table `account` through here, because accounts that were
 * looked at lately are kept in memory, where every request of a session finds them.
 */
import type { Database } from '#db/database.ts'
import { type Did, type Handle, isDid, normalizeHandle } from '#lexicon/strings.ts'
import type { AccountStatus } from '#repo/events.ts'
import type { Clock } from '#std/clock.ts'
import { Lru } from '#std/lru.ts'
import { type Cursor, formatCursor, parseCursor } from './cursor.ts'

const REMEMBERED = 4096
const PAGE = 500

/** Times are Unix milliseconds, null where the thing has not happened. */
export interface Account {
  readonly did: Did
  /** null when the account has none */
  readonly handle: Handle | null
  readonly email: string | null
  readonly emailConfirmedAt: number | null
  readonly createdAt: number
  readonly takedownRef: string | null
  readonly suspendedAt: number | null
  readonly deactivatedAt: number | null
  readonly deleteAfter: number | null
  readonly invitesDisabled: boolean
  readonly inviteNote: string | null
}

export type NewAccount = {
  did: Did
  handle: Handle
  email: string | null
  passwordHash: string | null
  deactivatedAt: number | null
  deleteAfter: number | null
}

export interface AccountQuery {
  limit: number
  cursor?: string | undefined
  /** part of a handle, an email address or a DID */
  search?: string | undefined
  status?: AccountStatus | 'active' | undefined
}

/** The states that a host can give an account; the network knows more, which relays give. */
export type AccountState =
  | 'active'
  | Extract<AccountStatus, 'takendown' | 'suspended' | 'deactivated' | 'deleted'>

/** Whether the network sees the account, and why not. Nobody's account (null) was deleted. */
export function statusOf(account: Account | null): AccountState {
  if (!account) return 'deleted'
  if (account.takedownRef !== null) return 'takendown'
  if (account.suspendedAt !== null) return 'suspended'
  if (account.deactivatedAt !== null) return 'deactivated'
  return 'active'
}

/** Whether moderation keeps the account from acting. */
export function isBarred(account: Account): boolean {
  return account.takedownRef !== null || account.suspendedAt !== null
}

export class Accounts {
  private readonly sql
  private readonly remembered = new Lru<Did, Account>(REMEMBERED)

  constructor(private readonly deps: { db: Database; clock: Clock }) {
    this.sql = statements(deps.db)
  }

  get(did: Did): Account | null {
    const known = this.remembered.get(did)
    if (known) return known
    return this.remember(this.sql.byDid.get(did))
  }

  /** Those of `dids` that are here, each once. */
  getAll(dids: readonly Did[]): Account[] {
    return [...new Set(dids)].map((did) => this.get(did)).filter((account) => account !== null)
  }

  byHandle(handle: Handle): Account | null {
    return this.remember(this.sql.byHandle.get(handle))
  }

  byEmail(email: string): Account | null {
    return this.remember(this.sql.byEmail.get(email.toLowerCase()))
  }

  /** The account that someone means by a DID, a handle or an email address, in any case. */
  find(identifier: string): Account | null {
    const text = identifier.trim()
    if (text.includes('@')) return this.byEmail(text)
    if (isDid(text)) return this.get(text)
    const handle = normalizeHandle(text)
    return handle && this.byHandle(handle)
  }

  status(did: Did): AccountState {
    return statusOf(this.get(did))
  }

  /**
   * A page of accounts, oldest first.
   * @throws InvalidRequestError when the cursor is not one of ours
   */
  list({ limit, cursor, search, status }: AccountQuery): { accounts: Account[]; cursor?: string } {
    const after: Cursor = cursor === undefined ? { primary: -1, secondary: '' } : parseCursor(cursor)
    const rows = this.sql.list.all({
      createdAt: after.primary,
      did: after.secondary,
      search: search?.toLowerCase() ?? null,
      status: status ?? null,
      limit,
    })
    const accounts = rows.map(toAccount)
    const last = accounts.at(-1)
    if (!last || accounts.length < limit) return { accounts }
    return { accounts, cursor: formatCursor({ primary: last.createdAt, secondary: last.did }) }
  }

  /** Every account, oldest first. Accounts may come and go meanwhile. */
  *dids(): Generator<Did> {
    for (let cursor: string | undefined; ; ) {
      const page = this.list({ limit: PAGE, cursor })
      for (const { did } of page.accounts) yield did
      cursor = page.cursor
      if (cursor === undefined) return
    }
  }

  count(): number {
    return this.sql.count.get()?.count ?? 0
  }

  /** Whether an account has the handle, in whatever state it is, or is being made with it. */
  isHandleTaken(handle: Handle): boolean {
    return this.sql.handleTaken.get({ handle }) !== null
  }

  /** Likewise for an email address in lower case. */
  isEmailTaken(email: string): boolean {
    return this.sql.emailTaken.get({ email }) !== null
  }

  /** Adds a row. Fails when DID, handle or address are taken: callers look first, in the same transaction. */
  insert(account: NewAccount): void {
    this.sql.insert.run({ ...account, createdAt: this.deps.clock.now() })
    this.remembered.delete(account.did)
  }

  /** Removes an account and all that hangs on its row: sessions, app passwords, mail tokens. @returns whether it was there */
  remove(did: Did): boolean {
    this.remembered.delete(did)
    return this.sql.remove.run(did).changes > 0
  }

  /** Deactivates an account, or activates it again (null). */
  setDeactivated(did: Did, deactivated: { at: number; deleteAfter: number | null } | null): void {
    this.sql.setDeactivated.run(deactivated?.at ?? null, deactivated?.deleteAfter ?? null, did)
    this.remembered.delete(did)
  }

  /** Takes an account down for the reason that `ref` names, or lets it back (null). */
  setTakedown(did: Did, ref: string | null): void {
    this.sql.setTakedown.run(ref, did)
    this.remembered.delete(did)
  }

  /** The hash to check a password against; null when the account has none. */
  passwordHash(did: Did): string | null {
    return this.sql.passwordHash.get(did)?.hash ?? null
  }

  setPasswordHash(did: Did, hash: string): void {
    this.sql.setPasswordHash.run(hash, did)
  }

  /** Puts `hash` in the place of `old`, unless the password was changed in between. */
  replacePasswordHash(did: Did, old: string, hash: string): void {
    this.sql.replacePasswordHash.run(hash, did, old)
  }

  private remember(row: AccountRow | null): Account | null {
    if (!row) return null
    const account = toAccount(row)
    this.remembered.set(account.did, account)
    return account
  }
}

type AccountRow = Omit<Account, 'invitesDisabled'> & { invitesDisabled: number }

function toAccount(row: AccountRow): Account {
  return { ...row, invitesDisabled: row.invitesDisabled === 1 }
}

const COLUMNS = `did, handle, email, email_confirmed_at AS emailConfirmedAt, created_at AS createdAt,
  takedown_ref AS takedownRef, suspended_at AS suspendedAt, deactivated_at AS deactivatedAt,
  delete_after AS deleteAfter, invites_disabled AS invitesDisabled, invite_note AS inviteNote`

/** as `statusOf` */
const STATUS = `CASE WHEN takedown_ref IS NOT NULL THEN 'takendown' WHEN suspended_at IS NOT NULL THEN 'suspended'
  WHEN deactivated_at IS NOT NULL THEN 'deactivated' ELSE 'active' END`

type ListBindings = {
  createdAt: number
  did: string
  search: string | null
  status: string | null
  limit: number
}

function statements(db: Database) {
  return {
    byDid: db.query<AccountRow, [string]>(`SELECT ${COLUMNS} FROM account WHERE did = ?`),
    byHandle: db.query<AccountRow, [string]>(`SELECT ${COLUMNS} FROM account WHERE handle = ?`),
    byEmail: db.query<AccountRow, [string]>(`SELECT ${COLUMNS} FROM account WHERE email = ?`),
    list: db.query<AccountRow, ListBindings>(
      `SELECT ${COLUMNS} FROM account
       WHERE (created_at, did) > ($createdAt, $did)
         AND ($search IS NULL OR instr(handle, $search) OR instr(email, $search) OR instr(did, $search))
         AND ($status IS NULL OR ${STATUS} = $status)
       ORDER BY created_at, did LIMIT $limit`,
    ),
    count: db.query<{ count: number }, []>('SELECT count(*) AS count FROM account'),
    handleTaken: db.query<unknown, { handle: string }>(
      `SELECT 1 FROM account WHERE handle = $handle
       UNION ALL SELECT 1 FROM account_creation WHERE handle = $handle LIMIT 1`,
    ),
    emailTaken: db.query<unknown, { email: string }>(
      `SELECT 1 FROM account WHERE email = $email
       UNION ALL SELECT 1 FROM account_creation WHERE email = $email LIMIT 1`,
    ),
    insert: db.query<unknown, NewAccount & { createdAt: number }>(
      `INSERT INTO account (did, handle, email, password_hash, created_at, deactivated_at, delete_after)
       VALUES ($did, $handle, $email, $passwordHash, $createdAt, $deactivatedAt, $deleteAfter)`,
    ),
    remove: db.query<unknown, [string]>('DELETE FROM account WHERE did = ?'),
    setDeactivated: db.query<unknown, [number | null, number | null, string]>(
      'UPDATE account SET deactivated_at = ?, delete_after = ? WHERE did = ?',
    ),
    setTakedown: db.query<unknown, [string | null, string]>(
      'UPDATE account SET takedown_ref = ? WHERE did = ?',
    ),
    passwordHash: db.query<{ hash: string | null }, [string]>(
      'SELECT password_hash AS hash FROM account WHERE did = ?',
    ),
    setPasswordHash: db.query<unknown, [string, string]>(
      'UPDATE account SET password_hash = ? WHERE did = ?',
    ),
    replacePasswordHash: db.query<unknown, [string, string, string]>(
      'UPDATE account SET password_hash = ? WHERE did = ? AND password_hash = ?',
    ),
  }
}
