/**
 * Making an account. Several things that cannot change together change here, so the order matters, and what a crash
 * between two of them leaves is finished or undone at the next start (`recover`):
 *
 *   1. All checks that need no change. The signing key and, by it, the DID are made in memory.
 *   2. A row of `account_creation`, which reserves handle, address and invite use.  Crash: the row goes.
 *   3. Key file and empty store, on disk.                                          Crash: they are deleted.
 *   4. The DID is registered at the PLC directory.                                  Crash: it is withdrawn.
 *   5. Account, session and invite use, in one transaction.                         Crash: step 6 is done.
 *   6. The repository is made and announced.                                        Crash: likewise, it does not matter how often.
 *   7. The row of step 2 goes.
 *
 * So up to 5 there never was an account, and from 5 on there is one. A step that fails is undone with those before it,
 * and the caller gets its error.
 */
import type { ActorStores } from '#actor/actor-stores.ts'
import { type Database, transact } from '#db/database.ts'
import { storageError } from '#db/errors.ts'
import type { DidDocument } from '#identity/did-document.ts'
import { isAccountDid } from '#identity/did-methods.ts'
import { PlcRefusedError } from '#identity/errors.ts'
import { createGenesis } from '#identity/plc-changes.ts'
import type { PlcClient } from '#identity/plc-client.ts'
import type { PlcOperation } from '#identity/plc-operation.ts'
import type { IdentityResolver } from '#identity/resolver.ts'
import { generateK256, type SigningKey } from '#keys/k256.ts'
import type { SigningKeys } from '#keys/signing-keys.ts'
import type { Did, Handle } from '#lexicon/strings.ts'
import type { Committer } from '#records/committer.ts'
import { type Clock, DAY } from '#std/clock.ts'
import { DomainError, InvalidRequestError } from '#std/errors.ts'
import { logger } from '#telemetry/log.ts'
import type { Accounts } from './accounts.ts'
import { checkEmailAddress } from './email-addresses.ts'
import {
  AlreadyExistsError,
  DidNotProvenError,
  InvalidInviteCodeError,
  InvalidPasswordError,
  NameTakenError,
} from './errors.ts'
import type { Handles } from './handles.ts'
import type { Invites } from './invites.ts'
import { MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH, type Passwords } from './passwords.ts'
import type { AccountRemoval } from './removal.ts'
import type { SessionPair, Sessions } from './sessions.ts'

const log = logger('account')

/** An account that moves in is deactivated, and marked to be deleted if it stays so for this long. */
const MOVE_IN_MS = 3 * DAY

export interface SignUp {
  readonly handle: string
  readonly email?: string
  readonly password?: string
  readonly inviteCode?: string
  /** did:key of a key that the account's owner keeps, stronger than ours */
  readonly recoveryKey?: string
  /** an identity that exists already and moves here */
  readonly did?: Did
  /** not supported: we make the operation */
  readonly plcOp?: unknown
}

export interface Applicant {
  /** may do without invite code, address and password, and have reserved handles and any DID */
  readonly isOperator: boolean
  /** the DID that the caller has proven to hold */
  readonly provenDid: Did | null
}

export interface CreatedAccount extends SessionPair {
  readonly did: Did
  readonly handle: Handle
  /** null when it could not be fetched just now */
  readonly didDocument: DidDocument | null
}

/** A sign-up that passed all checks, with its DID and key made. */
interface Plan {
  readonly did: Did
  readonly handle: Handle
  readonly email: string | null
  readonly password: string | null
  readonly inviteCode: string | null
  readonly secret: Uint8Array
  /** registers the DID; null for an identity that exists already */
  readonly genesis: PlcOperation | null
}

export interface AccountCreationDeps {
  db: Database
  clock: Clock
  accounts: Accounts
  handles: Handles
  invites: Invites
  passwords: Passwords
  sessions: Sessions
  removal: AccountRemoval
  keys: SigningKeys
  stores: ActorStores
  plc: PlcClient
  identity: IdentityResolver
  committer: Committer
  /** signs for DIDs that this server registers */
  rotationKey: SigningKey
  /** did:key that goes before ours in what we register */
  recoveryDidKey: string | null
  publicUrl: string
  /** asked for each sign-up, because it may change while the server runs */
  inviteRequired(): boolean
}

export class AccountCreation {
  private readonly sql
  /** sign-ups whose undoing failed, as on a full disk */
  private readonly unsettled = new Map<Did, { wasSubmitted: boolean }>()

  constructor(private readonly deps: AccountCreationDeps) {
    this.sql = statements(deps.db)
  }

