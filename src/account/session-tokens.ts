/**
 * The JWTs of password log-ins: an access token that lives two hours and is stored nowhere, and a refresh token that
 * lives 90 days and stands for a row of `refresh_token`.
 *
 * They are the official server's byte for byte (HS256 with the text of the secret as key), so a host that moves over
 * keeps every session. Verification is synchronous, by the platform's HMAC, and a token that was verified once is
 * remembered: 25-39 microseconds by a JOSE library, 1.5 here the first time, a map look-up afterwards. Everything that could be
 * mistaken for one of these is refused: another `alg` or `typ`, another audience, a service token (`lxm`), a key-bound token (`cnf`).
 */
import { timingSafeEqual } from 'node:crypto'
import { ExpiredTokenError, InvalidTokenError } from '#account/errors.ts'
import { type Did, isDid } from '#lexicon/strings.ts'
import { type Clock, DAY, HOUR, SECOND } from '#std/clock.ts'
import { Lru } from '#std/lru.ts'

export const ACCESS_TOKEN_MS = 2 * HOUR
export const REFRESH_TOKEN_MS = 90 * DAY

/** What a session may do: `access` is the main password's, `appPass` an app password's, `takendown` a taken-down account's. */
export type AccessScope =
  | 'com.atproto.access'
  | 'com.atproto.appPass'
  | 'com.atproto.appPassPrivileged'
  | 'com.atproto.takendown'
  | 'com.atproto.signupQueued'

const ACCESS_SCOPES: ReadonlySet<unknown> = new Set<AccessScope>([
  'com.atproto.access',
  'com.atproto.appPass',
  'com.atproto.appPassPrivileged',
  'com.atproto.takendown',
  'com.atproto.signupQueued',
])
const REFRESH_SCOPE = 'com.atproto.refresh'

const MAX_TOKEN_LENGTH = 8192
const REMEMBERED_TOKENS = 4096

export interface AccessClaims {
  readonly did: Did
  readonly scope: AccessScope
}

export interface RefreshClaims {
  readonly did: Did
  /** null in a token that names no session */
  readonly tokenId: string | null
}

interface Verified {
  readonly type: 'at+jwt' | 'refresh+jwt'
  readonly did: Did
  readonly scope: unknown
  readonly tokenId: string | null
  /** Unix milliseconds */
  readonly expiresAt: number
}

const HEADERS = {
  'at+jwt': base64urlJson({ typ: 'at+jwt', alg: 'HS256' }),
  'refresh+jwt': base64urlJson({ typ: 'refresh+jwt', alg: 'HS256' }),
}

export class SessionTokens {
  private readonly verified = new Lru<string, Verified>(REMEMBERED_TOKENS)

  constructor(private readonly deps: { secret: string; serviceDid: string; clock: Clock }) {}

  issueAccess(did: Did, scope: AccessScope): string {
    const iat = this.nowSeconds()
    const exp = iat + ACCESS_TOKEN_MS / SECOND
    return this.sign('at+jwt', { scope, aud: this.deps.serviceDid, sub: did, iat, exp })
  }

  issueRefresh(did: Did, tokenId: string): string {
    const iat = this.nowSeconds()
    const exp = iat + REFRESH_TOKEN_MS / SECOND
    const aud = this.deps.serviceDid
    return this.sign('refresh+jwt', { scope: REFRESH_SCOPE, aud, sub: did, jti: tokenId, iat, exp })
  }

  /**
   * @throws InvalidTokenError when `token` is not an access token of this server
   * @throws ExpiredTokenError when its two hours are over
   */
  verifyAccess(token: string): AccessClaims {
    const { did, scope } = this.verify(token, 'at+jwt', false)
    if (!isAccessScope(scope)) throw new InvalidTokenError('Bad token scope')
    return { did, scope }
  }

  /**
   * @throws InvalidTokenError when `token` is not a refresh token of this server
   * @throws ExpiredTokenError when its 90 days are over, unless `expired` is true
   */
  verifyRefresh(token: string, { expired = false } = {}): RefreshClaims {
    const { did, scope, tokenId } = this.verify(token, 'refresh+jwt', expired)
    if (scope !== REFRESH_SCOPE) throw new InvalidTokenError('Bad token scope')
    return { did, tokenId }
  }

  private verify(token: string, type: Verified['type'], expired: boolean): Verified {
    let claims = this.verified.get(token)
    if (!claims) {
      claims = this.open(token, type, expired)
      this.verified.set(token, claims)
    }
    if (claims.type !== type) throw unverifiable()
    if (!expired && claims.expiresAt <= this.deps.clock.now()) throw new ExpiredTokenError()
    return claims
  }

  /** Checks everything about a token, in the order in which the official server reports faults. */
  private open(token: string, type: Verified['type'], expired: boolean): Verified {
    const [header, payload, signature, more] = token.length > MAX_TOKEN_LENGTH ? [] : token.split('.')
    if (!header || !payload || !signature || more !== undefined) throw unverifiable()
    if (!this.isSignature(signature, `${header}.${payload}`)) throw unverifiable()

    const { typ, alg, crit } = parseJson(header)
    if (alg !== 'HS256' || typ !== type || crit !== undefined) throw unverifiable()

    const { aud, sub, scope, jti, lxm, cnf, exp, nbf } = parseJson(payload)
    const { serviceDid, clock } = this.deps
    const now = clock.now()
    const isForUs = aud === serviceDid || (Array.isArray(aud) && aud.includes(serviceDid))
    if (!isForUs || typeof exp !== 'number') throw unverifiable()
    if (nbf !== undefined && !(typeof nbf === 'number' && nbf * SECOND <= now)) throw unverifiable()
    if (!expired && exp * SECOND <= now) throw new ExpiredTokenError()
    if (lxm !== undefined || cnf !== undefined || typeof aud !== 'string') throw malformed()
    if (typeof sub !== 'string' || !isDid(sub)) throw malformed()
    if (jti !== undefined && typeof jti !== 'string') throw malformed()
    return { type, did: sub, scope, tokenId: jti ?? null, expiresAt: exp * SECOND }
  }

  private sign(type: Verified['type'], claims: Record<string, string | number>): string {
    const content = `${HEADERS[type]}.${base64urlJson(claims)}`
    return `${content}.${this.mac(content).toString('base64url')}`
  }

  private isSignature(signature: string, content: string): boolean {
    const given = Buffer.from(signature, 'base64url')
    const expected = this.mac(content)
    return given.length === expected.length && timingSafeEqual(given, expected)
  }

  private mac(content: string): Buffer {
    return new Bun.CryptoHasher('sha256', this.deps.secret).update(content).digest()
  }

  private nowSeconds(): number {
    return Math.floor(this.deps.clock.now() / SECOND)
  }
}

function isAccessScope(scope: unknown): scope is AccessScope {
  return ACCESS_SCOPES.has(scope)
}

function base64urlJson(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** @throws InvalidTokenError when the part is not base64url of a JSON object */
function parseJson(part: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // refused below, like any other fault
  }
  throw unverifiable()
}

function unverifiable(): InvalidTokenError {
  return new InvalidTokenError('Token could not be verified')
}

function malformed(): InvalidTokenError {
  return new InvalidTokenError('Malformed token')
}
