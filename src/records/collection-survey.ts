/**
 * Looks at every repository for the table of collections, where that was never made: one store at a time, with requests
 * in between. What is cut short is begun anew at the next start.
 */
import type { ActorStores } from '#actor/actor-stores.ts'
import type { Did } from '#lexicon/strings.ts'
import type { RepoCollections } from '#sequencer/repo-collections.ts'
import { DomainError } from '#std/errors.ts'
import { logger } from '#telemetry/log.ts'

const log = logger('records')

interface Deps {
  stores: ActorStores
  collections: RepoCollections
  dids: () => Iterable<Did>
}

export class CollectionSurvey implements AsyncDisposable {
  private running: Promise<void> | null = null
  private stopped = false

  constructor(private readonly deps: Deps) {}

  /** Begins in the background, if there is something to do. */
  start(): void {
    if (!this.deps.collections.isKnown) this.running ??= this.run()
  }

  /** Resolves when it is done or has given up. */
  async finished(): Promise<void> {
    await this.running
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopped = true
    await this.running
  }

  private async run(): Promise<void> {
    const { collections, dids } = this.deps
    try {
      let count = 0
      for (const did of dids()) {
        await Bun.sleep(0)
        if (this.stopped) return
        this.look(did)
        count++
      }
      collections.setKnown()
      log.info('collections of all repositories noted', { repos: count })
    } catch (error) {
      log.error('collections could not be noted, the next start tries again', { error })
    }
  }

  private look(did: Did): void {
    const { stores, collections } = this.deps
    try {
      collections.set(did, stores.open(did).collections())
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      log.warn('collections of a repository are not known', { did, error })
    }
  }
}
