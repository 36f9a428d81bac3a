/**
 * A real server in this process, on free ports and in a directory of its own, which goes away at the end of the scope:
 *
 *   await using pds = await startPds()
 *   const alice = await pds.createAccount('alice')
 *   await alice.call('com.atproto.repo.createRecord', { repo: alice.did, collection, record })
 *
 * Calls go over HTTP. Errors are `ServerError`s: `{ status, error, message }`.
 */
import { App, type AppOptions } from '#app.ts'
import { Client } from '#cli/client.ts'
import { withFreePorts } from '#cli/free-ports.ts'
import type { Config } from '#config/config.ts'
import { loadConfig } from '#config/load.ts'
import { type RunningServer, startServer } from '#http/server.ts'
import type { Did, Handle } from '#lexicon/strings.ts'
import { configureLog } from '#telemetry/log.ts'
import { TemporaryDirectory } from '#tests/support/directory.ts'

export interface PdsOptions extends AppOptions {
  /** kept when given; else a fresh one that goes away with the server */
  readonly data?: string
  /** settings by their keys in locus.toml, over those of a development server */
  readonly settings?: Readonly<Record<string, unknown>>
  /** anything else of the configuration, as it is used */
  readonly config?: Partial<Config>
}

export interface NewAccountOptions {
  readonly email?: string
  readonly password?: string
  readonly inviteCode?: string
  readonly recoveryKey?: string
}

/** A client that is logged in. Its calls carry its access token. */
export class TestAccount extends Client {
  constructor(
    readonly pds: Pds,
    readonly did: Did,
    readonly handle: Handle,
    readonly email: string,
    readonly password: string,
    readonly accessJwt: string,
    readonly refreshJwt: string,
  ) {
    super(fetch, pds.url, { authorization: `Bearer ${accessJwt}` })
  }
}

export class Pds extends Client implements AsyncDisposable {
  /** calls as the operator, by the admin password */
  readonly admin: Client

  constructor(
    readonly app: App,
    readonly server: RunningServer,
    private readonly opened: AsyncDisposableStack,
  ) {
    super(fetch, app.config.publicUrl)
    const credentials = Buffer.from(`admin:${app.config.secrets.adminPassword}`).toString('base64')
    this.admin = new Client(fetch, this.url, { authorization: `Basic ${credentials}` })
  }

  get url(): string {
    return this.app.config.publicUrl
  }

  get data(): string {
    return this.app.config.dataDirectory
  }

  /** A client with another Authorization header, or with none. */
  as(authorization?: string): Client {
    return new Client(fetch, this.url, authorization === undefined ? {} : { authorization })
  }

  /** Makes the account `<name>.test` and logs it in. */
  async createAccount(name: string, options: NewAccountOptions = {}): Promise<TestAccount> {
    const { email = `${name}@example.com`, password = `password-of-${name}`, ...more } = options
    const input = { handle: `${name}.test`, email, password, ...more }
    const { did, handle, accessJwt, refreshJwt } = await this.call('com.atproto.server.createAccount', input)
    return new TestAccount(this, did as Did, handle as Handle, email, password, accessJwt, refreshJwt)
  }

  /** Stops the listeners and closes everything. A second start on the same `data` finds what this one left. */
  async stop(): Promise<void> {
    await this.opened.disposeAsync()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

export async function startPds({
  data,
  settings = {},
  config = {},
  ...options
}: PdsOptions = {}): Promise<Pds> {
  configureLog({ level: 'silent' })
  const opened = new AsyncDisposableStack()
  try {
    const directory = data ?? opened.use(new TemporaryDirectory()).path
    const flags = { dev: true, data: directory, port: 0, plcPort: 0, set: settings }
    const loaded = await withFreePorts(loadConfig({ flags, env: {}, cwd: directory }))
    const app = opened.use(await App.open({ ...loaded, ...config }, options))
    const server = opened.use(await startServer(app))
    return new Pds(app, server, opened)
  } catch (error) {
    await opened.disposeAsync()
    throw error
  }
}