  /**
   * Makes an account and logs it in.
   * @throws InvalidInviteCodeError, InvalidHandleError, HandleNotAvailableError, UnsupportedDomainError,
   *   InvalidPasswordError, NameTakenError, AlreadyExistsError, DidNotProvenError, InvalidRequestError when the sign-up is refused
   * @throws PlcUnavailableError, PlcRefusedError, StorageFullError when it failed, and nothing is left of it
   */
  async create(signUp: SignUp, applicant: Applicant): Promise<CreatedAccount> {
    const { did, ...checked } = await this.check(signUp, applicant)
    const { key, secret } = generateK256()
    const plan: Plan = { ...checked, secret, ...(did ? { did, genesis: null } : this.newDid(key, checked)) }
    try {
      this.settle()
      this.reserve(plan)
    } catch (error) {
      throw storageError(error)
    }
    return await this.carryOut(plan)
  }

  /** Finishes or undoes what an earlier run of this server had begun. What cannot be done now is left to the next start. */
  async recover(): Promise<void> {
    for (const row of this.sql.all.all()) {
      try {
        await this.settleInterrupted(row)
      } catch (error) {
        log.error('interrupted sign-up not settled', { did: row.did, error })
      }
    }
  }

  private async settleInterrupted({ did, handle, madeDid }: CreationRow): Promise<void> {
    const account = this.deps.accounts.get(did)
    if (account) {
      await this.deps.committer.createRepo(did, { handle, silent: account.deactivatedAt !== null })
      this.sql.remove.run(did)
    } else {
      this.cancel(did, madeDid === 1)
    }
    log.info('interrupted sign-up settled', { did, finished: account !== null })
  }

  /** The checks, in the order in which the official server makes them. */
  private async check(signUp: SignUp, { isOperator, provenDid }: Applicant) {
    const { accounts, handles, invites } = this.deps
    const { password = null, inviteCode = null, did = null, recoveryKey = null } = signUp
    if (signUp.plcOp !== undefined) throw new InvalidRequestError('Unsupported input: "plcOp"')
    if (password !== null && password.length > MAX_PASSWORD_LENGTH) throw tooLong()
    if (inviteCode === null && this.deps.inviteRequired() && !isOperator) {
      throw new InvalidInviteCodeError('No invite code provided')
    }
    if (!signUp.email && !isOperator) throw new InvalidRequestError('Email is required')
    const email = signUp.email ? checkEmailAddress(signUp.email) : null
    const handle = await handles.check(signUp.handle, { did, allowReserved: isOperator })
    if (inviteCode !== null) invites.ensureAvailable(inviteCode)
    this.ensureFree({ handle, email })
    if (did !== null) {
      if (did !== provenDid && !isOperator) throw new DidNotProvenError(did)
      if (!isAccountDid(did)) throw new InvalidRequestError('Accounts can have a did:plc or a did:web only')
      if (accounts.get(did) || this.deps.stores.exists(did)) throw new AlreadyExistsError()
    }
    if (password === null ? !isOperator : password.length < MIN_PASSWORD_LENGTH) {
      throw new InvalidPasswordError(
        `Password too short. Minimum length is ${MIN_PASSWORD_LENGTH} characters.`,
      )
    }
    return { did, handle, email, password, inviteCode, recoveryKey }
  }

  private ensureFree({ handle, email }: { handle: Handle; email: string | null }): void {
    const { accounts } = this.deps
    if (accounts.isHandleTaken(handle)) throw new NameTakenError(`Handle already taken: ${handle}`)
    if (email !== null && accounts.isEmailTaken(email)) {
      throw new NameTakenError(`Email already taken: ${email}`)
    }
  }

  private newDid(key: SigningKey, { handle, recoveryKey }: { handle: Handle; recoveryKey: string | null }) {
    const { rotationKey, recoveryDidKey, publicUrl } = this.deps
    const ownKeys = [recoveryDidKey, rotationKey.did].filter((known) => known !== recoveryKey)
    const rotationKeys = [recoveryKey, ...ownKeys].filter((known) => known !== null)
    const account = { signingKey: key.did, rotationKeys, handle, pds: publicUrl }
    const { did, operation } = createGenesis(account, rotationKey)
    return { did, genesis: operation }
  }

  /** Keeps handle, address, invite use and DID from everybody else, among them those who checked at the same time. */
  private reserve({ did, handle, email, inviteCode, genesis }: Plan): void {
    const { db, accounts, invites, removal, clock } = this.deps
    transact(db, () => {
      this.ensureFree({ handle, email })
      if (inviteCode !== null) invites.ensureAvailable(inviteCode)
      if (accounts.get(did) || this.sql.get.get(did)) throw new AlreadyExistsError()
      if (removal.isUnderWay(did)) {
        throw new AlreadyExistsError(
          'An earlier account of this DID is still being deleted, try again in a moment',
        )
      }
      this.sql.insert.run({
        did,
        handle,
        email,
        inviteCode,
        madeDid: genesis ? 1 : 0,
        startedAt: clock.now(),
      })
    })
  }

