/** Repositories as the network sees them: heads, proofs of single records, whole exports, and whether they verify. */
import type { ActorStores } from '#actor/actor-stores.ts'
import { RepoNotFoundError } from '#actor/errors.ts'
import { StorageFullError } from '#db/errors.ts'
import { verifySignature } from '#keys/k256.ts'
import type { SigningKeys } from '#keys/signing-keys.ts'
import type { Did, Tid } from '#lexicon/strings.ts'
import { writeCar } from '#repo/car.ts'
import { type Cid, cidOf, sameCid } from '#repo/cid.ts'
import { Mst } from '#repo/mst.ts'
import { verifyCommit } from '#repo/verify.ts'
import type { Sequencer } from '#sequencer/sequencer.ts'
import type { Committer } from './committer.ts'
import { exportChunks } from './export.ts'
import type { LoadedRepos } from './loaded-repos.ts'

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

export class Repos {
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
   * @throws RepoNotFoundError
   */
  async export(did: Did, since: Tid | null = null): Promise<ReadableStream<Uint8Array>> {
    const { committer, stores, loaded } = this.deps
    try {
      await committer.submit((batch) => batch.checkpoint(did))
    } catch (error) {
      if (!(error instanceof StorageFullError)) throw error // the tree is then built in memory
    }
    const snapshot = stores.snapshot(did)
    const chunks = exportChunks(snapshot, since, (damage) => loaded.dropTree(did, damage))
    return new ReadableStream({
      pull(controller) {
        try {
          const next = chunks.next()
          if (!next.done) return controller.enqueue(next.value)
          controller.close()
        } catch (error) {
          controller.error(error)
        }
        snapshot.close()
      },
      cancel: () => snapshot.close(),
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
