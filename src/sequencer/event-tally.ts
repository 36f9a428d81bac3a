/**
 * How many events were announced, by hour and kind: counting them in the log would mean to read all of it. What is new
 * is counted in memory and written now and then, with the number of the last event in it; after a crash, later ones are
 * counted from the log. Events that are erased stay counted.
 */
import type { Database } from '#db/database.ts'
import { HOUR } from '#std/clock.ts'
import type { EventKind, LoggedEvent } from './sequencer.ts'

const KINDS: readonly EventKind[] = ['commit', 'sync', 'identity', 'account']

export interface Tally {
  /** its start in Unix milliseconds */
  hour: number
  kind: EventKind
  events: number
  /** of their frames */
  bytes: number
}

export class EventTally {
  private readonly sql
  private readonly unwritten = new Map<number, Tally>()

  constructor(db: Database) {
    this.sql = statements(db)
    const through = this.sql.through.get()?.seq ?? 0
    for (const tally of this.sql.count.all({ length: HOUR, through })) this.unwritten.set(keyOf(tally), tally)
  }

  add({ kind, time, frame }: LoggedEvent): void {
    const hour = time - (time % HOUR)
    const key = keyOf({ hour, kind })
    const tally = this.unwritten.get(key) ?? { hour, kind, events: 0, bytes: 0 }
    tally.events++
    tally.bytes += frame.length
    this.unwritten.set(key, tally)
  }

  /** Writes what was counted, which goes up to the event `through`. Belongs in a transaction; then comes `settle`. */
  write(through: number): void {
    for (const tally of this.unwritten.values()) this.sql.add.run({ ...tally })
    this.sql.setThrough.run(through)
  }

  /** What was written has been committed. */
  settle(): void {
    this.unwritten.clear()
  }

  /** Forgets the hours that were over before `time` (Unix milliseconds). */
  forgetBefore(time: number): void {
    this.sql.forget.run(time - HOUR)
  }

  /** What was counted, oldest hour first. */
  all(): Tally[] {
    const found = new Map(this.sql.all.all().map((tally) => [keyOf(tally), tally]))
    for (const [key, { events, bytes, ...of }] of this.unwritten) {
      const before = found.get(key)
      found.set(key, { ...of, events: events + (before?.events ?? 0), bytes: bytes + (before?.bytes ?? 0) })
    }
    return [...found.values()].sort((a, b) => keyOf(a) - keyOf(b))
  }
}

function keyOf({ hour, kind }: Pick<Tally, 'hour' | 'kind'>): number {
  return hour + KINDS.indexOf(kind)
}

function statements(db: Database) {
  return {
    through: db.query<{ seq: number }, []>(`SELECT seq FROM mark WHERE name = 'tallied_through'`),
    setThrough: db.query<null, [number]>(
      `INSERT INTO mark (name, seq) VALUES ('tallied_through', ?1) ON CONFLICT DO UPDATE SET seq = ?1`,
    ),
    count: db.query<Tally, { length: number; through: number }>(
      `SELECT time - time % $length AS hour, kind, count(*) AS events, sum(length(frame)) AS bytes
       FROM event WHERE seq > $through GROUP BY 1, 2`,
    ),
    add: db.query<null, { hour: number; kind: string; events: number; bytes: number }>(
      `INSERT INTO tally (hour, kind, events, bytes) VALUES ($hour, $kind, $events, $bytes)
       ON CONFLICT DO UPDATE SET events = events + $events, bytes = bytes + $bytes`,
    ),
    forget: db.query<null, [number]>('DELETE FROM tally WHERE hour <= ?'),
    all: db.query<Tally, []>('SELECT hour, kind, events, bytes FROM tally'),
  }
}
