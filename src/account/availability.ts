import { RepoNotFoundError } from '#actor/errors.ts'
import type { AtIdentifier, Did } from '#lexicon/strings.ts'
import { DomainError } from '#std/errors.ts'
import { type Account, type Accounts, statusOf } from './accounts.ts'

const CODES = {
  takendown: 'RepoTakendown',
  suspended: 'RepoSuspended',
  deactivated: 'RepoDeactivated',
} as const

/** The repository is here, but its account's state keeps it from the public. */
export class RepoUnavailableError extends DomainError {
  override readonly name = 'RepoUnavailableError'
  readonly kind = 'missing'
  readonly code: (typeof CODES)[keyof typeof CODES]
  constructor(repo: AtIdentifier, status: keyof typeof CODES) {
    super(`Repo has been ${status}: ${repo}`)
    this.code = CODES[status]
  }
}

/**
 * The account whose repository a caller wants to read. Whom `seesAll` names, its owner or the operator, may do so
 * whatever its state.
 * @throws RepoNotFoundError, RepoUnavailableError
 */
export function readableAccount(
  accounts: Accounts,
  repo: AtIdentifier,
  seesAll: (did: Did) => boolean = () => false,
): Account {
  const account = accounts.find(repo)
  const status = statusOf(account)
  if (!account || status === 'deleted') throw new RepoNotFoundError(repo)
  if (status !== 'active' && !seesAll(account.did)) throw new RepoUnavailableError(repo, status)
  return account
}

/** The account that anyone may read from, or null when there is none of that name in use. */
export function activeAccount(accounts: Accounts, repo: AtIdentifier): Account | null {
  const account = accounts.find(repo)
  return statusOf(account) === 'active' ? account : null
}
