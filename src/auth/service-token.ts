/**
 * Service tokens: short JWTs that an account or a service signs with the key of its DID document, for one method of one
 * server. This file takes them apart and checks all that needs no look-up; whose key must fit is the authenticator's.
 *
 * @see https://atproto.com/specs/xrpc#inter-service-authentication-jwt
 */
import { ServiceTokenError } from '#auth/errors.ts'
import { type Did, isDid } from '#lexicon/strings.ts'
import { HOUR, MINUTE, SECOND } from '#std/clock.ts'

const MAX_TOKEN_LENGTH = 8192
/** A clock may be wrong by this much. */
const MAX_SKEW_MS = MINUTE
const MAX_LIFE_MS = HOUR
/** Marks of other tokens, none of which may pass for a service token. */
const FOREIGN_TYPES: ReadonlySet<unknown> = new Set(['at+jwt', 'refresh+jwt', 'dpop+jwt'])

export interface ServiceToken {
  readonly alg: string
  /** id of the key in the DID document, as the header names it */
  readonly kid: string | null
  /** a DID, with `#service` after it where a service of that DID signs */
  readonly iss: string
  readonly did: Did
  /** the part of `iss` after `#` */
  readonly service: string | null
  readonly lxm: string
  /** Unix milliseconds */
  readonly expiresAt: number
  /** the same for every presentation of this token, however its signature is written */
  readonly replayId: string
  readonly signed: Uint8Array
  readonly signature: Uint8Array
}

export interface Expected {
  /** DIDs that mean this server */
  readonly audiences: readonly string[]
  readonly nsid: string
  /** Unix milliseconds */
  readonly now: number
}

/** @throws ServiceTokenError when `token` cannot be good, whoever signed it */
export function readServiceToken(token: string, expected: Expected): ServiceToken {
  const { header, payload, signature, signed } = takeApart(token)
  const { typ, alg, kid } = header
  if (typeof alg !== 'string') throw poorlyFormatted()
  if (FOREIGN_TYPES.has(typ)) throw new ServiceTokenError('BadJwtType', `Invalid jwt type "${typ}"`)
  if (kid !== undefined && typeof kid !== 'string') throw poorlyFormatted()

  const { iss, aud, exp, iat, lxm, jti } = payload
  if (typeof iss !== 'string' || typeof aud !== 'string' || typeof exp !== 'number') throw poorlyFormatted()
  if (lxm !== undefined && typeof lxm !== 'string') throw poorlyFormatted()
  checkTimes(exp * SECOND, iat, expected.now)
  if (!expected.audiences.includes(aud)) {
    throw new ServiceTokenError('BadJwtAudience', 'jwt audience does not match service did')
  }
  if (lxm === undefined || lxm !== expected.nsid) {
    const fault = lxm === undefined ? 'missing' : 'bad'
    const message = `${fault} jwt lexicon method ("lxm"). must match: ${expected.nsid}`
    throw new ServiceTokenError('BadJwtLexiconMethod', message)
  }
  const [did = '', service, more] = iss.split('#')
  if (!isDid(did) || service === '' || more !== undefined) {
    throw new ServiceTokenError('BadJwtIss', 'jwt iss is not a valid did')
  }
  return {
    alg,
    kid: kid ?? null,
    iss,
    did,
    service: service ?? null,
    lxm,
    expiresAt: exp * SECOND,
    replayId: Bun.SHA256.hash(`${iss} ${typeof jti === 'string' ? jti : signed}`, 'base64'),
    signed: Buffer.from(signed),
    signature,
  }
}

/** What a token says of itself, for choosing who should check it. Nothing here may be believed. */
export function unverifiedClaims(token: string): Record<string, unknown> | null {
  try {
    return takeApart(token).payload
  } catch {
    return null
  }
}

function checkTimes(expiresAt: number, iat: unknown, now: number): void {
  if (expiresAt < now) throw new ServiceTokenError('JwtExpired', 'jwt expired')
  if (expiresAt > now + MAX_LIFE_MS + MAX_SKEW_MS) {
    throw new ServiceTokenError('BadJwt', 'jwt expires more than an hour ahead')
  }
  if (iat === undefined) return
  if (typeof iat !== 'number') throw poorlyFormatted()
  if (iat * SECOND > now + MAX_SKEW_MS) {
    throw new ServiceTokenError('BadJwt', 'jwt was issued in the future')
  }
}

function takeApart(token: string) {
  const [header, payload, signature, more] = token.length > MAX_TOKEN_LENGTH ? [] : token.split('.')
  if (!header || !payload || !signature || more !== undefined) throw poorlyFormatted()
  return {
    header: parseJson(header),
    payload: parseJson(payload),
    signature: Buffer.from(signature, 'base64url'),
    signed: `${header}.${payload}`,
  }
}

function parseJson(part: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // refused below, like any other fault
  }
  throw poorlyFormatted()
}

function poorlyFormatted(): ServiceTokenError {
  return new ServiceTokenError('BadJwt', 'poorly formatted jwt')
}
