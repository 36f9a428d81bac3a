/** Repositories as the network sees them: heads, proofs of single records, whole exports, and whether they verify. */
import type { ActorStore, BlobRef } from '#actor/actor-store.ts'
import type { ActorStores } from '#actor/actor-stores.ts'
import { RepoNotFoundError } from '#actor/errors.ts'
import { StorageFullError } from '#db/errors.ts'
import { verifySignature } from '#keys/k256.ts'
import type { SigningKeys } from '#keys/signing-keys.ts'
import type { Did, Tid } from '#lexicon/strings.ts'
import { writeCar } from '#repo/car.ts'
import { type Cid, cidOf, formatCid, sameCid } from '#repo/cid.ts'
import { Mst } from '#repo/mst.ts'
import { verifyCommit } from '#repo/verify.ts'
import type { Sequencer } from '#sequencer/sequencer.ts'
import { Semaphore } from '#std/semaphore.ts'
import { logger } from '#telemetry/log.ts'
import { blockChunks, searchBlocks } from './block-search.ts'
import type { Committer } from './committer.ts'
import { BlocksNotFoundError, TooManyDownloadsError } from './errors.ts'
import { exportChunks } from './export.ts'
import type { LoadedRepos } from './loaded-repos.ts'

const log = logger('records')

export interface RepoHead {
  cid: Cid
  rev: Tid
}

export interface RepoReport {
  did: Did
  rev: Tid
  records: number
  /** one sentence each; none when the repository verifies */
  problems: string[]
}

interface Deps {
  stores: ActorStores
  loaded: LoadedRepos
  committer: Committer
  sequencer: Sequencer
  keys: SigningKeys
}

/** each keeps a connection to a store open, and that store's WAL from being tidied up, as long as its reader likes */
const MAX_DOWNLOADS = 100
/** searches for single blocks at a time */
const MAX_SEARCHES = 4
/** references to blobs looked at without a pause */
const BLOB_STEP = 1000
/** above every path */
const PAST_PATHS = '\uffff'

export class Repos {
  private readonly searches = new Semaphore(MAX_SEARCHES)
  private downloads = 0

  constructor(private readonly deps: Deps) {}

  /** The last commit. @throws RepoNotFoundError */
  head(did: Did): RepoHead {
    const head = this.findHead(did)
    if (!head) throw new RepoNotFoundError(did)
    return head
  }

  /** The last commit, or null where there is none yet: of an account that is just being made. */
  findHead(did: Did): RepoHead | null {
    const { sequencer, stores } = this.deps
    const announced = sequencer.head(did)
    if (announced) return { cid: announced.commitCid, rev: announced.rev }
    const root = stores.exists(did) ? stores.open(did).root() : null // of one that was not announced
    return root && { cid: root.commitCid, rev: root.rev }
  }

  /** A CAR with the commit, the nodes from the root to `path`, and the record if it is there. @throws RepoNotFoundError */
  proof(did: Did, path: string): Uint8Array {
    return this.deps.loaded.use(did, ({ root, tree }) => {
      const record = this.deps.stores.open(did).record(path)
      const blocks = [{ cid: root.commitCid, bytes: root.commitBlock }, ...tree.proof(path)]
      if (record) blocks.push({ cid: record.cid, bytes: record.content })
      return writeCar(root.commitCid, blocks)
    })
  }

  /**
   * The repository as a CAR (export.ts): all of it, or what is new since the commit `since`. It is the state of one
   * moment, and memory does not depend on its size.
   * @throws RepoNotFoundError, TooManyDownloadsError
   */
  async export(did: Did, since: Tid | null = null): Promise<ReadableStream<Uint8Array>> {
    const snapshot = await this.snapshot(did)
    const chunks = exportChunks(snapshot, since, (damage) => this.deps.loaded.dropTree(did, damage))
    return this.stream(chunks, snapshot)
  }

