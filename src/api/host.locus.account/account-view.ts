import { type Account, statusOf } from '#account/accounts.ts'
import type { DefinitionByRef } from '#lexicon/index.ts'

/** An account as its operator sees it. */
export function accountView(account: Account): DefinitionByRef['host.locus.account.defs#accountView'] {
  return {
    did: account.did,
    handle: account.handle ?? 'handle.invalid',
    status: statusOf(account),
    createdAt: isoTime(account.createdAt),
    invitesDisabled: account.invitesDisabled,
    ...(account.email !== null && { email: account.email }),
    ...(account.emailConfirmedAt !== null && { emailConfirmedAt: isoTime(account.emailConfirmedAt) }),
    ...(account.deactivatedAt !== null && { deactivatedAt: isoTime(account.deactivatedAt) }),
    ...(account.suspendedAt !== null && { suspendedAt: isoTime(account.suspendedAt) }),
    ...(account.takedownRef !== null && { takedownRef: account.takedownRef }),
  }
}

function isoTime(unixMs: number): string {
  return new Date(unixMs).toISOString()
}