  private async carryOut(plan: Plan): Promise<CreatedAccount> {
    const { keys, stores, plc, identity, committer } = this.deps
    const { did, handle, genesis } = plan
    let wasSubmitted = false
    try {
      const passwordHash = plan.password === null ? null : await this.deps.passwords.hash(plan.password)
      keys.create(did, plan.secret)
      stores.create(did)
      if (genesis) {
        wasSubmitted = true
        await plc.submit(did, genesis)
      }
      const document = identity.resolveDid(did, { fresh: true }).catch(noDocument)
      const pair = this.store(plan, passwordHash)
      await committer.createRepo(did, { handle, silent: genesis === null })
      this.finish(did)
      log.info('account created', { did })
      return { did, handle, ...pair, didDocument: await document }
    } catch (error) {
      await this.undo(did, wasSubmitted && !(error instanceof PlcRefusedError), error)
      throw storageError(error)
    }
  }

  /** The account, its session and the use of its code: all or nothing. */
  private store(plan: Plan, passwordHash: string | null): SessionPair {
    const { db, clock, accounts, invites, sessions } = this.deps
    const { did, handle, email, inviteCode, genesis } = plan
    const now = clock.now()
    const isMovingIn = genesis === null
    const { store, ...pair } = sessions.prepare(did, null)
    transact(db, () => {
      const deactivatedAt = isMovingIn ? now : null
      const deleteAfter = isMovingIn ? now + MOVE_IN_MS : null
      accounts.insert({ did, handle, email, passwordHash, deactivatedAt, deleteAfter })
      if (inviteCode !== null) {
        // again: the code may have been disabled while the directory was asked
        invites.ensureAvailable(inviteCode)
        invites.use(inviteCode, did)
      }
      store()
    })
    return pair
  }

  /** There is an account now, whatever happens to the row that reserved its names. */
  private finish(did: Did): void {
    try {
      this.sql.remove.run(did)
    } catch (error) {
      log.warn('row of a finished sign-up not removed, the next start will', { did, error })
    }
  }

  private async undo(did: Did, wasSubmitted: boolean, cause: unknown): Promise<void> {
    log.warn('sign-up failed', { did, error: cause })
    try {
      this.cancel(did, wasSubmitted)
    } catch (error) {
      log.error('failed sign-up not undone yet, the next one or a start will', { did, error })
      this.unsettled.set(did, { wasSubmitted })
      return
    }
    const done = this.deps.removal.workOff(did)
    // a directory that did not answer just now will not do so at once: the caller need not wait for it
    if (cause instanceof DomainError && cause.kind === 'upstream') void done.catch(reportLeft)
    else await done.catch(reportLeft)
  }

  /** Takes back all that is in the database, and notes the rest to be cleared away. */
  private cancel(did: Did, wasSubmitted: boolean): void {
    const { db, accounts, invites, removal } = this.deps
    transact(db, () => {
      const row = this.sql.get.get(did)
      if (row?.inviteCode) invites.unuse(row.inviteCode, did)
      accounts.remove(did)
      this.sql.remove.run(did)
      removal.note({ did, announced: true, tombstone: wasSubmitted })
    })
  }

  /** Undoes what could not be undone when it failed. */
  private settle(): void {
    for (const [did, { wasSubmitted }] of this.unsettled) {
      this.cancel(did, wasSubmitted)
      this.unsettled.delete(did)
      void this.deps.removal.workOff(did).catch(reportLeft)
    }
  }
}

/** Brings accounts to a state of rest after a crash: for the start of the server, before it answers anybody. */
export async function recoverAccounts(deps: {
  creation: AccountCreation
  removal: AccountRemoval
}): Promise<void> {
  await deps.creation.recover()
  await deps.removal.recover()
}

function tooLong(): InvalidPasswordError {
  return new InvalidPasswordError(`Password too long. Maximum length is ${MAX_PASSWORD_LENGTH} characters.`)
}

/** The answer can do without the document; clients fetch it themselves. */
function noDocument(error: unknown): null {
  log.warn('document of a new did not fetched', { error })
  return null
}

function reportLeft(error: unknown): void {
  log.error('remains of a failed sign-up not cleared away yet', { error })
}

type CreationRow = {
  did: Did
  handle: Handle
  email: string | null
  inviteCode: string | null
  madeDid: number
  startedAt: number
}

function statements(db: Database) {
  const columns = `did, handle, email, invite_code AS inviteCode, made_did AS madeDid, started_at AS startedAt`
  return {
    get: db.query<CreationRow, [string]>(`SELECT ${columns} FROM account_creation WHERE did = ?`),
    all: db.query<CreationRow, []>(`SELECT ${columns} FROM account_creation ORDER BY started_at`),
    insert: db.query<unknown, CreationRow>(
      `INSERT INTO account_creation (did, handle, email, invite_code, made_did, started_at)
       VALUES ($did, $handle, $email, $inviteCode, $madeDid, $startedAt)`,
    ),
    remove: db.query<unknown, [string]>('DELETE FROM account_creation WHERE did = ?'),
  }
}
