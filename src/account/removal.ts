/**
 * What remains of an account when its row is gone: the event that tells the network, its earlier events, its store and
 * key, and at the PLC directory the DID of a sign-up that failed. A row of `account_removal` is written together with
 * the change that made it needed, and worked off afterwards and at every start until nothing remains:
 *
 *   1. `#account` (deleted) is announced and the account's earlier events leave the log; the row notes that.
 *   2. Store and key are deleted.
 *   3. A DID that we registered for an account that did not come to be is withdrawn (tombstone).
 *   4. The row goes.
 *
 * Every step may be done twice. While the row is there, nobody can make an account of the same DID.
 */
import type { ActorStores } from '#actor/actor-stores.ts'
import { type Database, transact } from '#db/database.ts'
import { PlcUnavailableError } from '#identity/errors.ts'
import type { PlcClient } from '#identity/plc-client.ts'
import type { SigningKey } from '#keys/k256.ts'
import type { SigningKeys } from '#keys/signing-keys.ts'
import type { Did } from '#lexicon/strings.ts'
import { type Clock, HOUR, MINUTE } from '#std/clock.ts'
import { logger } from '#telemetry/log.ts'
import type { Accounts } from './accounts.ts'

const log = logger('account')

const FIRST_RETRY_MS = MINUTE
const MAX_RETRY_MS = HOUR
/** A registration that the directory has not heard of by then never reached it. */
const REGISTRATION_MS = 10 * MINUTE

export interface AccountRemovalDeps {
  db: Database
  clock: Clock
  accounts: Accounts
  stores: ActorStores
  keys: SigningKeys
  plc: PlcClient
  /** signs for DIDs that this server registered */
  rotationKey: SigningKey
  /** announces `#account` (deleted) and takes the earlier events of `did` out of the log */
  announceDeletion(did: Did): Promise<void>
}

interface Remains {
  did: Did
  announced: number
  tombstone: number
  /** Unix milliseconds */
  since: number
}

export class AccountRemoval implements Disposable {
  private readonly sql
  private retry: Timer | null = null
  private retryMs = FIRST_RETRY_MS
  private closed = false

  constructor(private readonly deps: AccountRemovalDeps) {
    this.sql = statements(deps.db)
  }

  /**
   * Deletes an account with everything that it has here. Handle and email address are free at once.
   * @returns whether there was one
   */
  async delete(did: Did): Promise<boolean> {
    const { db, accounts } = this.deps
    const existed = transact(db, () => {
      if (!accounts.remove(did)) return false
      this.note({ did, announced: false, tombstone: false })
      return true
    })
    if (existed) log.info('account deleted', { did })
    await this.workOff(did)
    return existed
  }

  /** Notes what must be cleared away of `did`; for use inside the transaction that takes its row away. */
  note(remains: { did: Did; announced: boolean; tombstone: boolean }): void {
    const { did, announced, tombstone } = remains
    this.sql.insert.run(did, announced ? 1 : 0, tombstone ? 1 : 0, this.deps.clock.now())
  }

  /** Whether something of `did` is still to be cleared away. */
  isUnderWay(did: Did): boolean {
    return this.sql.get.get(did) !== null
  }

  /** Clears away what remains of `did`, now. What cannot be done now is tried again later. */
  async workOff(did: Did): Promise<void> {
    const remains = this.sql.get.get(did)
    if (!remains) return
    await this.clear(remains)
    const withdrawn = await this.isWithdrawn(remains)
    if (this.closed) return // the next start goes on
    if (withdrawn) this.sql.remove.run(did)
    else this.tryLater()
  }

  /** Clears away what an earlier run of this server left; DIDs are withdrawn in the background. */
  async recover(): Promise<void> {
    for (const remains of this.sql.all.all()) {
      try {
        await this.clear(remains)
      } catch (error) {
        log.error('remains of an account not cleared away', { did: remains.did, error })
      }
    }
    void this.workOffAll()
  }

  [Symbol.dispose](): void {
    this.closed = true
    if (this.retry) clearTimeout(this.retry)
    this.retry = null
  }

  private async clear(remains: Remains): Promise<void> {
    const { did } = remains
    if (remains.announced === 0) {
      await this.deps.announceDeletion(did)
      this.sql.setAnnounced.run(did)
    }
    this.deps.stores.destroy(did)
    this.deps.keys.destroy(did)
  }

  /** @returns whether nothing is left to withdraw */
  private async isWithdrawn({ did, tombstone, since }: Remains): Promise<boolean> {
    if (tombstone === 0) return true
    const { plc, rotationKey, clock } = this.deps
    try {
      const last = await plc.lastOperation(did)
      if (!last) return clock.now() - since > REGISTRATION_MS
      if (last.type !== 'plc_tombstone') await plc.tombstone(did, rotationKey)
      log.info('did withdrawn', { did })
      return true
    } catch (error) {
      const isTemporary = error instanceof PlcUnavailableError
      log.warn('did not withdrawn', { did, error, isTemporary })
      return !isTemporary
    }
  }

  private tryLater(): void {
    if (this.retry) return
    this.retry = setTimeout(() => {
      this.retry = null
      void this.workOffAll()
    }, this.retryMs)
    this.retry.unref()
    this.retryMs = Math.min(2 * this.retryMs, MAX_RETRY_MS)
  }

  private async workOffAll(): Promise<void> {
    try {
      for (const { did } of this.sql.all.all()) if (!this.closed) await this.workOff(did)
      if (!this.retry) this.retryMs = FIRST_RETRY_MS
    } catch (error) {
      log.error('remains of an account not cleared away', { error })
      this.tryLater()
    }
  }
}

function statements(db: Database) {
  const columns = 'did, announced, tombstone, since'
  return {
    get: db.query<Remains, [string]>(`SELECT ${columns} FROM account_removal WHERE did = ?`),
    all: db.query<Remains, []>(`SELECT ${columns} FROM account_removal ORDER BY since`),
    insert: db.query<unknown, [string, number, number, number]>(
      `INSERT INTO account_removal (${columns}) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET announced = min(announced, excluded.announced),
                                 tombstone = max(tombstone, excluded.tombstone)`,
    ),
    setAnnounced: db.query<unknown, [string]>('UPDATE account_removal SET announced = 1 WHERE did = ?'),
    remove: db.query<unknown, [string]>('DELETE FROM account_removal WHERE did = ?'),
  }
}
