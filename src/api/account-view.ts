import type { Account } from '#account/accounts.ts'
import type { InviteCode } from '#account/invites.ts'
import type { App } from '#app.ts'

/** Accounts as moderators see them, with the codes that they were invited by and that they may give away. */
export function accountViews(app: App, accounts: readonly Account[]) {
  const dids = accounts.map((account) => account.did)
  const invites = app.invites.ofAccounts(dids)
  const invitedBy = app.invites.usedBy(dids)
  return accounts.map((account) => {
    const inviter = invitedBy.get(account.did)
    return {
      did: account.did,
      handle: account.handle ?? 'handle.invalid',
      email: account.email ?? undefined,
      indexedAt: datetime(account.createdAt),
      emailConfirmedAt: optionalDatetime(account.emailConfirmedAt),
      invitedBy: inviter && inviteCodeView(inviter),
      invites: (invites.get(account.did) ?? []).map(inviteCodeView),
      invitesDisabled: account.invitesDisabled,
      inviteNote: account.inviteNote ?? undefined,
      deactivatedAt: optionalDatetime(account.deactivatedAt),
    }
  })
}

export function inviteCodeView(code: InviteCode) {
  return {
    ...code,
    createdAt: datetime(code.createdAt),
    uses: code.uses.map(({ usedBy, usedAt }) => ({ usedBy, usedAt: datetime(usedAt) })),
  }
}

function datetime(unixMs: number): string {
  return new Date(unixMs).toISOString()
}

function optionalDatetime(unixMs: number | null): string | undefined {
  return unixMs === null ? undefined : datetime(unixMs)
}
