/** A service.sqlite of its own in a temporary directory, with the services that keep accounts in it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Accounts } from '#account/accounts.ts'
import { AppPasswords } from '#account/app-passwords.ts'
import { Invites } from '#account/invites.ts'
import { LogIns } from '#account/log-ins.ts'
import { Passwords } from '#account/passwords.ts'
import { SessionTokens } from '#account/session-tokens.ts'
import { Sessions } from '#account/sessions.ts'
import { openDatabase } from '#db/database.ts'
import { type Did, type Handle, isDid, normalizeHandle } from '#lexicon/strings.ts'
import { serviceMigrations } from '#migrations/service.ts'

export const SERVICE_DID = 'did:web:pds.test'
export const JWT_SECRET = 'the secret of a server under test'

/** A did:plc whose text begins with `name`. */
export function didNamed(name: string): Did {
  const did = `did:plc:${name.padEnd(24, 'a')}`
  if (!isDid(did)) throw new Error(`${did} is not a DID`)
  return did
}

export function handleOf(text: string): Handle {
  const handle = normalizeHandle(text)
  if (!handle) throw new Error(`${text} is not a handle`)
  return handle
}

export type Service = ReturnType<typeof openService>

export function openService() {
  const directory = mkdtempSync(join(tmpdir(), 'locus-service-'))
  const db = openDatabase(join(directory, 'service.sqlite'), {
    migrations: serviceMigrations,
    synchronous: 'NORMAL',
  })
  const time = { now: Date.UTC(2026, 10, 21, 12) }
  const clock = { now: () => time.now }
  const accounts = new Accounts({ db, clock })
  const passwords = new Passwords()
  const appPasswords = new AppPasswords({ db, clock, passwords })
  const tokens = new SessionTokens({ secret: JWT_SECRET, serviceDid: SERVICE_DID, clock })
  const sessions = new Sessions({ db, clock, tokens })
  const invites = new Invites({ db, clock, hostname: 'pds.test' })
  const logIns = new LogIns({ db, accounts, passwords, appPasswords, sessions })
  return {
    directory,
    db,
    time,
    clock,
    accounts,
    passwords,
    appPasswords,
    tokens,
    sessions,
    invites,
    logIns,
    /** Adds a bare row: an account without repository. */
    addAccount(name: string, fields: { passwordHash?: string; deactivatedAt?: number } = {}): Did {
      const did = didNamed(name)
      accounts.insert({
        did,
        handle: handleOf(`${name}.pds.test`),
        email: `${name}@example.com`,
        passwordHash: fields.passwordHash ?? null,
        deactivatedAt: fields.deactivatedAt ?? null,
        deleteAfter: null,
      })
      return did
    },
    [Symbol.dispose]() {
      db.close()
      rmSync(directory, { recursive: true })
    },
  }
}
