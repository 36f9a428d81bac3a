import { type Database, openDatabase, transact } from '#db/database.ts'
import { InvalidPlcOperationError } from '#identity/errors.ts'
import { checkLimits } from '#identity/plc-limits.ts'
import { judgeOperation, type LoggedOperation } from '#identity/plc-log.ts'
import { type AnyPlcOperation, asPlcOperation, operationCid } from '#identity/plc-operation.ts'
import type { Did } from '#lexicon/strings.ts'
import { plcMigrations } from '#migrations/plc.ts'
import { type Cid, formatCid, parseCid } from '#repo/cid.ts'
import { type Clock, DAY, HOUR } from '#std/clock.ts'

export interface StoredOperation extends LoggedOperation {
  readonly seq: number
  readonly did: Did
}

interface Row {
  seq: number
  did: Did
  cid: Cid
  operation: string
  nullified: 0 | 1
  createdAt: number
}

const COLUMNS = 'seq, did, cid, operation, nullified, created_at AS createdAt'

/** How many operations a DID may have in a time, as at plc.directory. Recovery is never held up. */
const PACE = [
  { name: 'week', ms: 7 * DAY, max: 100 },
  { name: 'day', ms: DAY, max: 30 },
  { name: 'hour', ms: HOUR, max: 10 },
] as const

/** The operations of all DIDs, in the order in which they were taken. */
export class OperationLog {
  private constructor(
    private readonly db: Database,
    private readonly clock: Clock,
  ) {}

  static open(path: string, clock: Clock): OperationLog {
    return new OperationLog(openDatabase(path, { migrations: plcMigrations, synchronous: 'FULL' }), clock)
  }

  close(): void {
    this.db.close()
  }

  /**
   * Takes an operation, and nullifies those that it overrules. It is on disk when this returns.
   * @throws InvalidPlcOperationError
   */
  append(did: Did, operation: AnyPlcOperation): void {
    checkLimits(operation)
    const cid = parseCid(operationCid(operation))
    const { db } = this
    transact(db, () => {
      const log = this.of(did)
      const createdAt = this.nextTime()
      const nullified = judgeOperation(did, log, operation, createdAt)
      if (nullified.length === 0) checkPace(log, createdAt)
      const nullify = db.query('UPDATE operation SET nullified = 1 WHERE did = $did AND cid = $cid')
      for (const overruled of nullified) nullify.run({ did, cid: parseCid(overruled) })
      db.query(
        'INSERT INTO operation (did, cid, operation, created_at) VALUES ($did, $cid, $operation, $createdAt)',
      ).run({ did, cid, operation: JSON.stringify(operation), createdAt })
    })
  }

  /** All operations of `did`, nullified ones too. */
  of(did: string): StoredOperation[] {
    return this.db
      .query<Row, { did: string }>(`SELECT ${COLUMNS} FROM operation WHERE did = $did ORDER BY seq`)
      .all({ did })
      .map(fromRow)
  }

  /** The operation that holds now. */
  last(did: string): StoredOperation | null {
    const row = this.db
      .query<Row, { did: string }>(
        `SELECT ${COLUMNS} FROM operation WHERE did = $did AND nullified = 0 ORDER BY seq DESC LIMIT 1`,
      )
      .get({ did })
    return row && fromRow(row)
  }

  after(seq: number, limit: number): StoredOperation[] {
    return this.db
      .query<Row, { seq: number; limit: number }>(
        `SELECT ${COLUMNS} FROM operation WHERE seq > $seq ORDER BY seq LIMIT $limit`,
      )
      .all({ seq, limit })
      .map(fromRow)
  }

  /** @param time Unix milliseconds */
  createdAfter(time: number, limit: number): StoredOperation[] {
    return this.db
      .query<Row, { time: number; limit: number }>(
        `SELECT ${COLUMNS} FROM operation WHERE created_at > $time ORDER BY created_at LIMIT $limit`,
      )
      .all({ time, limit })
      .map(fromRow)
  }

  /** Now, or just after the operation taken last. */
  private nextTime(): number {
    const last = this.db
      .query<{ at: number | null }, []>('SELECT max(created_at) AS at FROM operation')
      .get()?.at
    return Math.max(this.clock.now(), (last ?? 0) + 1)
  }
}

function fromRow({ seq, did, cid, operation, nullified, createdAt }: Row): StoredOperation {
  return {
    seq,
    did,
    cid: formatCid(cid),
    operation: asPlcOperation(JSON.parse(operation)),
    nullified: nullified === 1,
    createdAt,
  }
}

function checkPace(log: readonly StoredOperation[], now: number): void {
  for (const { name, ms, max } of PACE) {
    const recent = log.filter((entry) => !entry.nullified && entry.createdAt > now - ms)
    if (recent.length >= max) {
      throw new InvalidPlcOperationError(`Too many operations within last ${name} (max ${max})`)
    }
  }
}
