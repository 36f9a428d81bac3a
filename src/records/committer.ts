/**
 * The one place where repositories change and events are made.
 *
 * Work is queued and done once per turn of the event loop, everything that is queued in one batch:
 *
 *   1. Each piece of work, in order and synchronously, checks, changes the tree, signs, appends its events to the open
 *      transaction of the event log, and applies itself to its actor store, in a transaction that stays open.
 *   2. The log's transaction commits, with one fsync for the whole batch. From here on it has happened.
 *   3. The stores' transactions commit (no fsync: the log can redo them).
 *   4. The callers are answered; after that the events are published.
 *
 * A crash before 2 leaves nothing. A crash after it leaves stores that lag, which are brought up to date when they are
 * next opened (recovery.ts). When 2 fails, as on a full disk, the stores roll back, trees in memory are dropped, and
 * the callers get the error. When 3 fails for a store, it is closed, and so brought up to date when opened again. A full
 * disk costs the reserve of space: from then on work is refused before it touches anything, until there is space again.
 * Work that is refused (a DomainError) changes nothing and does not disturb the others of its batch.
 */
import type { ActorStore, RecordChange } from '#actor/actor-store.ts'
import type { ActorStores } from '#actor/actor-stores.ts'
import type { DiskReserve } from '#db/disk-reserve.ts'
import { StorageFullError, storageError } from '#db/errors.ts'
import type { SigningKeys } from '#keys/signing-keys.ts'
import type { Did, Handle, Tid } from '#lexicon/strings.ts'
import { type Block, writeCar } from '#repo/car.ts'
import { type Cid, formatCid } from '#repo/cid.ts'
import { type SignedCommit, signCommit } from '#repo/commit.ts'
import {
  type AccountStatus,
  encodeAccountFrame,
  encodeCommitFrame,
  encodeIdentityFrame,
  encodeSyncFrame,
  type RepoOp,
} from '#repo/events.ts'
import { Mst } from '#repo/mst.ts'
import type { TidGenerator } from '#repo/tid.ts'
import type { LoggedEvent, Sequencer } from '#sequencer/sequencer.ts'
import { DomainError } from '#std/errors.ts'
import { logger } from '#telemetry/log.ts'
import { applyChange } from './change.ts'
import { collectionsAfter } from './collection-notes.ts'
import { TooManyWritesError } from './errors.ts'
import type { LoadedRepo, LoadedRepos } from './loaded-repos.ts'
import type { StoreSync } from './store-sync.ts'

const log = logger('records')

/** fewer than the actor stores that can be open at a time, so that none of a batch is closed in it */
const MAX_BATCH = 100
/** records changed in one batch, about 5 ms of work, unless a single piece of work has more */
const MAX_BATCH_WEIGHT = 400
/** bytes of `blocks` in a `#commit`, by the firehose's specification */
const MAX_EVENT_BYTES = 2_000_000
const EVENT_TOO_LARGE = 'Too many writes. Max event size: 2MB'

export type Announcement =
  | { type: 'identity'; handle?: Handle }
  | { type: 'account'; active: boolean; status?: AccountStatus }
  /** `newerThan`: a head that is not newer is renewed first, by a commit of the same tree with a newer rev */
  | { type: 'sync'; newerThan?: Tid }

interface Deps {
  stores: ActorStores
  repos: LoadedRepos
  sequencer: Sequencer
  keys: SigningKeys
  tids: TidGenerator
  sync: StoreSync
  reserve: DiskReserve
}

interface Job {
  /** how many records it may change */
  weight: number
  work(batch: Batch): unknown
  resolve(value: unknown): void
  reject(error: unknown): void
}

export class Committer {
  private queue: Job[] = []
  private scheduled = false
  private idle: (() => void)[] = []

  constructor(private readonly deps: Deps) {}

