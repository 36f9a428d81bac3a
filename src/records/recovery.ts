/**
 * Brings actor stores up to date with the event log, which is the truth: after a crash, after a power cut, or when a
 * store file was replaced by an older copy. It happens when a store is opened, before anyone sees it; at start, for
 * every repository with events that are not marked as applied.
 */
import type { ActorStore } from '#actor/actor-store.ts'
import type { ActorStores } from '#actor/actor-stores.ts'
import { RepoNotFoundError } from '#actor/errors.ts'
import { transact } from '#db/database.ts'
import { StorageFullError } from '#db/errors.ts'
import type { Did } from '#lexicon/strings.ts'
import type { Sequencer } from '#sequencer/sequencer.ts'
import { DomainError } from '#std/errors.ts'
import { logger } from '#telemetry/log.ts'
import { applyChange, changeOfFrame, follows } from './change.ts'
import { RepoLagsError } from './errors.ts'
import type { StoreSync } from './store-sync.ts'

const log = logger('records')

/**
 * Applies the events that the store lacks, in one transaction. A store can also be ahead, when the log lost events to a
 * power cut under relaxed durability: `onAhead` is then told, for consumers to be.
 * @throws RepoLagsError when the log does not have all of them any more, RepoDamagedError when one cannot be read
 */
export function catchUp(store: ActorStore, sequencer: Sequencer, onAhead: (did: Did) => void): void {
  const head = sequencer.head(store.did)
  const before = store.root()
  if (head && before && before.rev > head.rev) onAhead(store.did)
  if (!head || (before && before.rev >= head.rev)) return
  const applied = transact(store.db, () => {
    let root = before
    let count = 0
    for (const { seq, frame } of sequencer.commitsOf(store.did, before?.seq ?? 0)) {
      const change = changeOfFrame(store.did, seq, frame)
      if (root && change.root.rev <= root.rev) continue
      if (!follows(change, root)) throw new RepoLagsError(store.did, root?.rev ?? null, head.rev)
      applyChange(store, change)
      root = change.root
      count++
    }
    if (root?.rev !== head.rev) throw new RepoLagsError(store.did, root?.rev ?? null, head.rev)
    return count
  })
  log.info('store brought up to date from the event log', { did: store.did, events: applied, rev: head.rev })
}

/**
 * Opens, and so brings up to date, every store that may lag. A store that cannot be mended is reported and left, one
 * for which the disk has no room is left to `sync`.
 */
export function recoverStores(stores: ActorStores, sequencer: Sequencer, sync: StoreSync): void {
  for (const did of sequencer.unapplied()) {
    try {
      sync.noteRecovered(stores.open(did))
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      if (error instanceof StorageFullError) sync.noteLagging(did)
      if (error instanceof RepoNotFoundError) log.error('an account of the event log has no store', { did })
      else log.error('store cannot be brought up to date', { did, error, hint: error.hint })
    }
  }
}
