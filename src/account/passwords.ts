/**
 * Hashing of passwords: argon2id for ours, scrypt `salt:hash` as the official server stores it for those that moved here,
 * which are replaced at the next log-in. All of it runs in threads of the platform, a few at a time: each argon2id takes
 * 19 MiB and 36 ms of a core, so log-ins wait for each other rather than the whole server for them.
 */
import { scrypt, timingSafeEqual } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { fromHex, hex } from '#std/bytes.ts'
import { Semaphore } from '#std/semaphore.ts'
import { PasswordsBusyError } from './errors.ts'

/** characters; lengths are checked before anything is hashed */
export const MIN_PASSWORD_LENGTH = 8
export const MAX_PASSWORD_LENGTH = 256
/** Some passwords are older than the limit above. */
export const MAX_LOGIN_PASSWORD_LENGTH = 512

/** OWASP's parameters for argon2id */
const ARGON2ID = { algorithm: 'argon2id', memoryCost: 19_456, timeCost: 2 } as const
const CURRENT = '$argon2id$v=19$m=19456,t=2,p=1$'
const SCRYPT_BYTES = 64
/** Beyond this many that wait, the answer would come too late to be of use. */
const MAX_WAITING = 256

export class Passwords {
  private readonly slots = new Semaphore(Math.max(2, availableParallelism()))
  private waiting = 0
  private decoy: string | null = null

  hash(password: string): Promise<string> {
    return this.slot(() => Bun.password.hash(password, ARGON2ID))
  }

  /** Whether `stored` was made from `password`. Against null, or text that is no hash, it works as long and says no. */
  async verify(password: string, stored: string | null): Promise<boolean> {
    const matches = await this.slot(async () => {
      // the empty password is nobody's, and the platform refuses to hash it
      if (stored?.startsWith('$argon2')) return Bun.password.verify(password || '\0', stored).catch(isBroken)
      const [salt, hash] = stored?.split(':') ?? []
      const expected = hash === undefined ? null : fromHex(hash)
      if (salt && expected?.length === SCRYPT_BYTES) {
        return timingSafeEqual(await derive(password, salt), expected)
      }
      this.decoy ??= await Bun.password.hash('decoy', ARGON2ID)
      await Bun.password.verify(password || '\0', this.decoy)
      return false
    })
    return matches && password !== ''
  }

  /** Whether a hash was made in an older way than `hash` makes them. */
  isOutdated(stored: string): boolean {
    return !stored.startsWith(CURRENT)
  }

  /** The hash of an app password: its salt is made of the DID, so that equal passwords of an account hash alike. */
  hashAppPassword(did: string, password: string): Promise<string> {
    const salt = Bun.SHA256.hash(did, 'hex').slice(0, 32)
    return this.slot(async () => `${salt}:${hex(await derive(password, salt))}`)
  }

  /** @throws PasswordsBusyError when too many wait already */
  private async slot<T>(work: () => Promise<T>): Promise<T> {
    if (this.waiting >= MAX_WAITING) throw new PasswordsBusyError()
    this.waiting++
    try {
      return await this.slots.run(work)
    } finally {
      this.waiting--
    }
  }
}

/** The hash in the row is none that the platform can read. */
function isBroken(): false {
  return false
}

/** The official server's derivation: the text of the salt, not its bytes, with scrypt's usual cost (N 16384, r 8, p 1). */
function derive(password: string, salt: string): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, SCRYPT_BYTES, (error, key) => (error ? reject(error) : resolve(key)))
  })
}
