/**
 * Keeps the event log to its window: drops old events, takes out what was erased and gives space back, in steps of a few
 * milliseconds with requests in between.
 */
import { type Clock, MINUTE } from '#std/clock.ts'
import { logger } from '#telemetry/log.ts'
import type { Sequencer } from './sequencer.ts'

const log = logger('sequencer')

const EVERY_MS = 10 * MINUTE
const REST_MS = 5

export class LogUpkeep implements AsyncDisposable {
  private readonly timer: ReturnType<typeof setInterval>
  private running: Promise<unknown> = Promise.resolve()
  private stopped = false

  constructor(private readonly deps: { sequencer: Sequencer; clock: Clock; windowMs: number }) {
    this.timer = setInterval(() => void this.run(), EVERY_MS)
    this.timer.unref()
  }

  /** How old an event may be. */
  get windowMs(): number {
    return this.deps.windowMs
  }

  /** Does all there is to do now. Never rejects: what fails is tried again next time. */
  async run(): Promise<void> {
    try {
      const events = await this.prune(this.deps.windowMs)
      const { sequencer } = this.deps
      if (events > 0) log.info('old events dropped', { events, through: sequencer.prunedThrough })
    } catch (error) {
      log.error('the event log could not be tidied up', { error })
    }
  }

  /** The same with a window of its own. @returns how many events were dropped for their age */
  prune(windowMs: number): Promise<number> {
    const pruned = this.running.then(() => this.work(windowMs))
    this.running = pruned.catch(() => {})
    return pruned
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopped = true
    clearInterval(this.timer)
    await this.running
  }

  private async work(windowMs: number): Promise<number> {
    const { sequencer, clock } = this.deps
    const before = clock.now() - windowMs // what becomes old meanwhile is left to the next time, or this had no end
    let dropped = 0
    await this.inSteps(() => {
      const step = sequencer.pruneStep(before)
      dropped += step
      return step > 0
    })
    let position: number | null = 0
    await this.inSteps(() => {
      position = sequencer.eraseStep(position ?? 0)
      return position !== null
    })
    await this.inSteps(() => sequencer.shrinkStep())
    return dropped
  }

  /** Calls `step` until it says that it is done, with rests. */
  private async inSteps(step: () => boolean): Promise<void> {
    while (!this.stopped && step()) await Bun.sleep(REST_MS)
  }
}
