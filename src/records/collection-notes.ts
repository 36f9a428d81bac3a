/**
 * What the commits of late mean for the table of collections (`RepoCollections`), until it is written there. A record in
 * a collection that the table is known to have costs a look-up and nothing more.
 */
import type { ActorStore, RecordChange } from '#actor/actor-store.ts'
import type { Did } from '#lexicon/strings.ts'
import type { CollectionChanges, RepoCollections } from '#sequencer/repo-collections.ts'
import { Lru } from '#std/lru.ts'

/** repositories whose collections are remembered */
const REMEMBERED = 4096

export class CollectionNotes {
  private readonly changes = new Map<Did, Map<string, boolean>>()
  /** collections that were noted to be there */
  private readonly noted = new Lru<Did, Set<string>>(REMEMBERED)

  constructor(private readonly collections: RepoCollections) {}

  get pending(): CollectionChanges {
    return this.changes
  }

  /** What is pending has been written. */
  settle(): void {
    this.changes.clear()
  }

  add(did: Did, collection: string, isThere: boolean): void {
    const noted = this.noted.get(did) ?? new Set()
    if (isThere && noted.has(collection)) return
    if (isThere) noted.add(collection)
    else noted.delete(collection)
    this.noted.set(did, noted)
    const changes = this.changes.get(did) ?? new Map<string, boolean>()
    changes.set(collection, isThere)
    this.changes.set(did, changes)
  }

  /** Notes how what the table has of a repository differs from what its store has. */
  compare(store: ActorStore): void {
    const found = new Set(store.collections())
    this.forget(store.did)
    for (const collection of this.collections.of(store.did)) {
      if (!found.has(collection)) this.add(store.did, collection, false)
    }
    for (const collection of found) this.add(store.did, collection, true)
  }

  /** Forgets an account that is deleted. */
  forget(did: Did): void {
    this.changes.delete(did)
    this.noted.delete(did)
  }
}

/** Whether `store` has records in the collections to which these changes, just applied, added and from which they deleted. */
export function collectionsAfter(store: ActorStore, records: readonly RecordChange[]): Map<string, boolean> {
  const after = new Map<string, boolean>()
  for (const { action, path } of records) {
    if (action === 'update') continue
    const collection = path.slice(0, path.indexOf('/'))
    if (action === 'create') after.set(collection, true)
    else if (!after.has(collection)) after.set(collection, store.hasCollection(collection))
  }
  return after
}
