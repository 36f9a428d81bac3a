import { type Clock, MINUTE } from '#std/clock.ts'
import { messageOf } from '#std/errors.ts'
import { logger } from '#telemetry/log.ts'

const log = logger('identity')

export interface CacheStore<K, V> {
  read(key: K): { value: V; fetchedAt: number } | null
  write(key: K, value: V, fetchedAt: number): void
  remove(key: K): void
  /** forgets what was fetched before this time, and all but the `max` newest */
  prune(fetchedBefore: number, max: number): void
}

export interface LookUpOptions {
  /** ask, whatever is remembered: where an old answer would be a hole */
  readonly fresh?: boolean | undefined
  /** called before anyone is asked; what it throws is thrown instead */
  readonly permit?: (() => void) | undefined
}

export interface CacheAges {
  /** milliseconds after which an answer is still given, and refreshed behind the scenes */
  staleMs: number
  /** milliseconds after which it is not given any more */
  maxMs: number
}

const PRUNE_EVERY = 256
/** Strangers choose what we look up, so that there is always more. */
const MAX_REMEMBERED = 20_000

/**
 * Answers of others, remembered. A definitive "not there" removes what was remembered; a failure to ask leaves it
 * until it is too old. Several askers of one key share one question, except that who wants a fresh answer never
 * gets one to a question of before.
 */
export class CachedLookup<K extends string, V> {
  private readonly asking = new Map<K, Promise<V | null>>()
  private writes = 0
  private closed = false

  constructor(
    private readonly deps: {
      clock: Clock
      store: CacheStore<K, V>
      ages: CacheAges
      ask: (key: K) => Promise<V | null>
    },
  ) {}

  async get(key: K, { fresh = false, permit = () => {} }: LookUpOptions = {}): Promise<V | null> {
    const ask = () => {
      permit()
      return this.ask(key)
    }
    if (fresh) return await ask()
    const { clock, store, ages } = this.deps
    const known = store.read(key)
    const age = known ? clock.now() - known.fetchedAt : Number.POSITIVE_INFINITY
    if (!known || age >= ages.maxMs) return await (this.asking.get(key) ?? ask())
    if (age >= ages.staleMs && !this.asking.has(key)) this.refresh(key, ask)
    return known.value
  }

  forget(key: K): void {
    this.deps.store.remove(key)
  }

  /** What is being asked is not remembered any more. */
  close(): void {
    this.closed = true
  }

  private refresh(key: K, ask: () => Promise<unknown>): void {
    Promise.try(ask).catch((error) =>
      log.debug('refresh failed, keeping the old answer', { key, error: messageOf(error) }),
    )
  }

  private async ask(key: K): Promise<V | null> {
    const answer = this.deps.ask(key)
    this.asking.set(key, answer)
    try {
      const value = await answer
      // an older question that is answered late must not undo what a newer one found
      if (this.asking.get(key) === answer) this.remember(key, value)
      return value
    } finally {
      if (this.asking.get(key) === answer) this.asking.delete(key)
    }
  }

  /** The cache is a help, not a need: when its disk is full we go on without. */
  private remember(key: K, value: V | null): void {
    if (this.closed) return
    const { clock, store, ages } = this.deps
    try {
      if (value === null) store.remove(key)
      else store.write(key, value, clock.now())
      if (this.writes++ % PRUNE_EVERY !== 0) return
      store.prune(clock.now() - Math.max(ages.maxMs, MINUTE), MAX_REMEMBERED)
    } catch (error) {
      log.warn('cannot write the identity cache', { error })
    }
  }
}
