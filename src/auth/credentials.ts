import { InvalidTokenError } from '#account/errors.ts'

/** How a request came in. Who can open the socket or the process is the operator. */
export type Door = 'network' | 'socket' | 'in-process'

/** What a request says about its caller, before anything of it is believed. */
export interface Credentials {
  /** the Authorization header */
  readonly authorization: string | null
  /** the DPoP header */
  readonly dpop: string | null
  /** the method that is called */
  readonly nsid: string
  readonly door: Door
  /** called before another server is asked who the caller is; may throw RateLimitExceededError */
  readonly beforeLookUp?: () => void
}

/** The schemes of the Authorization header, and the door itself, which speaks for the operator where there is no header. */
export type Scheme = 'basic' | 'bearer' | 'dpop' | 'door'

export interface Proof {
  readonly scheme: Scheme
  /** what follows the scheme in the header; empty for the door */
  readonly token: string
}

const SCHEMES = new Map<string, Scheme>([
  ['basic', 'basic'],
  ['bearer', 'bearer'],
  ['dpop', 'dpop'],
])
const BY_DOOR: Proof = { scheme: 'door', token: '' }

/**
 * What a caller offers as proof: the Authorization header, which must be a scheme in any case, one space and a token;
 * without one, the door. Null for a caller from the network without a header.
 * @throws InvalidTokenError when the header has another shape or an unknown scheme
 */
export function proofOf(credentials: Credentials): Proof | null {
  const header = credentials.authorization
  if (!header) return credentials.door === 'network' ? null : BY_DOOR
  const space = header.indexOf(' ')
  if (space < 0 || header.indexOf(' ', space + 1) >= 0) {
    throw new InvalidTokenError('Malformed authorization header')
  }
  const name = header.slice(0, space)
  const scheme = SCHEMES.get(name.toLowerCase())
  if (!scheme) throw new InvalidTokenError(`Unsupported authorization type: ${name.slice(0, 32)}`)
  return { scheme, token: header.slice(space + 1) }
}
