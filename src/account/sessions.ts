/**
 * Sessions of password log-ins. A log-in gives an access token, which is stored nowhere, and a refresh token, which is a
 * row here. Refreshing gives the next pair; the old refresh token works on for a short grace and always leads to the
 * same next one, so that a client which refreshes twice at once, or lost the answer, stays logged in.
 */
import type { Database } from '#db/database.ts'
import type { Did } from '#lexicon/strings.ts'
import { base32 } from '#std/base32.ts'
import { randomBytes } from '#std/bytes.ts'
import { type Clock, HOUR } from '#std/clock.ts'
import { Lru } from '#std/lru.ts'
import type { AppPassword } from './app-passwords.ts'
import { ExpiredTokenError } from './errors.ts'
import { GroupCommit } from './group-commit.ts'
import { type AccessScope, REFRESH_TOKEN_MS, type SessionTokens } from './session-tokens.ts'

const GRACE_MS = 2 * HOUR
/** How often the expired tokens of one account are cleared away: it takes a look at all of its tokens. */
const SWEEP_MS = HOUR
const REMEMBERED_SWEEPS = 4096

export interface SessionPair {
  readonly accessJwt: string
  readonly refreshJwt: string
}

/** A log-in with its tokens made, its row not yet stored. */
export interface PreparedSession extends SessionPair {
  /** Stores the refresh token's row; for use inside a transaction. */
  store(): void
}

export class Sessions {
  private readonly sql
  private readonly commits: GroupCommit
  /** when the tokens of an account were last swept */
  private readonly swept = new Lru<Did, number>(REMEMBERED_SWEEPS)

  constructor(private readonly deps: { db: Database; clock: Clock; tokens: SessionTokens }) {
    this.sql = statements(deps.db)
    this.commits = new GroupCommit(deps.db)
  }

  /** Logs `did` in: by the main password, or by an app password, which then bounds what the session may do. */
  start(did: Did, appPassword: AppPassword | null): SessionPair {
    const { store, ...pair } = this.prepare(did, appPassword)
    store()
    return pair
  }

  /** A session whose row is stored by the caller, together with other things. */
  prepare(did: Did, appPassword: AppPassword | null): PreparedSession {
    const id = newTokenId()
    const row = {
      did,
      id,
      sessionId: base32(randomBytes(10)),
      startedAt: this.deps.clock.now(),
      appPassword: appPassword?.name ?? null,
    }
    return { ...this.issue(did, scopeOf(appPassword), id), store: () => this.insert(row) }
  }

  /** The restricted session of a taken-down account. Its refresh token has no row, so it ends with the access token. */
  startTakendown(did: Did): SessionPair {
    return this.issue(did, 'com.atproto.takendown', newTokenId())
  }

  /**
   * The next pair of tokens of a session. The scope follows the app password as it is now.
   * @throws ExpiredTokenError when the token was revoked, or replaced longer ago than the grace
   */
  async refresh(did: Did, tokenId: string): Promise<SessionPair> {
    const { scope, nextId } = await this.commits.run(() => this.rotate(did, tokenId))
    return this.issue(did, scope, nextId)
  }

  /** Revokes a refresh token. One that it replaced less than the grace ago still refreshes, as at the official server. */
  end(did: Did, tokenId: string): void {
    this.sql.end.run(did, tokenId)
  }

  /** Ends every session of an account; access tokens that are out live until they expire. */
  endAll(did: Did): void {
    this.sql.endAll.run(did)
  }

  private rotate(did: Did, tokenId: string): { scope: AccessScope; nextId: string } {
    const now = this.deps.clock.now()
    const row = this.sql.get.get(did, tokenId)
    if (!row || row.expiresAt <= now) throw revoked()
    this.sweep(did, now)
    const nextId = row.nextId ?? newTokenId()
    if (row.nextId === null)
      this.sql.replace.run(nextId, Math.min(row.expiresAt, now + GRACE_MS), did, tokenId)
    const { sessionId, startedAt, appPassword } = row
    this.insert({ did, id: nextId, sessionId, startedAt, appPassword })
    return { scope: scopeOf(appPassword === null ? null : { privileged: row.privileged === 1 }), nextId }
  }

  private sweep(did: Did, now: number): void {
    if (now - (this.swept.get(did) ?? 0) < SWEEP_MS) return
    this.sql.removeExpired.run(did, now)
    this.swept.set(did, now)
  }

  private issue(did: Did, scope: AccessScope, tokenId: string): SessionPair {
    const { tokens } = this.deps
    return { accessJwt: tokens.issueAccess(did, scope), refreshJwt: tokens.issueRefresh(did, tokenId) }
  }

  /** A row that is there already, of a second refresh with one token, stays as it is. */
  private insert(row: NewRow): void {
    this.sql.insert.run({ ...row, expiresAt: this.deps.clock.now() + REFRESH_TOKEN_MS })
  }
}

function scopeOf(appPassword: { privileged: boolean } | null): AccessScope {
  if (!appPassword) return 'com.atproto.access'
  return appPassword.privileged ? 'com.atproto.appPassPrivileged' : 'com.atproto.appPass'
}

function newTokenId(): string {
  return Buffer.from(randomBytes(32)).toString('base64').replace('=', '')
}

function revoked(): ExpiredTokenError {
  return new ExpiredTokenError('Token has been revoked')
}

type NewRow = {
  did: Did
  id: string
  sessionId: string
  startedAt: number
  appPassword: string | null
}

interface Row extends Omit<NewRow, 'did' | 'id'> {
  nextId: string | null
  expiresAt: number
  privileged: number | null
}

function statements(db: Database) {
  return {
    insert: db.query<unknown, NewRow & { expiresAt: number }>(
      `INSERT INTO refresh_token (did, id, session_id, started_at, app_password, expires_at)
       VALUES ($did, $id, $sessionId, $startedAt, $appPassword, $expiresAt) ON CONFLICT DO NOTHING`,
    ),
    get: db.query<Row, [string, string]>(
      `SELECT session_id AS sessionId, started_at AS startedAt, app_password AS appPassword,
              next_id AS nextId, expires_at AS expiresAt, privileged
       FROM refresh_token LEFT JOIN app_password ON app_password.did = refresh_token.did AND name = app_password
       WHERE refresh_token.did = ? AND id = ?`,
    ),
    replace: db.query<unknown, [string, number, string, string]>(
      'UPDATE refresh_token SET next_id = ?, expires_at = ? WHERE did = ? AND id = ?',
    ),
    removeExpired: db.query<unknown, [string, number]>(
      'DELETE FROM refresh_token WHERE did = ? AND expires_at <= ?',
    ),
    end: db.query<unknown, [string, string]>('DELETE FROM refresh_token WHERE did = ? AND id = ?'),
    endAll: db.query<unknown, [string]>('DELETE FROM refresh_token WHERE did = ?'),
  }
}
