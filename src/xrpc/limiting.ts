/** Takes the points that a call costs: by address before any work is done for it, by account once its input is known. */
import type { Accounts } from '#account/accounts.ts'
import { MAX_IDENTIFIER_LENGTH } from '#account/log-ins.ts'
import type { App } from '#app.ts'
import type { Principal } from '#auth/principal.ts'
import { globalLimit, type Limit, limits, lookUpLimit, UNCOUNTED } from '#ratelimit/limits.ts'
import { addressKey, type RateLimits } from '#ratelimit/rate-limits.ts'
import { hex, utf8 } from '#std/bytes.ts'
import type { Caller } from '#xrpc/caller.ts'
import type { Exchange } from '#xrpc/exchange.ts'
import type { Implementation } from '#xrpc/implement.ts'

interface CallSoFar {
  readonly principal: Principal
  readonly params: unknown
  readonly input: unknown
}

/** @throws RateLimitExceededError */
export function takeForAddress(
  rateLimits: RateLimits,
  implementation: Implementation | null,
  exchange: Exchange,
): void {
  if (!isCounted(rateLimits, exchange.caller)) return
  const name = nameOf(implementation)
  const key = addressKey(exchange.origin.ip)
  if (name === null || !UNCOUNTED.has(name)) exchange.limited(rateLimits.take(globalLimit, key, 1))
  for (const limit of limitsOf(implementation)) {
    if (limit.key === 'ip') exchange.limited(rateLimits.take(limit, key, 1))
  }
}

/** @throws RateLimitExceededError */
export function takeForCall(
  { rateLimits, accounts }: App,
  implementation: Implementation,
  exchange: Exchange,
  call: CallSoFar,
): void {
  const own = limitsOf(implementation).filter((limit) => limit.key !== 'ip')
  if (own.length === 0 || !isCounted(rateLimits, exchange.caller)) return
  const points = pointsOf(implementation, call)
  if (points < 1) return
  for (const limit of own) {
    const key = keyOf(limit, exchange, call, accounts)
    if (key !== null) exchange.limited(rateLimits.take(limit, key, points))
  }
}

/**
 * The input of a call of an account, as `read` makes it of the body. It takes time whether it is good or not, so who has
 * no points left is refused before, and bad input costs one.
 * @throws RateLimitExceededError
 */
export async function readForAccount<T>(
  { rateLimits }: App,
  implementation: Implementation,
  exchange: Exchange,
  principal: Principal,
  read: () => Promise<T>,
): Promise<T> {
  const own = limitsOf(implementation).filter((limit) => limit.key === 'did')
  if (own.length === 0 || principal.type !== 'account' || !isCounted(rateLimits, exchange.caller))
    return read()
  for (const limit of own) rateLimits.check(limit, principal.did, 1)
  try {
    return await read()
  } catch (error) {
    for (const limit of own) exchange.limited(rateLimits.take(limit, principal.did, 1))
    throw error
  }
}

/** The key of a caller from the network by its address; null when calls of this one are not counted. */
export function countedAddress(rateLimits: RateLimits, exchange: Exchange): string | null {
  return isCounted(rateLimits, exchange.caller) ? addressKey(exchange.origin.ip) : null
}

/** To be called before another server is asked about an identity for `caller`; it throws RateLimitExceededError. */
export function lookUpPermit(rateLimits: RateLimits, caller: Caller): () => void {
  return () => {
    if (isCounted(rateLimits, caller)) rateLimits.take(lookUpLimit, addressKey(caller.ip), 1)
  }
}

/** Only strangers are counted: who is at another door is the operator. */
function isCounted(rateLimits: RateLimits, caller: Caller): boolean {
  if (!rateLimits.enabled || caller.door !== 'network') return false // before the address is looked up
  return rateLimits.counts(caller.ip, caller.headers.get('x-ratelimit-bypass'))
}

function nameOf(implementation: Implementation | null) {
  const charge = implementation?.rateLimit
  if (!charge) return null
  return typeof charge === 'string' ? charge : charge.limit
}

function limitsOf(implementation: Implementation | null): readonly Limit[] {
  const name = nameOf(implementation)
  return name === null ? [] : limits[name]
}

function pointsOf({ rateLimit }: Implementation, call: CallSoFar): number {
  if (typeof rateLimit !== 'object') return 1
  return typeof rateLimit.points === 'number' ? rateLimit.points : rateLimit.points(call)
}

/** What is counted: never a text of the caller's choice, which would be kept as long as its window lasts. */
function keyOf(
  limit: Limit,
  { origin }: Exchange,
  { principal, input }: CallSoFar,
  accounts: Accounts,
): string | null {
  if (limit.key === 'did') return principal.type === 'account' ? principal.did : null
  const isNamed = typeof input === 'object' && input !== null && 'identifier' in input
  const account = isNamed ? accountKey(String(input.identifier), accounts) : ''
  return account === null ? null : `${account} ${addressKey(origin.ip)}`
}

/**
 * The account that someone wants to log in to; null for what no account can be called by. A mail address is counted
 * apart from its account, else the points that are left would tell strangers whose it is.
 */
function accountKey(identifier: string, accounts: Accounts): string | null {
  if (identifier.length > MAX_IDENTIFIER_LENGTH) return null
  const account = identifier.includes('@') ? null : accounts.find(identifier)
  if (account) return account.did
  return hex(Bun.SHA256.hash(utf8(identifier.trim().toLowerCase())) as Uint8Array).slice(0, 32)
}
