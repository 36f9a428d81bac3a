import { type Database, transact } from '#db/database.ts'
import type { Did } from '#lexicon/strings.ts'
import type { AccountFinding } from './account-findings.ts'

export interface Discrepancy {
  readonly did: Did
  /** where it was found; null when the account is still to be compared, as is `finding` */
  readonly relay: string | null
  readonly finding: AccountFinding | null
  /** of the account, in the relay's words; null when it has none */
  readonly status: string | null
  /** how often the account was announced anew because of it */
  readonly announcedCount: number
  /** when it is looked at next, in Unix milliseconds */
  readonly dueAt: number
}

/**
 * Accounts that a relay holds otherwise than this server does, or that have to be compared because event numbers were
 * lost. They outlast a restart: what is to be announced after a jump takes hours on a big host.
 */
export class Discrepancies {
  private readonly sql

  constructor(private readonly deps: { db: Database }) {
    this.sql = statements(deps.db)
  }

  get(did: Did): Discrepancy | null {
    return this.sql.get.get(did)
  }

  /** The one that has waited longest of those that are due, or null. */
  nextDue(now: number): Discrepancy | null {
    return this.sql.nextDue.get(now)
  }

  /** Those that were found to be so, the oldest accounts' DIDs in order. */
  found(limit: number): Discrepancy[] {
    return this.sql.found.all(limit)
  }

  count(): { found: number; toCompare: number } {
    return this.sql.count.get() ?? { found: 0, toCompare: 0 }
  }

  /** Has accounts compared now, whatever was known of them. */
  compareAll(dids: readonly Did[], now: number): void {
    transact(this.deps.db, () => {
      for (const did of dids) this.sql.compare.run(did, now)
    })
  }

  set({ did, relay, finding, status, announcedCount, dueAt }: Discrepancy): void {
    this.sql.set.run(did, relay, finding, status, announcedCount, dueAt)
  }

  remove(did: Did): void {
    this.sql.remove.run(did)
  }
}

const COLUMNS = 'did, relay, finding, status, announced_count AS announcedCount, due_at AS dueAt'

function statements(db: Database) {
  return {
    get: db.query<Discrepancy, [Did]>(`SELECT ${COLUMNS} FROM relay_discrepancy WHERE did = ?`),
    nextDue: db.query<Discrepancy, [number]>(
      `SELECT ${COLUMNS} FROM relay_discrepancy WHERE due_at <= ? ORDER BY due_at, did LIMIT 1`,
    ),
    found: db.query<Discrepancy, [number]>(
      `SELECT ${COLUMNS} FROM relay_discrepancy WHERE finding IS NOT NULL ORDER BY did LIMIT ?`,
    ),
    count: db.query<{ found: number; toCompare: number }, []>(
      `SELECT count(finding) AS found, count(*) - count(finding) AS toCompare FROM relay_discrepancy`,
    ),
    compare: db.query<unknown, [Did, number]>(
      `INSERT INTO relay_discrepancy (did, due_at) VALUES (?1, ?2)
       ON CONFLICT DO UPDATE SET relay = NULL, finding = NULL, status = NULL, announced_count = 0, due_at = ?2`,
    ),
    set: db.query<unknown, [Did, string | null, AccountFinding | null, string | null, number, number]>(
      `INSERT INTO relay_discrepancy (did, relay, finding, status, announced_count, due_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6)
       ON CONFLICT DO UPDATE SET relay = ?2, finding = ?3, status = ?4, announced_count = ?5, due_at = ?6`,
    ),
    remove: db.query<unknown, [Did]>('DELETE FROM relay_discrepancy WHERE did = ?'),
  }
}
