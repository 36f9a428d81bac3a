/**
 * Events of deleted accounts that are taken out of the log: at once for readers, who ask here; on disk by passes through
 * the log, each of which takes out everything that had been erased when it began.
 */
import { type Database, transact } from '#db/database.ts'
import type { Did } from '#lexicon/strings.ts'

/** events looked at in one step, a few milliseconds' work */
const STEP = 1000

export class Erasures {
  private readonly sql
  /** the last number that is erased, by account */
  private readonly pending = new Map<Did, number>()
  /** the same as the pass under way found it */
  private pass = new Map<Did, number>()

  constructor(private readonly db: Database) {
    this.sql = statements(db)
    for (const { did, throughSeq } of this.sql.all.all()) this.pending.set(did, throughSeq)
  }

  /** The last number of `did` that is erased, although it may still be on disk; 0 when there is none. */
  through(did: Did): number {
    return this.pending.size === 0 ? 0 : (this.pending.get(did) ?? 0)
  }

  /** Notes that the events of `did` up to `throughSeq` are erased. Belongs in a transaction; `settle` follows it. */
  write(did: Did, throughSeq: number): void {
    this.sql.set.run(did, throughSeq)
  }

  /** What was written has been committed. */
  settle(did: Did, throughSeq: number): void {
    this.pending.set(did, throughSeq)
  }

  /**
   * Does a bounded part of a pass through the log.
   * @param after what the step before returned; 0 begins a pass
   * @returns null at its end
   */
  step(after: number): number | null {
    if (after === 0) this.pass = new Map(this.pending)
    if (this.pass.size === 0) return null
    const events = this.sql.eventsAfter.all(after, STEP)
    const erased = events.filter(({ did, seq }) => seq <= (this.pass.get(did) ?? 0))
    const last = events.length === STEP ? events.at(-1) : undefined
    if (erased.length > 0 || !last) {
      transact(this.db, () => {
        for (const { seq } of erased) this.sql.drop.run(seq)
        if (!last) for (const [did, throughSeq] of this.pass) this.sql.remove.run(did, throughSeq)
      })
    }
    if (last) return last.seq
    for (const [did, throughSeq] of this.pass) {
      if (this.pending.get(did) === throughSeq) this.pending.delete(did)
    }
    return null
  }
}

function statements(db: Database) {
  return {
    all: db.query<{ did: Did; throughSeq: number }, []>('SELECT did, through_seq AS throughSeq FROM erasure'),
    set: db.query<null, [Did, number]>(
      'INSERT INTO erasure (did, through_seq) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET through_seq = ?2',
    ),
    remove: db.query<null, [Did, number]>('DELETE FROM erasure WHERE did = ? AND through_seq = ?'),
    eventsAfter: db.query<{ seq: number; did: Did }, [number, number]>(
      'SELECT seq, did FROM event WHERE seq > ? ORDER BY seq LIMIT ?',
    ),
    drop: db.query<null, [number]>('DELETE FROM event WHERE seq = ?'),
  }
}
