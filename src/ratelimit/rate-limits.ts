/**
 * Who has called how often. Counts are kept in memory: they start anew with the server, never grow beyond a bound, and
 * cost the same however many callers there are. What is limited and how much is data, in `limits.ts`.
 */
import { RateLimitExceededError } from '#ratelimit/errors.ts'
import { FixedWindow } from '#ratelimit/fixed-window.ts'
import type { Limit } from '#ratelimit/limits.ts'
import { hex, sameSecret } from '#std/bytes.ts'
import type { Clock } from '#std/clock.ts'
import { type IpRange, inIpRange, ipBytes, ipRange, unmapped } from '#std/ip-address.ts'

const MAX_KEYS = 50_000

/** What a caller is told of the tightest limit that its call counted for. */
export interface LimitState {
  readonly limit: number
  readonly remaining: number
  /** Unix milliseconds */
  readonly resetAt: number
  readonly windowMs: number
}

export interface RateLimitSettings {
  readonly enabled: boolean
  /** callers who know it are not limited */
  readonly bypassKey: string | null
  /** networks (CIDR) that are not limited */
  readonly bypassNetworks: readonly string[]
}

export class RateLimits {
  private settings: RateLimitSettings
  private bypassNetworks: readonly IpRange[] = []
  private readonly windows = new Map<Limit, readonly FixedWindow[]>()

  constructor(private readonly deps: { clock: Clock; settings: RateLimitSettings }) {
    this.settings = deps.settings
    this.configure(deps.settings)
  }

  /** Changes who is limited. What was counted so far stays. */
  configure(settings: RateLimitSettings): void {
    this.settings = settings
    this.bypassNetworks = settings.bypassNetworks
      .map((network) => ipRange(network))
      .filter((range) => range !== null)
  }

  get enabled(): boolean {
    return this.settings.enabled
  }

  /** Whether calls are counted that come from `address` and show `bypass`. */
  counts(address: string, bypass: string | null): boolean {
    const { enabled, bypassKey } = this.settings
    if (!enabled) return false
    if (bypass !== null && bypassKey !== null && sameSecret(bypass, bypassKey)) return false
    if (this.bypassNetworks.length === 0) return true
    const bytes = ipBytes(address)
    return !bytes || !this.bypassNetworks.some((network) => inIpRange(unmapped(bytes), network))
  }

  /**
   * Takes `points` of `key` from every window of `limit`, or from none. The state is the tightest window's.
   * @throws RateLimitExceededError when one of them has not enough left
   */
  take(limit: Limit, key: string, points: number): LimitState {
    const state = this.check(limit, key, points)
    const now = this.deps.clock.now()
    for (const window of this.windowsOf(limit)) window.use(key, points, now)
    return state
  }

  /**
   * As `take`, without taking: for what costs points only if it goes wrong.
   * @throws RateLimitExceededError
   */
  check(limit: Limit, key: string, points: number): LimitState {
    const now = this.deps.clock.now()
    const states = this.windowsOf(limit).map((window) => stateAfter(window, key, points, now))
    const refusal = states.find((state) => state.remaining < 0)
    if (!refusal) return states.reduce(tighter)
    throw new RateLimitExceededError(
      { ...refusal, remaining: refusal.remaining + points },
      refusal.resetAt - now,
    )
  }

  private windowsOf(limit: Limit): readonly FixedWindow[] {
    const known = this.windows.get(limit)
    if (known) return known
    const windows = limit.windows.map((window) => new FixedWindow(window, MAX_KEYS))
    this.windows.set(limit, windows)
    return windows
  }
}

/** Of two states, the one with fewer points left. */
export function tighter(a: LimitState, b: LimitState): LimitState {
  return b.remaining < a.remaining ? b : a
}

/** The key by which an address is counted: an IPv6 network of /64 is one caller. */
export function addressKey(address: string): string {
  if (!address.includes(':')) return address
  const bytes = ipBytes(address)
  if (!bytes) return address
  const itself = unmapped(bytes)
  return itself.length === 4 ? itself.join('.') : hex(itself.subarray(0, 8))
}

function stateAfter(window: FixedWindow, key: string, points: number, now: number): LimitState {
  const { left, resetAt } = window.look(key, now)
  return { limit: window.window.points, remaining: left - points, resetAt, windowMs: window.window.windowMs }
}
