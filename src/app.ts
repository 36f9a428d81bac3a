/**
 * The one place where rooms are wired together: everything a server is made of, opened in order and closed in reverse.
 * Edges (http, cli, api) get an `App`; rooms get only what they use. Whoever has an `App` is the only writer of its data
 * directory.
 */
import { mkdirSync } from 'node:fs'
import { Accounts } from '#account/accounts.ts'
import { AppPasswords } from '#account/app-passwords.ts'
import { AccountCreation, recoverAccounts } from '#account/creation.ts'
import { Handles } from '#account/handles.ts'
import { Invites } from '#account/invites.ts'
import { LogIns } from '#account/log-ins.ts'
import { Passwords } from '#account/passwords.ts'
import { AccountRemoval } from '#account/removal.ts'
import { SessionTokens } from '#account/session-tokens.ts'
import { Sessions } from '#account/sessions.ts'
import { ActorStores } from '#actor/actor-stores.ts'
import { Authenticator } from '#auth/authenticator.ts'
import type { Config } from '#config/config.ts'
import { DataLayout } from '#config/layout.ts'
import { openDatabase } from '#db/database.ts'
import { DirectoryLock } from '#db/directory-lock.ts'
import { DiskReserve } from '#db/disk-reserve.ts'
import { StorageFullError, storageError } from '#db/errors.ts'
import { AccountHealing } from '#federation/account-healing.ts'
import { Crawlers } from '#federation/crawlers.ts'
import { Discrepancies } from '#federation/discrepancies.ts'
import { EventPace } from '#federation/event-pace.ts'
import { Healing } from '#federation/healing.ts'
import { PlcClient } from '#identity/plc-client.ts'
import { IdentityResolver } from '#identity/resolver.ts'
import { k256FromSecret } from '#keys/k256.ts'
import { SigningKeys } from '#keys/signing-keys.ts'
import { type Did, isDid } from '#lexicon/strings.ts'
import { MailCatcher } from '#mail/mail-catcher.ts'
import { Mailer } from '#mail/mailer.ts'
import { cacheMigrations } from '#migrations/cache.ts'
import { serviceMigrations } from '#migrations/service.ts'
import { PlcDirectory } from '#plc/directory.ts'
import { RateLimits } from '#ratelimit/rate-limits.ts'
import { CollectionSurvey } from '#records/collection-survey.ts'
import { Committer } from '#records/committer.ts'
import { LoadedRepos } from '#records/loaded-repos.ts'
import { Records } from '#records/records.ts'
import { catchUp, recoverStores } from '#records/recovery.ts'
import { Repos } from '#records/repos.ts'
import { StoreSweep } from '#records/store-sweep.ts'
import { StoreSync } from '#records/store-sync.ts'
import { TidGenerator } from '#repo/tid.ts'
import { Firehose } from '#sequencer/firehose.ts'
import { Sequencer } from '#sequencer/sequencer.ts'
import { LogUpkeep } from '#sequencer/upkeep.ts'
import { type Clock, systemClock } from '#std/clock.ts'
import { createSafeFetch, type SafeFetch } from '#std/safe-fetch.ts'
import { systemTimers, type Timers } from '#std/timers.ts'
import { logger } from '#telemetry/log.ts'
import { version } from '#telemetry/version.ts'

const log = logger('app')

export interface AppOptions {
  clock?: Clock
  timers?: Timers
}

export class App implements AsyncDisposable {
  readonly clock: Clock
  readonly layout: DataLayout
  readonly sequencer: Sequencer
  readonly firehose: Firehose
  readonly stores: ActorStores
  readonly keys: SigningKeys
  readonly storeSync: StoreSync
  readonly fetch: SafeFetch
  /** the PLC directory of a development server */
  readonly plcDirectory: PlcDirectory | null
  readonly plc: PlcClient
  readonly identity: IdentityResolver
  readonly mail: Mailer
  readonly mailCatcher: MailCatcher
  readonly committer: Committer
  readonly records: Records
  readonly repos: Repos
  readonly passwords: Passwords
  readonly accounts: Accounts
  readonly appPasswords: AppPasswords
  readonly tokens: SessionTokens
  readonly sessions: Sessions
  readonly logIns: LogIns
  readonly invites: Invites
  readonly handles: Handles
  readonly removal: AccountRemoval
  readonly creation: AccountCreation
  readonly auth: Authenticator
  readonly rateLimits: RateLimits
  readonly crawlers: Crawlers
  readonly discrepancies: Discrepancies
  readonly accountHealing: AccountHealing
  readonly healing: Healing
  readonly upkeep: LogUpkeep
  readonly storeSweep: StoreSweep
  readonly collectionSurvey: CollectionSurvey

