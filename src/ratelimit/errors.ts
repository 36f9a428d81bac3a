import type { LimitState } from '#ratelimit/rate-limits.ts'
import { DomainError } from '#std/errors.ts'

/** The caller has not enough points left until the window ends. */
export class RateLimitExceededError extends DomainError {
  override readonly name = 'RateLimitExceededError'
  readonly kind = 'rate-limited'
  readonly code = 'RateLimitExceeded'
  constructor(
    readonly state: LimitState,
    readonly retryAfterMs: number,
  ) {
    super('Rate Limit Exceeded')
  }
}
