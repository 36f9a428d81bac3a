import { type Account, statusOf } from '#account/accounts.ts'
import type { App } from '#app.ts'
import { DomainError } from '#std/errors.ts'

/** What a session's methods say of its account. */
export async function sessionView(app: App, account: Account) {
  const status = statusOf(account)
  return {
    did: account.did,
    handle: account.handle ?? 'handle.invalid',
    didDoc: app.config.identity.didDocWithSession ? await didDocument(app, account) : undefined,
    email: account.email ?? undefined,
    emailConfirmed: account.emailConfirmedAt !== null,
    active: status === 'active',
    status: status === 'active' ? undefined : status,
  }
}

/** Clients can do without it, so its not being there is no reason to refuse a session. */
async function didDocument(app: App, { did }: Account): Promise<object | undefined> {
  try {
    return (await app.identity.resolveDid(did)) ?? undefined
  } catch (error) {
    if (error instanceof DomainError) return undefined
    throw error
  }
}