  private constructor(
    private current: Config,
    { clock, timers }: Required<AppOptions>,
    layout: DataLayout,
    reserve: DiskReserve,
    private readonly opened: AsyncDisposableStack,
  ) {
    const config = current
    const serviceDid = didOf(config.serviceDid, 'service DID')
    this.clock = clock
    this.layout = layout
    const db = this.opened.adopt(
      openDatabase(layout.service, {
        migrations: serviceMigrations,
        synchronous: 'FULL',
        cacheKib: CACHE_KIB,
      }),
      (database) => database.close(),
    )

    const { durability, identity, handleDomains, plcUrl, publicUrl } = config
    this.keys = new SigningKeys({ layout })
    const rotationKey = k256FromSecret(config.secrets.plcRotationKey)
    this.sequencer = this.opened.adopt(
      new Sequencer({ path: layout.sequencer, clock, durability }),
      (sequencer) => sequencer.close(),
    )
    const sequencer = this.sequencer
    this.firehose = this.opened.use(new Firehose({ sequencer, timers }, config.crawlers.length > 0))
    this.stores = this.opened.use(
      new ActorStores({
        layout,
        onOpen: (store) => catchUp(store, sequencer, (did) => this.announceHead(did)),
      }),
    )
    this.storeSync = this.opened.use(new StoreSync({ layout, sequencer, stores: this.stores }))
    const tids = new TidGenerator(clock)
    const loaded = new LoadedRepos({ stores: this.stores })
    const stored = { stores: this.stores, sequencer, keys: this.keys }
    this.committer = new Committer({ ...stored, repos: loaded, tids, sync: this.storeSync, reserve })
    this.opened.defer(() => this.committer.drained())
    this.records = new Records({ stores: this.stores, committer: this.committer, tids })
    this.repos = new Repos({ ...stored, loaded, committer: this.committer })

    this.fetch = createSafeFetch({
      userAgent: `locus/${version}`,
      protection: config.ssrfProtection,
      allowLoopback: config.allowLoopback,
      ownHostname: config.hostname,
    })
    this.plcDirectory = config.embeddedPlc ? this.opened.use(PlcDirectory.open(layout.plc, clock)) : null
    this.plc = new PlcClient({
      url: plcUrl,
      fetch: this.plcDirectory ? directly(this.plcDirectory) : this.fetch,
    })
    const cache = this.opened.adopt(
      openDatabase(layout.cache, { migrations: cacheMigrations, synchronous: 'NORMAL' }),
      (database) => database.close(),
    )
    this.identity = this.opened.use(
      new IdentityResolver({
        cache,
        clock,
        plc: this.plc,
        fetch: this.fetch,
        timeoutMs: identity.resolverTimeoutMs,
        ages: { staleMs: identity.cacheStaleMs, maxMs: identity.cacheMaxMs },
        backupNameservers: identity.handleBackupNameservers,
        dev: config.dev,
      }),
    )
    this.mailCatcher = new MailCatcher({ db, clock, showSecrets: config.dev })
    this.mail = this.opened.use(new Mailer({ db, clock, transport: this.mailCatcher }))

    this.passwords = new Passwords()
    this.accounts = new Accounts({ db, clock })
    const { accounts, passwords } = this
    this.appPasswords = new AppPasswords({ db, clock, passwords })
    this.tokens = new SessionTokens({ secret: config.secrets.jwtSecret, serviceDid, clock })
    this.sessions = new Sessions({ db, clock, tokens: this.tokens })
    const { appPasswords, sessions } = this
    this.logIns = new LogIns({ db, accounts, passwords, appPasswords, sessions })
    this.invites = new Invites({ db, clock, hostname: config.hostname })
    this.handles = new Handles({
      domains: handleDomains,
      allowTest: config.dev,
      accounts,
      identity: this.identity,
    })
    const announceDeletion = (did: Did) => this.committer.announceDeletion(did)
    const kept = { db, clock, accounts, stores: this.stores, keys: this.keys, plc: this.plc, rotationKey }
    this.removal = this.opened.use(new AccountRemoval({ ...kept, announceDeletion }))
    this.creation = new AccountCreation({
      ...kept,
      handles: this.handles,
      invites: this.invites,
      passwords,
      sessions,
      removal: this.removal,
      identity: this.identity,
      committer: this.committer,
      recoveryDidKey: config.recoveryDidKey,
      publicUrl,
      inviteRequired: () => this.current.inviteRequired,
    })
    this.auth = new Authenticator({
      accounts,
      tokens: this.tokens,
      identity: this.identity,
      clock,
      serviceDid,
      adminPassword: config.secrets.adminPassword,
      moderationServiceDid:
        config.modService && didOf(config.modService.did, 'DID of the moderation service'),
    })
    this.rateLimits = new RateLimits({ clock, settings: config.rateLimits })
    const { crawlers: relays, firehose } = config
    const asHost = { relays, host: new URL(publicUrl).host, fetch: this.fetch, clock, timers, sequencer }
    this.crawlers = this.opened.use(new Crawlers(asHost))
    this.discrepancies = new Discrepancies({ db })
    this.accountHealing = this.opened.use(
      new AccountHealing({
        ...stored,
        accounts,
        committer: this.committer,
        repos: this.repos,
        identity: this.identity,
        discrepancies: this.discrepancies,
        pace: new EventPace({ clock, accountCount: () => accounts.count() }),
        clock,
        timers,
        publicUrl,
      }),
    )
    this.healing = this.opened.use(
      new Healing({ ...asHost, crawlers: this.crawlers, accounts: this.accountHealing }),
    )
    this.storeSweep = this.opened.use(new StoreSweep({ stores: this.stores, dids: () => accounts.dids() }))
    this.collectionSurvey = this.opened.use(
      new CollectionSurvey({
        stores: this.stores,
        collections: sequencer.collections,
        dids: () => accounts.dids(),
      }),
    )
    this.upkeep = this.opened.use(new LogUpkeep({ sequencer, clock, windowMs: firehose.backfillWindowMs }))
  }

