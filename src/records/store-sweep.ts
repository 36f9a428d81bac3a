/**
 * After a crash, opens the store of every account once, so that each is brought up to date with the event log, or found
 * to be beyond that, before anyone asks for it. It goes slowly, with requests in between; stores that someone does ask
 * for are brought up to date then and there.
 */
import type { ActorStores } from '#actor/actor-stores.ts'
import type { Did } from '#lexicon/strings.ts'
import { DomainError } from '#std/errors.ts'
import { logger } from '#telemetry/log.ts'

const log = logger('records')

/** stores opened between two pauses, a few milliseconds' work */
const AT_ONCE = 8
const PAUSE_MS = 20

export class StoreSweep implements AsyncDisposable {
  private running: Promise<void> = Promise.resolve()
  private stopped = false

  constructor(private readonly deps: { stores: ActorStores; dids: () => Iterable<Did> }) {}

  start(): void {
    this.running = this.sweep().catch((error: unknown) =>
      log.error('stores could not be looked through', { error }),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopped = true
    await this.running
  }

  private async sweep(): Promise<void> {
    let opened = 0
    let failed = 0
    for (const did of this.deps.dids()) {
      if (opened % AT_ONCE === 0) await Bun.sleep(PAUSE_MS)
      if (this.stopped) return
      opened++
      if (!this.look(did)) failed++
    }
    log.info('stores looked through after a crash', { stores: opened, failed })
  }

  private look(did: Did): boolean {
    try {
      this.deps.stores.open(did)
      return true
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      log.error('store cannot be used', { did, error, hint: error.hint })
      return false
    }
  }
}
