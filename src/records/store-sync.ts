/**
 * Makes actor stores durable behind the event log. Commits reach a store without fsync, so after a power cut it may lag;
 * every few seconds of work the stores that were written are synced, off the event loop, and the log notes that it need
 * not be applied again up to there. What start-up has to redo is bounded by this. A store that could not follow the log,
 * as on a full disk, is opened and so brought up to date first.
 */
import { open } from 'node:fs/promises'
import type { ActorStore } from '#actor/actor-store.ts'
import type { ActorStores } from '#actor/actor-stores.ts'
import { RepoNotFoundError } from '#actor/errors.ts'
import type { DataLayout } from '#config/layout.ts'
import type { Did } from '#lexicon/strings.ts'
import { RepoDamagedError } from '#repo/errors.ts'
import type { Sequencer } from '#sequencer/sequencer.ts'
import { logger } from '#telemetry/log.ts'
import { CollectionNotes } from './collection-notes.ts'
import { RepoLagsError } from './errors.ts'

const log = logger('records')

const EVERY_MS = 2000
const RETRY_MS = 10_000
/** batches between two syncs at the most */
const MAX_BATCHES = 500
const AT_ONCE = 8

export class StoreSync {
  /** what the log notes of collections when it notes what is applied */
  readonly collections: CollectionNotes
  private dirty = new Set<Did>()
  /** stores that are behind the log */
  private readonly lagging = new Set<Did>()
  private batches = 0
  private timer: ReturnType<typeof setTimeout> | null = null
  private running: Promise<void> | null = null

  constructor(private readonly deps: { layout: DataLayout; sequencer: Sequencer; stores: ActorStores }) {
    this.collections = new CollectionNotes(deps.sequencer.collections)
  }

  /** Notes that these stores were written. */
  note(dids: Iterable<Did>): void {
    for (const did of dids) this.dirty.add(did)
    this.batches++
    if (this.batches >= MAX_BATCHES) void this.run()
    else this.timer ??= setTimeout(() => void this.run(), EVERY_MS)
  }

  /** Notes that a store was brought up to date with the log. */
  noteRecovered(store: ActorStore): void {
    this.collections.compare(store)
    this.note([store.did])
  }

  /** Notes that a store could not be written: until it is, nothing counts as applied. */
  noteLagging(did: Did): void {
    this.lagging.add(did)
    this.timer ??= setTimeout(() => void this.run(), EVERY_MS)
  }

  /** Syncs what was written so far. Never throws: what fails is tried again with the next. */
  run(): Promise<void> {
    this.running ??= this.sync().finally(() => {
      this.running = null
    })
    return this.running
  }

  /** Syncs what was written up to this call, whatever is under way. */
  async flush(): Promise<void> {
    await this.running
    await this.run()
  }

  /** Syncs everything and stops. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush()
    if (this.timer) clearTimeout(this.timer)
  }

  private async sync(): Promise<void> {
    if (this.timer) clearTimeout(this.timer)
    this.timer = null
    this.batches = 0
    const { sequencer, layout } = this.deps
    const through = sequencer.lastSeq
    const dids = [...this.dirty]
    this.dirty = new Set()
    try {
      for (const did of this.lagging) dids.push(...this.bringUpToDate(did))
      for (let at = 0; at < dids.length; at += AT_ONCE) {
        await Promise.all(dids.slice(at, at + AT_ONCE).map((did) => this.syncStore(did)))
      }
      if (!sequencer.syncsCommits) await syncFile(`${layout.sequencer}-wal`)
      sequencer.markApplied(through, this.collections.pending)
      this.collections.settle()
    } catch (error) {
      for (const did of dids) this.dirty.add(did)
      this.timer ??= setTimeout(() => void this.run(), RETRY_MS)
      log.error('actor stores could not be synced to disk', { error })
    }
  }

  /** @returns what is to be synced then: nothing when the account is gone, or is beyond what the log can mend */
  private bringUpToDate(did: Did): Did[] {
    try {
      this.collections.compare(this.deps.stores.open(did))
    } catch (error) {
      if (!isBeyondMending(error)) throw error
      this.lagging.delete(did)
      return []
    }
    this.lagging.delete(did)
    return [did]
  }

  private async syncStore(did: Did): Promise<void> {
    const { store } = this.deps.layout.actor(did)
    for (const path of [`${store}-wal`, store]) await syncFile(path)
  }
}

function isBeyondMending(error: unknown): boolean {
  return (
    error instanceof RepoNotFoundError || error instanceof RepoLagsError || error instanceof RepoDamagedError
  )
}

/** A file that is gone has nothing to lose: the log of a closed store, or a deleted account. */
async function syncFile(path: string): Promise<void> {
  try {
    const file = await open(path, 'r')
    try {
      await file.datasync()
    } finally {
      await file.close()
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
}
