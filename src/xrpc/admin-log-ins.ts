/**
 * Calls with the admin password. It opens everything and never expires, so whoever guesses at it is stopped soon, by
 * address, and both wrong and right ones leave a line in the log. At the socket there is no password.
 */
import type { Principal } from '#auth/principal.ts'
import { adminGuessLimit } from '#ratelimit/limits.ts'
import type { RateLimits } from '#ratelimit/rate-limits.ts'
import { type Clock, MINUTE } from '#std/clock.ts'
import { DomainError } from '#std/errors.ts'
import { Lru } from '#std/lru.ts'
import { logger } from '#telemetry/log.ts'
import type { Exchange } from '#xrpc/exchange.ts'
import { countedAddress } from '#xrpc/limiting.ts'

const log = logger('auth')

/** A script of the operator may call a thousand times, and is logged once in this time. */
const LOGGED_EVERY = 10 * MINUTE
const REMEMBERED_ADDRESSES = 1000

export class AdminLogIns {
  /** when the use of the password was last logged, by address */
  private readonly logged = new Lru<string, number>(REMEMBERED_ADDRESSES)

  constructor(private readonly deps: { rateLimits: RateLimits; clock: Clock }) {}

  /**
   * Who calls, as `authenticate` finds out by a Basic header of `exchange`.
   * @throws RateLimitExceededError after too many wrong passwords from this address, also for the right one
   */
  async watch(exchange: Exchange, authenticate: () => Principal | Promise<Principal>): Promise<Principal> {
    const { rateLimits } = this.deps
    const address = countedAddress(rateLimits, exchange)
    if (address !== null) rateLimits.check(adminGuessLimit, address, 1)
    try {
      const principal = await authenticate()
      this.succeeded(exchange)
      return principal
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      log.warn('wrong admin password', { address: exchange.origin.ip, method: exchange.origin.nsid })
      if (address !== null) exchange.limited(rateLimits.take(adminGuessLimit, address, 1))
      throw error
    }
  }

  private succeeded({ origin, caller }: Exchange): void {
    const now = this.deps.clock.now()
    if (now - (this.logged.get(origin.ip) ?? Number.NEGATIVE_INFINITY) < LOGGED_EVERY) return
    this.logged.set(origin.ip, now)
    log.info('admin password used', { address: origin.ip, method: origin.nsid, requestId: caller.id })
  }
}
