/**
 * All actor stores of a data directory: made, opened lazily and closed again, at most `maxOpen` open at a time.
 * Whoever asks for a store gets one with the newest schema that `onOpen` has brought up to date with the event log.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DataLayout } from '#config/layout.ts'
import { type Database, openDatabase } from '#db/database.ts'
import { storageError } from '#db/errors.ts'
import type { Did } from '#lexicon/strings.ts'
import { actorMigrations } from '#migrations/actor.ts'
import { syncDirectory } from '#std/atomic-file.ts'
import { Lru } from '#std/lru.ts'
import { ActorStore } from './actor-store.ts'
import { RepoNotFoundError } from './errors.ts'

const MAX_OPEN = 256
/** of each open store; the operating system caches the files besides */
const CACHE_KIB = 512

export class ActorStores {
  private readonly opened: Lru<Did, ActorStore>

  constructor(
    private readonly deps: {
      layout: DataLayout
      /** brings a store that was just opened up to date */
      onOpen: (store: ActorStore) => void
      maxOpen?: number
    },
  ) {
    this.opened = new Lru(deps.maxOpen ?? MAX_OPEN, (store) => store.close())
  }

  exists(did: Did): boolean {
    return this.opened.peek(did) !== undefined || existsSync(this.deps.layout.actor(did).store)
  }

  /** Makes an empty store; one that is there already, left by an interrupted creation, is kept. */
  create(did: Did): ActorStore {
    const { directory } = this.deps.layout.actor(did)
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const store = this.load(did, false)
    // the key file and this one, their directory, and its directory survive a power cut
    for (const made of [directory, dirname(directory), dirname(dirname(directory))]) syncDirectory(made)
    return store
  }

  /** @throws RepoNotFoundError when `did` has no store here, StorageFullError when the disk has no room to open it */
  open(did: Did): ActorStore {
    return this.opened.get(did) ?? this.load(did, true)
  }

  /**
   * The store as it is now, to be read while it goes on: a connection of its own in one read transaction. Whoever asks
   * for it closes it, soon: the store's file cannot be tidied up meanwhile.
   * @throws RepoNotFoundError when `did` has no store here, StorageFullError when the disk has no room to open it
   */
  snapshot(did: Did): ActorStore {
    this.open(did)
    const db = this.connect(did, { readonly: true })
    db.run('BEGIN')
    return new ActorStore(did, db)
  }

  /** Closes the store, so that the next to ask for it opens it anew. */
  close(did: Did): void {
    const store = this.opened.peek(did)
    this.opened.delete(did)
    store?.close()
  }

  /** Deletes the store and its directory. */
  destroy(did: Did): void {
    this.close(did)
    const { directory } = this.deps.layout.actor(did)
    rmSync(directory, { recursive: true, force: true })
    if (existsSync(dirname(directory))) syncDirectory(dirname(directory))
  }

  [Symbol.dispose](): void {
    this.opened.clear()
  }

  private load(did: Did, mustExist: boolean): ActorStore {
    const path = this.deps.layout.actor(did).store
    if (mustExist && !existsSync(path)) throw new RepoNotFoundError(did)
    const store = new ActorStore(did, this.connect(did, { cacheKib: CACHE_KIB, mustExist }))
    try {
      this.deps.onOpen(store)
    } catch (error) {
      store.close()
      throw storageError(error)
    }
    this.opened.set(did, store)
    return store
  }

  private connect(
    did: Did,
    options: { readonly?: boolean; cacheKib?: number; mustExist?: boolean },
  ): Database {
    const path = this.deps.layout.actor(did).store
    try {
      return openDatabase(path, { migrations: actorMigrations, synchronous: 'NORMAL', ...options })
    } catch (error) {
      throw storageError(error) // even to read a store, SQLite has to make files beside it
    }
  }
}
