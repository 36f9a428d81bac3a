import { type Accounts, isBarred } from '#account/accounts.ts'
import { AccountDeactivatedError, AccountNotFoundError, AccountTakedownError } from '#account/errors.ts'
import type { AtIdentifier, Did } from '#lexicon/strings.ts'
import { AuthenticationRequiredError } from './errors.ts'
import type { AccountPrincipal } from './principal.ts'

/**
 * The repository that a caller wants to write to, which must be their own and in use.
 * @throws AccountNotFoundError, AccountTakedownError, AccountDeactivatedError by the state of the one named
 * @throws AuthenticationRequiredError when it is someone else's
 */
export function ownRepo(accounts: Accounts, principal: AccountPrincipal, repo: AtIdentifier): Did {
  const account = repo === principal.did ? accounts.get(principal.did) : accounts.find(repo)
  if (!account) throw new AccountNotFoundError()
  if (isBarred(account)) throw new AccountTakedownError()
  if (account.deactivatedAt !== null) throw new AccountDeactivatedError()
  if (account.did !== principal.did) throw new AuthenticationRequiredError()
  return account.did
}