  /**
   * Single blocks as a CAR without roots, in the order in which they were asked for, each once. Takes longer the larger
   * the repository is, so not many of these searches are made at once.
   * @throws BlocksNotFoundError, RepoNotFoundError, TooManyDownloadsError
   */
  blocks(did: Did, cids: readonly Cid[]): Promise<ReadableStream<Uint8Array>> {
    return this.searches.run(async () => {
      const snapshot = await this.snapshot(did)
      try {
        const found = await searchBlocks(snapshot, cids, (damage) => this.deps.loaded.dropTree(did, damage))
        const names = new Set(cids.map(formatCid))
        const missing = [...names].filter((name) => !found.has(name))
        if (missing.length > 0) throw new BlocksNotFoundError(missing)
        const sources = [...names].map((name) => found.get(name)).filter((source) => source !== undefined)
        return this.stream(blockChunks(sources), snapshot)
      } catch (error) {
        snapshot.close()
        throw error
      }
    })
  }

  /**
   * A page of the blobs that records refer to, beyond `cursor`, in the order of their bytes: all, or those of records that
   * were written after the commit `since`. @throws RepoNotFoundError
   */
  async blobs(
    did: Did,
    { since = '', limit, cursor }: { since?: string | undefined; limit: number; cursor?: Cid | undefined },
  ): Promise<Cid[]> {
    const found: Cid[] = []
    for (let after: BlobRef | null = cursor ? { cid: cursor, path: PAST_PATHS } : null; ; ) {
      const refs = this.deps.stores.open(did).blobRefs(after, BLOB_STEP)
      for (const { cid, rev } of refs) {
        const last = found.at(-1)
        if (rev <= since || (last && sameCid(last, cid))) continue
        if (found.length === limit) return found
        found.push(cid)
      }
      after = refs.at(-1) ?? null
      if (!after || refs.length < BLOB_STEP) return found
      await Bun.sleep(0)
    }
  }

  /** The state of now, with the whole tree stored, unless the disk is full: then it is built in memory. */
  private async snapshot(did: Did): Promise<ActorStore> {
    const { committer, stores } = this.deps
    if (this.downloads >= MAX_DOWNLOADS) throw new TooManyDownloadsError()
    try {
      await committer.submit((batch) => batch.checkpoint(did))
    } catch (error) {
      if (!(error instanceof StorageFullError)) throw error
    }
    return stores.snapshot(did)
  }

  /** Chunks that are made of a snapshot, which is closed at their end. */
  private stream(chunks: Iterator<Uint8Array>, snapshot: ActorStore): ReadableStream<Uint8Array> {
    this.downloads++
    const finish = () => {
      this.downloads--
      snapshot.close()
    }
    return new ReadableStream({
      pull(controller) {
        try {
          const next = chunks.next()
          if (!next.done) return controller.enqueue(next.value)
          controller.close()
        } catch (error) {
          log.error('download of a repository broke off', { did: snapshot.did, error })
          controller.error(error)
        }
        finish()
      },
      cancel: finish,
    })
  }

  /** Checks the last commit's signature, every record's hash, and that the records make the tree. */
  async verify(did: Did): Promise<RepoReport> {
    const { stores, keys } = this.deps
    const snapshot = stores.snapshot(did)
    try {
      const root = snapshot.root()
      if (!root) throw new RepoNotFoundError(did)
      const signingKey = keys.load(did).did
      const problems = verifyCommit(root.commitBlock, {
        did,
        cid: root.commitCid,
        verifySignature: (bytes, signature) => verifySignature(signingKey, bytes, signature),
      })
      let records = 0
      for (const { path, cid, content } of snapshot.allRecords()) {
        if (!sameCid(cidOf('dag-cbor', content), cid))
          problems.push(`record ${path} does not hash to its CID`)
        if (++records % 2000 === 0) await Bun.sleep(0) // lets requests through
      }
      if (!sameCid(Mst.build(snapshot.entries()).root(), root.dataCid))
        problems.push('the records do not make the tree of the commit')
      return { did, rev: root.rev, records, problems }
    } finally {
      snapshot.close()
    }
  }
}
