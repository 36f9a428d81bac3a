/**
 * The event log: every event this host has announced, in one order, numbered by `seq`. It is also the write-ahead log
 * of the repositories: what is committed here (fsync) is answered and broadcast; actor stores follow and are redone
 * from here when they lag.
 *
 * Invariants: `seq` only grows and is never used twice, on this data directory or, because a new one starts at the Unix
 * time in milliseconds, on one that took its place. Frames are stored as they go over the firehose. One process writes.
 */
import { type Database, openDatabase, transact } from '#db/database.ts'
import type { Did, Tid } from '#lexicon/strings.ts'
import { sequencerMigrations } from '#migrations/sequencer.ts'
import type { Cid } from '#repo/cid.ts'
import type { Clock } from '#std/clock.ts'
import { logger } from '#telemetry/log.ts'
import { Erasures } from './erasures.ts'
import { SequenceRefusedError } from './errors.ts'
import { EventTally } from './event-tally.ts'
import { type CollectionChanges, RepoCollections } from './repo-collections.ts'

const log = logger('sequencer')

export type EventKind = 'commit' | 'sync' | 'identity' | 'account'

export interface LoggedEvent {
  seq: number
  did: Did
  kind: EventKind
  /** Unix milliseconds */
  time: number
  frame: Uint8Array
}

/** The last commit of a repository. */
export interface Head {
  rev: Tid
  commitCid: Cid
  /** of the event that announced it */
  seq: number
}

/** An event before it has its number. */
export interface NewEvent {
  did: Did
  kind: EventKind
  /** on commits and syncs: the head that it announces */
  head?: { rev: Tid; commitCid: Cid }
  encode(seq: number, time: string): Uint8Array
}

/** 16 KiB pages hold a frame of a usual size without overflow pages. */
const PAGE_SIZE = 16 * 1024
/** 4 MB in the file's WAL: a write waits for 1-2 ms when they are moved to the file, where SQLite's 1000 pages take 5-7 */
const CHECKPOINT_PAGES = 256
/**
 * Numbers left out when the log was not closed: under relaxed durability, or on a disk that does not keep what it was told
 * to, the last events can be gone whose numbers consumers have seen.
 */
const UNCLOSED_MARGIN = 100_000
/** leaves room for as many events again as there are numbers below */
const HIGHEST_BUMP = 2 ** 52
/** events dropped in one step of pruning, a few milliseconds' work */
const PRUNE_STEP = 200
/** share of the file that is kept for events to come; of what is free beyond it, so many pages are cut off in a step */
const SPARE_SHARE = 0.2
const VACUUM_PAGES = 100

export class Sequencer {
  readonly collections: RepoCollections
  readonly tally: EventTally
  private readonly db: Database
  private readonly sql
  private readonly listeners = new Set<(events: readonly LoggedEvent[]) => void>()
  private readonly erasureListeners = new Set<(did: Did, throughSeq: number) => void>()
  /** heads of the events above `appliedThrough`, which the table does not have yet */
  private readonly newHeads = new Map<Did, Head>()
  private readonly erasures: Erasures
  private batch: { events: LoggedEvent[]; heads: Map<Did, Head>; seq: number; now: number } | null = null
  /** whether the log was closed after its last event, and not left by a crash */
  readonly wasClosed: boolean
  private last: number
  private applied: number
  private pruned: number