  /**
   * Opens the data directory of `config`, making it where there is none, and brings everything in it to a state of rest.
   * @throws DirectoryLockedError when another process has it, StorageFullError when the disk has no room for a start
   */
  static async open(
    config: Config,
    { clock = systemClock, timers = systemTimers }: AppOptions = {},
  ): Promise<App> {
    const layout = new DataLayout(config.dataDirectory, config.elsewhere)
    mkdirSync(layout.root, { recursive: true, mode: 0o700 })
    const opened = new AsyncDisposableStack()
    try {
      const reserve = new DiskReserve(layout.reserve)
      opened.adopt(lockDirectory(layout.lock, reserve), (lock) => lock.release())
      reserve.releaseWhenFull()
      const app = new App(config, { clock, timers }, layout, reserve, opened)
      recoverStores(app.stores, app.sequencer, app.storeSync)
      await recoverAccounts({ creation: app.creation, removal: app.removal })
      app.mail.start()
      return app
    } catch (error) {
      await opened.disposeAsync()
      throw storageError(error)
    }
  }

  get config(): Config {
    return this.current
  }

  /** Takes a configuration that differs in what can change while a server runs, as `reloadConfig` makes it. */
  reconfigure(config: Config): void {
    this.current = config
    this.rateLimits.configure(config.rateLimits)
    this.crawlers.setRelays(config.crawlers)
    this.healing.setRelays(config.crawlers)
  }

  /** Tells consumers where the repository of an active account stands. */
  private announceHead(did: Did): void {
    log.warn('store is ahead of the event log, its head is announced', { did })
    if (this.accounts.status(did) !== 'active') return
    this.committer.announce(did, [{ type: 'sync' }]).catch((error: unknown) => {
      log.error('head could not be announced', { did, error })
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.opened.disposeAsync()
  }
}

const CACHE_KIB = 8 * 1024

/** Takes the lock: on a disk without any room, with some of the reserve. */
function lockDirectory(path: string, reserve: DiskReserve): DirectoryLock {
  try {
    return DirectoryLock.acquire(path)
  } catch (error) {
    if (!(storageError(error) instanceof StorageFullError)) throw error
    reserve.release()
    return DirectoryLock.acquire(path)
  }
}

/** Calls the directory in this process, without the way through the network. */
function directly(directory: PlcDirectory): SafeFetch {
  return (url, { method = 'GET', headers = {}, body } = {}) =>
    directory.fetch(new Request(String(url), { method, headers, ...(body !== undefined && { body }) }))
}

function didOf(text: string, what: string): Did {
  if (!isDid(text)) throw new TypeError(`the ${what} is not a DID: ${text}`)
  return text
}