  /**
   * Does `work`, which changes up to `weight` records, in the next batch that has room for it.
   * @returns what it returns, once that is durable
   */
  submit<T>(work: (batch: Batch) => T, weight = 1): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.queue.push({ weight, work, resolve: resolve as (value: unknown) => void, reject })
      this.schedule()
    })
  }

  /**
   * Makes the repository of a new account: an empty tree under a first commit. Unless `silent`, announces it with
   * `#identity`, `#account`, `#commit` and `#sync`, together. Does nothing when it was made before.
   */
  async createRepo(did: Did, { handle, silent }: { handle: Handle; silent?: boolean }): Promise<void> {
    await this.submit((batch) => batch.createRepo(did, handle, silent === true))
    const { sync, sequencer } = this.deps
    // the log cannot redo what it was not told; and an account, which is on disk already, must not lose its repository
    if (silent || !sequencer.syncsCommits) await sync.flush()
  }

  /** Announces events of one account, in order and together. */
  async announce(did: Did, events: readonly Announcement[]): Promise<void> {
    await this.submit((batch) => {
      for (const event of events) batch.announce(did, event)
    })
  }

  /** Announces that an account was deleted, and takes what it said before out of the log. */
  async announceDeletion(did: Did): Promise<void> {
    const { sequencer, repos, stores, sync } = this.deps
    const seq = await this.submit((batch) =>
      batch.announce(did, { type: 'account', active: false, status: 'deleted' }),
    )
    sequencer.erase(did, seq - 1)
    sync.collections.forget(did)
    repos.forget(did)
    stores.close(did)
  }

  /** Resolves when nothing is queued any more. */
  drained(): Promise<void> {
    return this.scheduled ? new Promise((resolve) => this.idle.push(resolve)) : Promise.resolve()
  }

  private schedule(): void {
    if (this.scheduled) return
    this.scheduled = true
    setImmediate(() => this.flush())
  }

  private flush(): void {
    this.run(this.takeBatch())
    this.scheduled = false
    if (this.queue.length > 0) this.schedule()
    else for (const resolve of this.idle.splice(0)) resolve()
  }

  /** The jobs of the next batch: many small ones, or few large ones, so that others are not kept waiting for long. */
  private takeBatch(): Job[] {
    let weight = 0
    let count = 0
    for (const job of this.queue) {
      weight += job.weight
      if (count > 0 && (count === MAX_BATCH || weight > MAX_BATCH_WEIGHT)) break
      count++
    }
    return this.queue.splice(0, count)
  }

  private run(jobs: Job[]): void {
    const { sequencer, reserve } = this.deps
    if (!reserve.hold()) {
      for (const job of jobs) job.reject(new StorageFullError())
      return
    }
    const batch = new Batch(this.deps)
    const answers: (() => void)[] = []
    let events: readonly LoggedEvent[]
    try {
      sequencer.begin()
      for (const job of jobs) answers.push(this.attempt(job, batch))
      events = sequencer.commit()
    } catch (error) {
      sequencer.rollback()
      batch.abandon()
      const cause = storageError(error)
      if (cause instanceof StorageFullError) reserve.release()
      if (jobs.length > 1) for (const job of jobs) this.run([job])
      else for (const job of jobs) job.reject(cause)
      return
    }
    batch.finish()
    for (const answer of answers) answer()
    if (events.length > 0) setImmediate(() => sequencer.publish(events))
  }

  /**
   * Does one piece of work. A refusal is its own affair; any other error is that of the whole batch, and so is a refusal
   * that comes when something has been announced already.
   */
  private attempt(job: Job, batch: Batch): () => void {
    const { sequencer } = this.deps
    const appended = sequencer.appended
    try {
      const value = job.work(batch)
      return () => job.resolve(value)
    } catch (error) {
      if (!(error instanceof DomainError) || sequencer.appended > appended) throw error
      return () => job.reject(error)
    }
  }
}

/** What a piece of work can do. Exists for one batch. */
export class Batch {
  private readonly begun = new Map<Did, ActorStore>()
  private readonly collections: { did: Did; after: ReadonlyMap<string, boolean> }[] = []

