import type { Account, Accounts } from './accounts.ts'
import type { AppPassword, AppPasswords } from './app-passwords.ts'
import { BadLogInError } from './errors.ts'
import { MAX_LOGIN_PASSWORD_LENGTH, type Passwords } from './passwords.ts'

/** Every log-in takes at least this long, so that its time does not tell what was wrong. */
const FLOOR_MS = 350

export interface LogIn {
  readonly account: Account
  /** by which the account logged in; null for the main password */
  readonly appPassword: AppPassword | null
}

/**
 * Checks identifier and password. An unknown identifier costs the same work as a wrong password and gives the same
 * answer; the main password is tried first, then app passwords.
 */
export class LogIns {
  constructor(
    private readonly deps: { accounts: Accounts; passwords: Passwords; appPasswords: AppPasswords },
  ) {}

  /**
   * @param identifier DID, handle or email address
   * @throws BadLogInError when there is no such account, or the password is not one of its own
   */
  async check(identifier: string, password: string): Promise<LogIn> {
    if (password.length > MAX_LOGIN_PASSWORD_LENGTH) {
      throw new BadLogInError('Password too long. Consider resetting your password.')
    }
    const floor = Bun.sleep(FLOOR_MS + 1)
    try {
      return await this.verify(identifier, password)
    } finally {
      await floor
    }
  }

  private async verify(identifier: string, password: string): Promise<LogIn> {
    const { accounts, passwords, appPasswords } = this.deps
    const account = accounts.find(identifier)
    const stored = account && accounts.passwordHash(account.did)
    if (await passwords.verify(password, stored)) {
      if (account && stored && passwords.isOutdated(stored)) {
        accounts.replacePasswordHash(account.did, stored, await passwords.hash(password))
      }
      if (account) return { account, appPassword: null }
    }
    const appPassword = await appPasswords.verify(account?.did ?? null, password)
    // an account that is taken down must prove itself by its main password
    if (!account || !appPassword || account.takedownRef !== null) throw new BadLogInError()
    return { account, appPassword }
  }
}
