/**
 * The repositories in use, with their trees in memory.
 *
 * A tree is opened from the stored nodes without reading them, and the paths that changed since they were written are
 * set again from the records: at most `CHECKPOINT_PATHS` of them. Where the root that comes out is not the one in the
 * commit, the tree is built anew from the records, which are the truth. A repository that fails even that is damaged
 * and is not served.
 */
import type { ActorStore, RepoRoot } from '#actor/actor-store.ts'
import type { ActorStores } from '#actor/actor-stores.ts'
import { RepoNotFoundError } from '#actor/errors.ts'
import type { Did } from '#lexicon/strings.ts'
import { sameCid } from '#repo/cid.ts'
import { RepoDamagedError } from '#repo/errors.ts'
import { Mst, type NodeStore } from '#repo/mst.ts'
import { Lru } from '#std/lru.ts'
import { logger } from '#telemetry/log.ts'

const log = logger('records')

const MAX_LOADED = 128
/** a tree is written to its store when this many paths have changed */
const CHECKPOINT_PATHS = 64
/** nodes that an idle tree may keep in memory; about 1 KB each */
const MAX_NODES = 512

export interface LoadedRepo {
  readonly did: Did
  root: RepoRoot
  readonly tree: Mst
  /** paths that changed since the tree was written to the store */
  touchedCount: number
}

export class LoadedRepos {
  private readonly loaded = new Lru<Did, LoadedRepo>(MAX_LOADED)

  constructor(private readonly deps: { stores: ActorStores }) {}

  /** @throws RepoNotFoundError when there is no repository of `did` @throws RepoDamagedError */
  get(did: Did): LoadedRepo {
    const known = this.loaded.get(did)
    if (known) return known
    const store = this.deps.stores.open(did)
    const root = store.root()
    if (!root) throw new RepoNotFoundError(did)
    const repo = { did, root, ...this.openTree(store, root) }
    this.loaded.set(did, repo)
    return repo
  }

  /** Puts a repository that was just made, still empty, among the loaded ones. */
  add(root: RepoRoot, tree: Mst): void {
    this.loaded.set(root.did, { did: root.did, root, tree, touchedCount: 0 })
  }

  /** Where the tree of `did` can be loaded from again. */
  nodesOf(did: Did): NodeStore {
    return { load: (id) => this.deps.stores.open(did).node(id) }
  }

  /** Drops what is in memory, after a change that did not come to be. */
  forget(did: Did): void {
    this.loaded.delete(did)
  }

  /**
   * Does `work` with the repository of `did`. Where its stored tree turns out to be damaged, the tree is built from the
   * records and `work` done once more, so until it has read what it needs of the tree it must not change anything else.
   * @throws what `work` throws, and what `get` does
   */
  use<T>(did: Did, work: (repo: LoadedRepo) => T): T {
    const repo = this.get(did)
    try {
      return work(repo)
    } catch (error) {
      if (!(error instanceof RepoDamagedError)) throw error
      this.dropTree(did, error)
      return work(this.get(did))
    }
  }

  /** Drops a damaged tree, in memory and stored, so that the next use builds it from the records. */
  dropTree(did: Did, damage: RepoDamagedError): void {
    log.warn('stored tree is damaged, building it from the records', { did, error: damage })
    this.loaded.delete(did)
    this.deps.stores.open(did).dropTree()
  }

  /** Writes the tree to the store when enough has changed. Belongs in the transaction of the change. */
  checkpointWhenDue(repo: LoadedRepo, store: ActorStore): void {
    if (repo.touchedCount >= CHECKPOINT_PATHS) this.checkpoint(repo, store)
  }

  /** Writes the tree to the store, which then holds it as it is now. */
  checkpoint(repo: LoadedRepo, store: ActorStore): void {
    let nextId = store.tree()?.nextId ?? 1
    const changed = repo.tree.checkpoint(() => nextId++)
    store.putTree({ rootId: changed.rootId, rootCid: repo.root.dataCid, nextId }, repo.root.rev, changed)
    repo.touchedCount = 0
    if (repo.tree.loadedNodes > MAX_NODES) repo.tree.unload()
  }

  private openTree(store: ActorStore, root: RepoRoot): { tree: Mst; touchedCount: number } {
    const touched = store.touched()
    const stored = store.tree()
    if (stored) {
      try {
        const tree = Mst.open(this.nodesOf(store.did), stored.rootId, stored.rootCid)
        for (const path of new Set(touched)) {
          const cid = store.recordCid(path)
          if (cid) tree.set(path, cid)
          else tree.delete(path)
        }
        if (sameCid(tree.root(), root.dataCid)) {
          tree.settle()
          return { tree, touchedCount: touched.length }
        }
      } catch (error) {
        if (!(error instanceof RepoDamagedError)) throw error
      }
      log.warn('stored tree does not fit its commit, rebuilding it from the records', { did: store.did })
      store.dropTree()
    }
    const tree = Mst.build(store.entries(), this.nodesOf(store.did))
    if (!sameCid(tree.root(), root.dataCid)) {
      throw new RepoDamagedError(`the records of ${store.did} do not add up to the root of its last commit`)
    }
    tree.settle()
    // a tree that was not cheap to build is written with the next commit
    return { tree, touchedCount: tree.loadedNodes > CHECKPOINT_PATHS ? CHECKPOINT_PATHS : touched.length }
  }
}
