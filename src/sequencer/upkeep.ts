/**
 * Keeps the event log to its window: drops old events and works off erasures, in steps of a few milliseconds with
 * requests in between.
 */
import { type Clock, MINUTE } from '#std/clock.ts'
import { logger } from '#telemetry/log.ts'
import type { Sequencer } from './sequencer.ts'

const log = logger('sequencer')

const EVERY_MS = 10 * MINUTE
const REST_MS = 5

export class LogUpkeep implements AsyncDisposable {
  private readonly timer: ReturnType<typeof setInterval>
  private running: Promise<void> | null = null
  private stopped = false

  constructor(private readonly deps: { sequencer: Sequencer; clock: Clock; windowMs: number }) {
    this.timer = setInterval(() => void this.run(), EVERY_MS)
    this.timer.unref()
  }

  /** Does all there is to do now. Never throws: what fails is tried again next time. */
  run(): Promise<void> {
    this.running ??= this.work().finally(() => {
      this.running = null
    })
    return this.running
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopped = true
    clearInterval(this.timer)
    await this.running
  }

  private async work(): Promise<void> {
    const { sequencer, clock, windowMs } = this.deps
    try {
      let dropped = 0
      let step: number
      do {
        step = sequencer.pruneStep(clock.now() - windowMs)
        dropped += step
        await Bun.sleep(REST_MS)
      } while (step > 0 && !this.stopped)
      for (let from: number | null = 0; from !== null && !this.stopped; ) {
        from = sequencer.eraseStep(from)
        await Bun.sleep(REST_MS)
      }
      if (dropped > 0) log.info('old events dropped', { events: dropped, through: sequencer.prunedThrough })
    } catch (error) {
      log.error('the event log could not be tidied up', { error })
    }
  }
}