  constructor(private readonly deps: { path: string; clock: Clock; durability: 'full' | 'relaxed' }) {
    this.db = openDatabase(deps.path, {
      migrations: sequencerMigrations,
      synchronous: deps.durability === 'full' ? 'FULL' : 'NORMAL',
      pageSize: PAGE_SIZE,
      reclaim: true,
      cacheKib: 4 * 1024,
    })
    this.db.run(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
    this.sql = statements(this.db)
    this.collections = new RepoCollections(this.db)
    this.tally = new EventTally(this.db)
    this.erasures = new Erasures(this.db)
    const mark = this.sql.mark.get('last_seq')?.seq
    this.last = Math.max(this.sql.newest.get()?.seq ?? 0, mark ?? deps.clock.now())
    if (mark === undefined) this.sql.setMark.run('last_seq', this.last)
    this.wasClosed = mark === undefined || this.sql.mark.get('closed_at')?.seq === this.last
    if (!this.wasClosed) this.last += UNCLOSED_MARGIN
    this.applied = this.sql.mark.get('applied_through')?.seq ?? 0
    this.pruned = this.sql.mark.get('pruned_through')?.seq ?? 0
    for (const { did, ...head } of this.sql.headsAfter.iterate(this.applied)) {
      if (head.seq > this.erasures.through(did)) this.newHeads.set(did, head)
    }
  }

  /** Whether a batch is on disk when it is committed. Under relaxed durability that takes a sync of the log's file. */
  get syncsCommits(): boolean {
    return this.deps.durability === 'full'
  }

  /** The number of the newest event. */
  get lastSeq(): number {
    return this.last
  }

  /** Every event up to here is in its actor store, on disk. */
  get appliedThrough(): number {
    return this.applied
  }

  /** Events up to here have been dropped because of their age; 0 when none have. */
  get prunedThrough(): number {
    return this.pruned
  }

  /** Opens the one transaction of a batch. */
  begin(): void {
    this.db.begin()
    this.batch = { events: [], heads: new Map(), seq: this.last, now: this.deps.clock.now() }
  }

  /** Adds an event to the open batch, in the order in which consumers will see it. */
  append(event: NewEvent): number {
    const { batch } = this
    if (!batch) throw new Error('append outside of a batch')
    const seq = batch.seq + 1
    const { did, kind, head } = event
    const frame = event.encode(seq, new Date(batch.now).toISOString())
    this.sql.insert.run(seq, did, kind, batch.now, head?.rev ?? null, head?.commitCid ?? null, frame)
    batch.seq = seq
    batch.events.push({ seq, did, kind, time: batch.now, frame })
    if (head) batch.heads.set(did, { ...head, seq })
    return seq
  }

  /** Events in the open batch. */
  get appended(): number {
    return this.batch?.events.length ?? 0
  }

  /** Makes the batch durable. When it throws (disk full), nothing of it has happened. */
  commit(): readonly LoggedEvent[] {
    const { batch } = this
    if (!batch) throw new Error('commit outside of a batch')
    this.db.commit()
    this.batch = null
    this.last = batch.seq
    for (const [did, head] of batch.heads) this.newHeads.set(did, head)
    for (const event of batch.events) this.tally.add(event)
    return batch.events
  }

  /** Drops the open batch, if there is one. */
  rollback(): void {
    this.batch = null
    this.db.rollback()
  }

  /** Hands durable events to those who listen. */
  publish(events: readonly LoggedEvent[]): void {
    for (const listener of this.listeners) listener(events)
  }

  /** Calls `listener` with the events of each batch, in order. @returns a function that ends it */
  listen(listener: (events: readonly LoggedEvent[]) => void): () => void {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  /** Calls `listener` with what is taken out of the log: the events of a DID up to a number. */
  onErasure(listener: (did: Did, throughSeq: number) => void): () => void {
    this.erasureListeners.add(listener)
    return () => void this.erasureListeners.delete(listener)
  }

  /** The last commit of a repository, or null when the log has never seen one. */
  head(did: Did): Head | null {
    return this.newHeads.get(did) ?? this.sql.head.get(did)
  }

  /** Repositories with commits above `appliedThrough`. */
  unapplied(): Did[] {
    return [...this.newHeads.keys()]
  }

  /** Notes that the stores have every event up to `seq` on disk, and which collections came or went meanwhile. */
  markApplied(seq: number, changes: CollectionChanges = new Map()): void {
    const settled = [...this.newHeads].filter(([, head]) => head.seq <= seq)
    transact(this.db, () => {
      for (const [did, { rev, commitCid, seq: at }] of settled) this.sql.setHead.run(did, rev, commitCid, at)
      this.collections.apply(changes)
      this.tally.write(this.last)
      this.sql.setMark.run('applied_through', seq)
      this.sql.setMark.run('last_seq', this.last)
    })
    this.applied = seq
    this.tally.settle()
    for (const [did, head] of settled) if (this.newHeads.get(did) === head) this.newHeads.delete(did)
  }

  /**
   * The events above `after` and none above `upTo`, as many as fit into `maxBytes`, or one. These are all there are up
   * to `through`.
   */
  page(after: number, upTo: number, maxBytes: number): { events: LoggedEvent[]; through: number } {
    const events: LoggedEvent[] = []
    let bytes = 0
    let through = after
    for (const event of this.sql.page.iterate(after, upTo)) {
      if (bytes > 0 && bytes + event.frame.length > maxBytes) return { events, through }
      bytes += event.frame.length
      through = event.seq
      if (!this.isErased(event)) events.push(event)
    }
    return { events, through: upTo }
  }

  /** Whether an event has been taken out of the log, although it may still be on disk. */
  isErased({ did, seq }: Pick<LoggedEvent, 'did' | 'seq'>): boolean {
    return seq <= this.erasures.through(did)
  }

  /**
   * Jumps ahead: the next event has a number above `to`, also after a crash. For when someone has seen higher numbers
   * than ours, of a log that is lost.
   * @throws SequenceRefusedError when `to` is not ahead, or too far for any number to follow
   */
  bump(to: number): void {
    if (this.batch) throw new Error('bump within a batch')
    if (!Number.isSafeInteger(to) || to <= this.last || to > HIGHEST_BUMP)
      throw new SequenceRefusedError(to, this.last)
    this.sql.setMark.run('last_seq', to)
    this.last = to
  }

  /** Frames that announce commits of one repository above `after`, in order. Scans the log: for repairs. */
  commitsOf(did: Did, after: number): IterableIterator<{ seq: number; frame: Uint8Array }> {
    return this.sql.commitsOf.iterate(after, did)
  }

  /** The oldest event that is still in the log, or null when it is empty. */
  oldest(): { seq: number; time: number } | null {
    return this.sql.oldestEvents.get(1)
  }

  /**
   * Takes the events of `did` up to `throughSeq` out of the log, and forgets its head: at once for readers, on disk
   * by `eraseStep`.
   */
  erase(did: Did, throughSeq: number): void {
    transact(this.db, () => {
      this.erasures.write(did, throughSeq)
      this.sql.dropHead.run(did)
      this.collections.remove(did)
    })
    this.erasures.settle(did, throughSeq)
    this.newHeads.delete(did)
    for (const listener of this.erasureListeners) listener(did, throughSeq)
  }

  /** Does a bounded part of taking out what was erased: see `Erasures.step`. */
  eraseStep(after: number): number | null {
    return this.erasures.step(after)
  }

  /**
   * Drops a bounded number of events from before `time` (Unix milliseconds), the oldest first, as far as the stores have
   * them. @returns how many; 0 when none is left
   */
  pruneStep(time: number): number {
    const oldEnough = this.sql.oldestEvents.all(PRUNE_STEP).filter((event) => event.time < time)
    const through = Math.min(oldEnough.at(-1)?.seq ?? 0, this.applied)
    if (through <= this.pruned) return 0
    const { changes } = transact(this.db, () => {
      this.sql.setMark.run('pruned_through', through)
      this.sql.setMark.run('last_seq', this.last)
      this.tally.forgetBefore(time)
      return this.sql.dropThrough.run(through)
    })
    this.pruned = through
    return changes
  }

  /**
   * Gives a bounded part of the space of dropped events back, if much of the file is free: what events to come will soon
   * need again is not worth moving others for. @returns whether there is more
   */
  shrinkStep(): boolean {
    const { pages, free } = this.size()
    const beyond = free - Math.floor((pages - free) * SPARE_SHARE)
    if (beyond <= 0) return false
    this.db.run(`PRAGMA incremental_vacuum(${Math.min(beyond, VACUUM_PAGES)})`)
    return beyond > VACUUM_PAGES
  }

  /** The size of the file and what of it is free, in pages and in bytes. */
  size(): { pages: number; free: number; pageBytes: number } {
    const pages = this.sql.pageCount.get()?.page_count ?? 0
    const free = this.sql.freeCount.get()?.freelist_count ?? 0
    return { pages, free, pageBytes: PAGE_SIZE }
  }

  /** Closes the log. Everything that it has answered is on disk already. */
  close(): void {
    try {
      this.sql.setMark.run('closed_at', this.last)
    } catch (error) {
      log.warn('the event log could not be marked as closed, the next start leaves numbers out', { error })
    }
    this.db.close()
  }
}

function statements(db: Database) {
  return {
    newest: db.query<{ seq: number | null }, []>('SELECT max(seq) AS seq FROM event'),
    insert: db.query<null, [number, Did, EventKind, number, Tid | null, Cid | null, Uint8Array]>(
      'INSERT INTO event (seq, did, kind, time, rev, commit_cid, frame) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ),
    page: db.query<LoggedEvent, [number, number]>(
      'SELECT seq, did, kind, time, frame FROM event WHERE seq > ? AND seq <= ? ORDER BY seq',
    ),
    headsAfter: db.query<Head & { did: Did }, [number]>(
      `SELECT did, rev, commit_cid AS commitCid, seq FROM event WHERE seq > ? AND rev IS NOT NULL ORDER BY seq`,
    ),
    commitsOf: db.query<{ seq: number; frame: Uint8Array }, [number, Did]>(
      `SELECT seq, frame FROM event WHERE seq > ? AND did = ? AND rev IS NOT NULL ORDER BY seq`,
    ),
    head: db.query<Head, [Did]>('SELECT rev, commit_cid AS commitCid, seq FROM head WHERE did = ?'),
    setHead: db.query<null, [Did, Tid, Cid, number]>(
      `INSERT INTO head (did, rev, commit_cid, seq) VALUES (?1, ?2, ?3, ?4)
       ON CONFLICT DO UPDATE SET rev = ?2, commit_cid = ?3, seq = ?4`,
    ),
    dropHead: db.query<null, [Did]>('DELETE FROM head WHERE did = ?'),
    mark: db.query<{ seq: number }, [string]>('SELECT seq FROM mark WHERE name = ?'),
    setMark: db.query<null, [string, number]>(
      'INSERT INTO mark (name, seq) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET seq = ?2',
    ),
    oldestEvents: db.query<{ seq: number; time: number }, [number]>(
      'SELECT seq, time FROM event ORDER BY seq LIMIT ?',
    ),
    pageCount: db.query<{ page_count: number }, []>('PRAGMA page_count'),
    freeCount: db.query<{ freelist_count: number }, []>('PRAGMA freelist_count'),
    dropThrough: db.query<null, [number]>('DELETE FROM event WHERE seq <= ?'),
  }
}