  constructor(private readonly deps: Deps) {}

  repo(did: Did): LoadedRepo {
    return this.deps.repos.get(did)
  }

  /** Does `work` with a repository, twice if its stored tree is damaged: see `LoadedRepos.use`. */
  withRepo<T>(did: Did, work: (repo: LoadedRepo) => T): T {
    return this.deps.repos.use(did, work)
  }

  /** The store of `did`, with its transaction of this batch open. */
  store(did: Did): ActorStore {
    const known = this.begun.get(did)
    if (known) return known
    const store = this.deps.stores.open(did)
    store.db.begin()
    this.begun.set(did, store)
    return store
  }

  /** @returns the number of the event */
  announce(did: Did, event: Announcement): number {
    const { sequencer } = this.deps
    if (event.type === 'sync') {
      const repo = this.repo(did)
      if (event.newerThan !== undefined && repo.root.rev <= event.newerThan)
        return this.renew(repo, event.newerThan)
      const { rev, commitCid: cid, commitBlock: bytes } = repo.root
      return this.logSync(did, { rev, cid, bytes })
    }
    if (event.type === 'account') {
      const { active, status } = event
      const encode = (seq: number, time: string) => encodeAccountFrame({ seq, time, did, active, status })
      return sequencer.append({ did, kind: 'account', encode })
    }
    const encode = (seq: number, time: string) =>
      encodeIdentityFrame({ seq, time, did, handle: event.handle })
    return sequencer.append({ did, kind: 'identity', encode })
  }

  createRepo(did: Did, handle: Handle, silent: boolean): void {
    const { keys, tids, repos } = this.deps
    const store = this.store(did)
    if (store.root()) return
    const tree = Mst.empty(repos.nodesOf(did))
    const commit = signCommit({ did, rev: tids.next(), data: tree.root() }, keys.load(did).sign)
    const blocks = writeCar(commit.cid, [{ cid: commit.cid, bytes: commit.bytes }, ...tree.commitBlocks([])])
    tree.settle()
    let seq = 0
    if (!silent) {
      this.announce(did, { type: 'identity', handle })
      this.announce(did, { type: 'account', active: true })
      seq = this.log(did, commit, { since: null, blocks, ops: [] })
    }
    const root = {
      did,
      commitCid: commit.cid,
      commitBlock: commit.bytes,
      dataCid: commit.data,
      rev: commit.rev,
      seq,
    }
    applyChange(store, { root, since: null, records: [] })
    repos.add(root, tree)
    if (!silent) this.announce(did, { type: 'sync' })
  }

  /**
   * Makes the next commit of `repo` from its tree, which `ops` have changed: signs, logs and applies it.
   * @throws TooManyWritesError when its event would exceed the firehose's limit; the tree is then to be forgotten
   */
  commit(repo: LoadedRepo, ops: readonly RepoOp[], records: readonly RecordChange[]): { cid: Cid; rev: Tid } {
    const { did, root: before, tree } = repo
    const { keys, tids, repos } = this.deps
    const commit = signCommit({ did, rev: tids.next(before.rev), data: tree.root() }, keys.load(did).sign)
    const nodes = tree.commitBlocks(ops.map(({ path }) => path))
    const blocks = writeCar(commit.cid, eventBlocks(commit, nodes, records))
    if (blocks.length > MAX_EVENT_BYTES) throw new TooManyWritesError(EVENT_TOO_LARGE)
    const seq = this.log(did, commit, { since: before.rev, prevData: before.dataCid, blocks, ops })
    tree.settle()
    const store = this.store(did)
    repo.root = {
      did,
      commitCid: commit.cid,
      commitBlock: commit.bytes,
      dataCid: commit.data,
      rev: commit.rev,
      seq,
    }
    applyChange(store, { root: repo.root, since: before.rev, records })
    this.collections.push({ did, after: collectionsAfter(store, records) })
    repo.touchedCount += records.length
    repos.checkpointWhenDue(repo, store)
    return { cid: commit.cid, rev: commit.rev }
  }

