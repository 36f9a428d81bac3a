/**
 * Turns credentials into principals. It verifies what a caller shows (session token, service token, admin password, or the
 * door of the operator) and the state of the account behind it; which of these a method takes is its policy's to say.
 *
 * Sessions are checked synchronously and from memory: a token that was seen before and an account in the cache cost two
 * look-ups. Service tokens need a DID document, so theirs is the only check that waits.
 */
import { type Accounts, isBarred } from '#account/accounts.ts'
import {
  AccountDeactivatedError,
  AccountNotFoundError,
  AccountTakedownError,
  InvalidTokenError,
} from '#account/errors.ts'
import type { AccessScope, SessionTokens } from '#account/session-tokens.ts'
import { type Credentials, proofOf } from '#auth/credentials.ts'
import {
  AuthenticationRequiredError,
  AuthMissingError,
  MissingTokenIdError,
  ServiceTokenError,
  UnknownDpopTokenError,
} from '#auth/errors.ts'
import type {
  AccountPrincipal,
  OperatorPrincipal,
  RefreshPrincipal,
  ServicePrincipal,
} from '#auth/principal.ts'
import { readServiceToken, type ServiceToken } from '#auth/service-token.ts'
import type { LookUpOptions } from '#identity/cached-lookup.ts'
import { verificationKey } from '#identity/did-document.ts'
import type { IdentityResolver } from '#identity/resolver.ts'
import { parseDidKey } from '#keys/did-key.ts'
import { verifySignature } from '#keys/k256.ts'
import type { Did } from '#lexicon/strings.ts'
import { RateLimitExceededError } from '#ratelimit/errors.ts'
import { sameSecret } from '#std/bytes.ts'
import { type Clock, MINUTE } from '#std/clock.ts'
import { DomainError } from '#std/errors.ts'
import { Lru } from '#std/lru.ts'

/** Which sessions of which accounts a method takes; explained at `signedIn`. */
export interface SessionRules {
  readonly scopes?: 'standard' | 'privileged' | 'full'
  readonly takendown?: 'refused' | 'accepted'
  readonly deactivated?: 'refused'
  readonly signupQueued?: 'accepted'
}

const STANDARD: readonly AccessScope[] = [
  'com.atproto.access',
  'com.atproto.appPass',
  'com.atproto.appPassPrivileged',
]
const PRIVILEGED: readonly AccessScope[] = ['com.atproto.access', 'com.atproto.appPassPrivileged']
const FULL: readonly AccessScope[] = ['com.atproto.access']

const REMEMBERED_REPLAYS = 20_000
const REMEMBERED_REFRESHES = 1000
/** A forged token makes us fetch its issuer's document anew, but not more often than this. */
const FORCED_RESOLUTION_MS = MINUTE

const ADMIN_NAME = 'admin'
const MODERATION_SERVICE = 'atproto_labeler'
/** The key of the DID document that signs, by the service that the issuer names. */
const ACCOUNT_KEY = 'atproto'
const MODERATION_KEY = 'atproto_label'

export interface AuthenticatorDeps {
  accounts: Accounts
  tokens: SessionTokens
  identity: IdentityResolver
  clock: Clock
  serviceDid: string
  adminPassword: string
  /** whose service tokens count as a moderator's */
  moderationServiceDid: string | null
}

export class Authenticator {
  /** service tokens that were used, until they expire */
  private readonly used = new Lru<string, number>(REMEMBERED_REPLAYS)
  /** when an issuer's document was last fetched on account of a bad signature */
  private readonly refetched = new Lru<Did, number>(REMEMBERED_REFRESHES)

  constructor(private readonly deps: AuthenticatorDeps) {}

  /**
   * @throws AuthMissingError without a session
   * @throws InvalidTokenError, ExpiredTokenError when the token is bad, or its scope not one that `rules` take
   * @throws AccountNotFoundError, AccountTakedownError, AccountDeactivatedError when `rules` look at the account's state
   */
  account(credentials: Credentials, rules: SessionRules): AccountPrincipal {
    const proof = proofOf(credentials)
    if (!proof || proof.scheme === 'door') throw new AuthMissingError()
    if (proof.scheme === 'dpop') throw new UnknownDpopTokenError()
    if (proof.scheme !== 'bearer') throw new InvalidTokenError('Unexpected authorization type')
    const { did, scope } = this.deps.tokens.verifyAccess(proof.token)
    if (!takesScope(rules, scope)) throw new InvalidTokenError('Bad token scope')
    if (rules.takendown === 'refused' || rules.deactivated) this.checkState(did, rules)
    return { type: 'account', did, scope }
  }

  /**
   * @throws AuthMissingError without a bearer token
   * @throws InvalidTokenError, ExpiredTokenError when it is not a good refresh token
   */
  refresh(credentials: Credentials, { expired }: { expired?: boolean }): RefreshPrincipal {
    const proof = proofOf(credentials)
    if (proof?.scheme !== 'bearer') throw new AuthMissingError()
    const { did, tokenId } = this.deps.tokens.verifyRefresh(proof.token, { expired: expired === true })
    if (tokenId === null) throw new MissingTokenIdError()
    return { type: 'refresh', did, tokenId }
  }

  /** @throws AuthenticationRequiredError for everyone but the operator */
  operator(credentials: Credentials): OperatorPrincipal {
    const proof = proofOf(credentials)
    if (proof?.scheme === 'door' && credentials.door !== 'network') {
      return { type: 'operator', via: credentials.door }
    }
    if (proof?.scheme === 'basic' && this.isAdmin(proof.token)) return { type: 'operator', via: 'password' }
    throw new AuthenticationRequiredError()
  }

