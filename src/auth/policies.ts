/**
 * Who may call a method, as data: each method names one policy. A policy says which kinds of proof it judges, and turns
 * credentials into a principal or throws; the checks themselves are the authenticator's.
 */
import type { Authenticator, SessionRules } from '#auth/authenticator.ts'
import { type Credentials, type Proof, proofOf, type Scheme } from '#auth/credentials.ts'
import { AuthenticationRequiredError } from '#auth/errors.ts'
import type {
  AccountPrincipal,
  NobodyPrincipal,
  OperatorPrincipal,
  Principal,
  RefreshPrincipal,
  ServicePrincipal,
} from '#auth/principal.ts'
import { unverifiedClaims } from '#auth/service-token.ts'

export interface Policy<P extends Principal = Principal> {
  readonly name: string
  /** false when the answer is the same for every caller: it may then be kept by shared caches */
  readonly dependsOnCaller: boolean
  readonly schemes: readonly Scheme[]
  /** where several policies take one scheme: whether this one is meant */
  prefers?(proof: Proof): boolean
  authenticate(auth: Authenticator, credentials: Credentials): P | Promise<P>
}

const NOBODY: NobodyPrincipal = { type: 'nobody' }

/** Public: credentials are not even looked at. */
export const anyone: Policy<NobodyPrincipal> = {
  name: 'anyone',
  dependsOnCaller: false,
  schemes: [],
  authenticate: () => NOBODY,
}

/**
 * A logged-in account.
 *
 * `scopes`: `standard` (the default) takes every log-in, `privileged` no plain app password, `full` the main password only.
 * `takendown`: `refused` gives 401 AccountTakedown; `accepted` also takes the restricted session that a taken-down account
 * can get; without it the status is not looked at. `deactivated: 'refused'` gives 401 AccountDeactivated.
 */
export function signedIn(rules: SessionRules = {}): Policy<AccountPrincipal> {
  return {
    name: 'signed-in',
    dependsOnCaller: true,
    schemes: ['bearer', 'dpop'],
    authenticate: (auth, credentials) => auth.account(credentials, rules),
  }
}

/** The holder of a refresh token; `expired: true` takes one whose time is over. */
export function refreshToken(rules: { expired?: boolean } = {}): Policy<RefreshPrincipal> {
  return {
    name: 'refresh-token',
    dependsOnCaller: true,
    schemes: ['bearer'],
    authenticate: (auth, credentials) => auth.refresh(credentials, rules),
  }
}

/** The operator: by socket or process, or by `Basic admin:<password>`. */
export const operator: Policy<OperatorPrincipal> = {
  name: 'operator',
  dependsOnCaller: true,
  schemes: ['basic', 'door'],
  authenticate: (auth, credentials) => auth.operator(credentials),
}

/** Anyone who signed a service token for this method with the key of their DID document. */
export const serviceAuth: Policy<ServicePrincipal> = {
  name: 'service-auth',
  dependsOnCaller: true,
  schemes: ['bearer'],
  prefers: (proof) => unverifiedClaims(proof.token)?.lxm !== undefined,
  authenticate: (auth, credentials) => auth.service(credentials),
}

/** The moderation service of this server's settings, by its service token. */
export const moderationService: Policy<ServicePrincipal> = {
  name: 'moderation-service',
  dependsOnCaller: true,
  schemes: ['bearer'],
  authenticate: (auth, credentials) => auth.moderationService(credentials),
}

/** The operator or the moderation service. */
export const moderator: Policy<OperatorPrincipal | ServicePrincipal> = either(moderationService, operator)

type OpenPolicy = Policy<NobodyPrincipal | AccountPrincipal | OperatorPrincipal>

/** Public, but the owner and the operator see more: a bad header is refused, not taken for nobody's. */
export const publicOrOwner: OpenPolicy = optional(either(operator, signedIn()))

/** The same, for what the owner of a taken-down account needs to take it elsewhere, by the restricted session it can get. */
export const publicOrBarredOwner: OpenPolicy = optional(either(operator, signedIn({ takendown: 'accepted' })))

/** `policy` for callers that give credentials, `nobody` for the others. */
export function optional<P extends Principal>(policy: Policy<P>): Policy<P | NobodyPrincipal> {
  return {
    name: `optional ${policy.name}`,
    dependsOnCaller: true,
    schemes: policy.schemes,
    authenticate(auth, credentials) {
      const proof = proofOf(credentials)
      if (proof && policy.schemes.includes(proof.scheme)) return policy.authenticate(auth, credentials)
      if (credentials.authorization) throw new AuthenticationRequiredError('Invalid authorization header')
      return NOBODY
    },
  }
}

/** Of two policies the one that takes the proof given, the first if it prefers the token; without proof, the second. */
export function either<A extends Principal, B extends Principal>(
  first: Policy<A>,
  second: Policy<B>,
): Policy<A | B> {
  return {
    name: `${first.name} or ${second.name}`,
    dependsOnCaller: true,
    schemes: [...new Set([...first.schemes, ...second.schemes])],
    authenticate(auth, credentials) {
      const proof = proofOf(credentials)
      const meansFirst =
        proof !== null &&
        first.schemes.includes(proof.scheme) &&
        (!second.schemes.includes(proof.scheme) || first.prefers?.(proof) === true)
      return meansFirst ? first.authenticate(auth, credentials) : second.authenticate(auth, credentials)
    },
  }
}
