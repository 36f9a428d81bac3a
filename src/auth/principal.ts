/** Who calls. Policies turn a request's credentials into one of these; methods are given the kind that they asked for. */
import type { AccessScope } from '#account/session-tokens.ts'
import type { Did } from '#lexicon/strings.ts'

export type Principal =
  | NobodyPrincipal
  | OperatorPrincipal
  | AccountPrincipal
  | RefreshPrincipal
  | ServicePrincipal

/** A caller of a public method, or one that gave no credentials where they are optional. */
export interface NobodyPrincipal {
  readonly type: 'nobody'
}

/** Whoever runs this server: the owner of the socket or process, or who knows the admin password. */
export interface OperatorPrincipal {
  readonly type: 'operator'
  readonly via: 'socket' | 'in-process' | 'password'
}

/** An account that is logged in. */
export interface AccountPrincipal {
  readonly type: 'account'
  readonly did: Did
  readonly scope: AccessScope
}

/** The holder of a refresh token, which is good for refreshing and ending its session and for nothing else. */
export interface RefreshPrincipal {
  readonly type: 'refresh'
  readonly did: Did
  readonly tokenId: string
}

/** Another service, or an account on another server, that signed a short token for one method with its own key. */
export interface ServicePrincipal {
  readonly type: 'service'
  /** the DID that signed, with `#service` after it when the token names one */
  readonly iss: string
  readonly did: Did
  readonly lxm: string
}

/** Whether `principal` may see what only the account `did` and the operator may see. */
export function isOwnerOrOperator(principal: Principal, did: Did): boolean {
  if (principal.type === 'operator') return true
  return principal.type === 'account' && principal.did === did
}