  /** The log is durable: lets the stores follow. */
  finish(): void {
    for (const [did, store] of this.begun) {
      try {
        store.db.commit()
      } catch (error) {
        log.error('store could not follow the event log, it will be brought up to date', { did, error })
        if (storageError(error) instanceof StorageFullError) this.deps.reserve.release()
        this.drop(did)
        this.deps.sync.noteLagging(did)
      }
    }
    const { sync } = this.deps
    for (const { did, after } of this.collections) {
      for (const [collection, isThere] of after) sync.collections.add(did, collection, isThere)
    }
    sync.note(this.begun.keys())
  }

  /** The log has nothing of this batch: neither have the stores, nor what is in memory. */
  abandon(): void {
    for (const did of this.begun.keys()) this.drop(did)
  }

  /** Drops what is in memory of a repository, after a change of its tree that did not come to be. */
  forget(did: Did): void {
    this.deps.repos.forget(did)
  }

  /** Writes the tree of `did` to its store if it has changed since that was done. */
  checkpoint(did: Did): void {
    this.withRepo(did, (repo) => {
      const store = this.store(did)
      if (repo.touchedCount > 0 || !store.tree()) this.deps.repos.checkpoint(repo, store)
    })
  }

  /**
   * Signs the tree as it is once more, with a rev above `rev`, and announces that by a `#sync` alone: whoever has seen
   * commits that were lost here could not connect a `#commit` with what it knows. @returns the number of the event
   */
  private renew(repo: LoadedRepo, rev: Tid): number {
    const { did, root: before } = repo
    const { keys, tids } = this.deps
    const commit = signCommit({ did, rev: tids.next(rev), data: before.dataCid }, keys.load(did).sign)
    const seq = this.logSync(did, commit)
    const { cid: commitCid, bytes: commitBlock, data: dataCid } = commit
    repo.root = { did, commitCid, commitBlock, dataCid, rev: commit.rev, seq }
    applyChange(this.store(did), { root: repo.root, since: before.rev, records: [] })
    return seq
  }

  private logSync(did: Did, { rev, cid, bytes }: Pick<SignedCommit, 'rev' | 'cid' | 'bytes'>): number {
    const blocks = writeCar(cid, [{ cid, bytes }])
    const encode = (seq: number, time: string) => encodeSyncFrame({ seq, time, did, rev, blocks })
    return this.deps.sequencer.append({ did, kind: 'sync', head: { rev, commitCid: cid }, encode })
  }

  private drop(did: Did): void {
    this.deps.stores.close(did)
    this.deps.repos.forget(did)
  }

  private log(
    did: Did,
    commit: SignedCommit,
    event: { since: Tid | null; prevData?: Cid; blocks: Uint8Array; ops: readonly RepoOp[] },
  ): number {
    const head = { rev: commit.rev, commitCid: commit.cid }
    return this.deps.sequencer.append({
      did,
      kind: 'commit',
      head,
      encode: (seq, time) =>
        encodeCommitFrame({ seq, time, did, commit: commit.cid, rev: commit.rev, ...event }),
    })
  }
}

/** The commit, the nodes, and the records written: each block once. */
function eventBlocks(
  commit: SignedCommit,
  nodes: readonly Block[],
  records: readonly RecordChange[],
): Block[] {
  const blocks: Block[] = [{ cid: commit.cid, bytes: commit.bytes }, ...nodes]
  const seen = records.length > 1 ? new Set<string>() : null
  for (const record of records) {
    if (record.action === 'delete') continue
    const key = seen && formatCid(record.cid)
    if (key !== null && seen?.has(key)) continue
    if (key !== null) seen?.add(key)
    blocks.push({ cid: record.cid, bytes: record.content })
  }
  return blocks
}
