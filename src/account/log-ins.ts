import { type Database, transact } from '#db/database.ts'
import type { Did } from '#lexicon/strings.ts'
import { InvalidRequestError } from '#std/errors.ts'
import { type Account, type Accounts, isBarred } from './accounts.ts'
import type { AppPassword, AppPasswords } from './app-passwords.ts'
import { AccountTakedownError, BadLogInError, UnknownAccountError } from './errors.ts'
import {
  MAX_LOGIN_PASSWORD_LENGTH,
  MAX_PASSWORD_LENGTH,
  MIN_PASSWORD_LENGTH,
  type Passwords,
} from './passwords.ts'
import type { SessionPair, Sessions } from './sessions.ts'

/** Every log-in takes at least this long, so that its time does not tell what was wrong. */
const FLOOR_MS = 350
/** characters of the longest DID; handles and mail addresses are shorter */
export const MAX_IDENTIFIER_LENGTH = 2048

export interface LogInRequest {
  /** DID, handle or email address */
  readonly identifier: string
  readonly password: string
  /** take the restricted session of an account that is taken down rather than none */
  readonly allowTakendown?: boolean
}

export interface LoggedIn extends SessionPair {
  readonly account: Account
}

/**
 * Logging in, and staying so. An unknown identifier costs the same work as a wrong password and gives the same answer;
 * the main password is tried first, then app passwords.
 */
export class LogIns {
  constructor(
    private readonly deps: {
      db: Database
      accounts: Accounts
      passwords: Passwords
      appPasswords: AppPasswords
      sessions: Sessions
    },
  ) {}

  /**
   * @throws BadLogInError when there is no such account, or the password is not one of its own
   * @throws AccountTakedownError when both are right, but the account is taken down
   */
  async logIn(request: LogInRequest): Promise<LoggedIn> {
    if (request.password.length > MAX_LOGIN_PASSWORD_LENGTH) {
      throw new BadLogInError('Password too long. Consider resetting your password.')
    }
    if (request.identifier.length > MAX_IDENTIFIER_LENGTH) throw new BadLogInError()
    const floor = Bun.sleep(FLOOR_MS + 1)
    try {
      return await this.check(request)
    } finally {
      await floor
    }
  }

  /**
   * The next tokens of a session.
   * @throws ExpiredTokenError when it was ended
   * @throws AccountTakedownError when its account is taken down, InvalidRequestError when that is gone
   */
  async refresh(did: Did, tokenId: string): Promise<LoggedIn> {
    const account = this.deps.accounts.get(did)
    if (!account) throw noUserInfo(did)
    if (isBarred(account)) throw new AccountTakedownError()
    return { account, ...(await this.deps.sessions.refresh(did, tokenId)) }
  }

  /**
   * The account behind a session.
   * @throws InvalidRequestError when it is gone or taken down
   */
  accountOf(did: Did): Account {
    const account = this.deps.accounts.get(did)
    if (!account || isBarred(account)) throw noUserInfo(did)
    return account
  }

  /**
   * Sets the password of an account and ends all its sessions, those of app passwords too.
   * @throws InvalidRequestError when the password is too short or too long
   * @throws UnknownAccountError when there is no such account
   */
  async changePassword(did: Did, password: string): Promise<void> {
    const { db, accounts, passwords, sessions } = this.deps
    if (password.length > MAX_PASSWORD_LENGTH) throw new InvalidRequestError('Invalid password length.')
    if (password.length < MIN_PASSWORD_LENGTH) {
      throw new InvalidRequestError(
        `Invalid password length. Minimum length is ${MIN_PASSWORD_LENGTH} characters.`,
      )
    }
    if (!accounts.get(did)) throw new UnknownAccountError()
    const hash = await passwords.hash(password)
    transact(db, () => {
      accounts.setPasswordHash(did, hash)
      sessions.endAll(did)
    })
  }

  private async check({ identifier, password, allowTakendown }: LogInRequest): Promise<LoggedIn> {
    const { accounts, passwords, appPasswords } = this.deps
    const account = accounts.find(identifier)
    const stored = account && accounts.passwordHash(account.did)
    const isMain = await passwords.verify(password, stored)
    const appPassword = isMain ? null : await appPasswords.verify(account?.did ?? null, password)
    // an account that is taken down must prove itself by its main password
    if (!account || !(isMain || (appPassword && !isBarred(account)))) throw new BadLogInError()
    if (isMain && stored && passwords.isOutdated(stored)) {
      accounts.replacePasswordHash(account.did, stored, await passwords.hash(password))
    }
    return this.start(account.did, appPassword, allowTakendown === true)
  }

  /** Begins the session at once, before anybody else's turn: what was found out still holds. */
  private start(did: Did, appPassword: AppPassword | null, allowTakendown: boolean): LoggedIn {
    const { accounts, sessions } = this.deps
    const account = accounts.get(did)
    if (!account) throw new BadLogInError()
    if (!isBarred(account)) return { account, ...sessions.start(did, appPassword) }
    if (!allowTakendown) throw new AccountTakedownError()
    return { account, ...sessions.startTakendown(did) }
  }
}

function noUserInfo(did: Did): InvalidRequestError {
  return new InvalidRequestError(`Could not find user info for account: ${did}`)
}