  /**
   * @throws RateLimitExceededError when too many unknown issuers came from the caller's address
   * @throws ServiceTokenError when the caller shows no token that its account's key signed for this method and server
   */
  async service(credentials: Credentials): Promise<ServicePrincipal> {
    const token = this.readServiceToken(credentials)
    if (token.service !== null) throw untrusted()
    return this.verifyServiceToken(token, ACCOUNT_KEY, credentials)
  }

  /** @throws ServiceTokenError when the caller is not the moderation service of this server's settings */
  async moderationService(credentials: Credentials): Promise<ServicePrincipal> {
    const { moderationServiceDid } = this.deps
    if (!moderationServiceDid) throw untrusted()
    const token = this.readServiceToken(credentials)
    const isLabeler = token.service === MODERATION_SERVICE
    if (token.did !== moderationServiceDid || !(token.service === null || isLabeler)) throw untrusted()
    const labels = isLabeler || token.kid === `#${MODERATION_KEY}`
    return this.verifyServiceToken(token, labels ? MODERATION_KEY : ACCOUNT_KEY, credentials)
  }

  private checkState(did: Did, rules: SessionRules): void {
    const account = this.deps.accounts.get(did)
    if (!account) throw new AccountNotFoundError()
    if (rules.takendown === 'refused' && isBarred(account)) throw new AccountTakedownError()
    if (rules.deactivated && account.deactivatedAt !== null) throw new AccountDeactivatedError()
  }

  private isAdmin(token: string): boolean {
    const { adminPassword } = this.deps
    const decoded = Buffer.from(token, 'base64').toString('utf8')
    const colon = decoded.indexOf(':')
    if (colon < 0 || adminPassword === '') return false
    // the password may hold colons itself
    const isName = decoded.slice(0, colon) === ADMIN_NAME
    return sameSecret(decoded.slice(colon + 1), adminPassword) && isName
  }

  private readServiceToken(credentials: Credentials): ServiceToken {
    const proof = proofOf(credentials)
    if (proof?.scheme !== 'bearer') throw new ServiceTokenError('MissingJwt', 'missing jwt')
    const { serviceDid, clock } = this.deps
    return readServiceToken(proof.token, {
      audiences: [serviceDid, `${serviceDid}#atproto_pds`],
      nsid: credentials.nsid,
      now: clock.now(),
    })
  }

  private async verifyServiceToken(
    token: ServiceToken,
    keyId: string,
    credentials: Credentials,
  ): Promise<ServicePrincipal> {
    if (token.kid !== null && token.kid !== `#${keyId}`) {
      throw new ServiceTokenError('BadJwtSignature', `jwt is not signed by the key #${keyId}`)
    }
    const resolve = (fresh: boolean) =>
      this.keyOf(token.did, keyId, { fresh, permit: credentials.beforeLookUp })
    const key = await resolve(false)
    if (!isSignedBy(key, token) && !(await this.isSignedByNewKey(key, token, resolve))) {
      throw new ServiceTokenError('BadJwtSignature', 'jwt signature does not match jwt issuer')
    }
    if ((this.used.peek(token.replayId) ?? 0) > this.deps.clock.now()) {
      throw new ServiceTokenError('BadJwt', 'jwt was used before')
    }
    this.used.set(token.replayId, token.expiresAt)
    return { type: 'service', iss: token.iss, did: token.did, lxm: token.lxm }
  }

  /** The key may have changed since the issuer's document was cached. */
  private async isSignedByNewKey(
    known: string,
    token: ServiceToken,
    resolve: (fresh: boolean) => Promise<string>,
  ): Promise<boolean> {
    const now = this.deps.clock.now()
    if (now - (this.refetched.get(token.did) ?? 0) < FORCED_RESOLUTION_MS) return false
    this.refetched.set(token.did, now)
    const key = await resolve(true).catch((error: unknown) => {
      if (error instanceof RateLimitExceededError) this.refetched.delete(token.did) // nobody was asked
      throw error
    })
    return key !== known && isSignedBy(key, token)
  }

  private async keyOf(did: Did, keyId: string, options: LookUpOptions): Promise<string> {
    const document = await this.deps.identity.resolveDid(did, options).catch((error: unknown) => {
      if (error instanceof RateLimitExceededError) throw error
      if (error instanceof DomainError) return null // unreachable, refused by the fetch guard...: all the caller's affair
      throw error
    })
    if (!document) throw new ServiceTokenError('AuthenticationRequired', 'could not resolve iss did')
    const key = verificationKey(document, keyId)
    if (!key) throw new ServiceTokenError('AuthenticationRequired', 'missing or bad key in did doc')
    return key
  }
}

function takesScope(rules: SessionRules, scope: AccessScope): boolean {
  if (scope === 'com.atproto.takendown') return rules.takendown === 'accepted'
  if (scope === 'com.atproto.signupQueued') return rules.signupQueued === 'accepted'
  if (rules.scopes === 'full') return FULL.includes(scope)
  return (rules.scopes === 'privileged' ? PRIVILEGED : STANDARD).includes(scope)
}

/** The algorithm that the header names must be the one of the key. High-S signatures count: many signers make them. */
function isSignedBy(didKey: string, token: ServiceToken): boolean {
  if (token.alg !== (parseDidKey(didKey)?.curve === 'K-256' ? 'ES256K' : 'ES256')) return false
  return verifySignature(didKey, token.signed, token.signature, { allowHighS: true })
}

function untrusted(): ServiceTokenError {
  return new ServiceTokenError('UntrustedIss', 'Untrusted issuer')
}
