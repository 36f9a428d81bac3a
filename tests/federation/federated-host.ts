/** A host that relays crawl: it keeps its name while it is stopped, rolled back to an older copy, or installed anew. */
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { formatCid } from '#repo/cid.ts'
import { configureLog, type LogOutput } from '#telemetry/log.ts'
import { TemporaryDirectory } from '#tests/support/directory.ts'
import { type Pds, startPds, TestAccount } from '#tests/support/pds.ts'
import { startPlc, type TestPlc } from '#tests/support/plc.ts'
import { startRelay, type TestRelay } from '#tests/support/relay.ts'
import { TestTimers } from '#tests/support/timers.ts'
import { until } from '#tests/support/until.ts'

const POST = 'app.bsky.feed.post'
/** between two looks at whether a condition holds, on the host's clock */
const STEP_MS = 30_000

export interface FederatedHostOptions {
  relayCount?: number
  accountLimit?: number
}

export interface LogLine {
  level: string
  room: string
  message: string
  [field: string]: unknown
}

export class FederatedHost implements AsyncDisposable {
  /** goes on only when a test says so; replaced, it is as if the machine had another clock */
  timers = new TestTimers(Date.now())
  /** what the host has logged, in all its runs */
  readonly log: LogLine[] = []
  private running: Pds | null = null
  private readonly directory = new TemporaryDirectory()
  private readonly port = freePort()

  readonly relays: readonly TestRelay[]

  private constructor(
    readonly plc: TestPlc,
    { relayCount = 1, accountLimit = 100 }: FederatedHostOptions,
  ) {
    const options = { plcUrl: plc.url, accountLimit, now: () => this.timers.now() }
    this.relays = Array.from({ length: relayCount }, () => startRelay(options))
  }

  /** Makes a host that is not started yet, and its relays. */
  static async create(options: FederatedHostOptions = {}): Promise<FederatedHost> {
    return new FederatedHost(await startPlc(), options)
  }

  get relay(): TestRelay {
    const [relay] = this.relays
    if (!relay) throw new Error('there is no relay')
    return relay
  }

  get pds(): Pds {
    if (!this.running) throw new Error('the host is not running')
    return this.running
  }

  get name(): string {
    return `localhost:${this.port}`
  }

  get data(): string {
    return join(this.directory.path, 'data')
  }

  async start(): Promise<Pds> {
    const { port } = this
    this.running = await startPds({
      data: this.data,
      clock: this.timers,
      timers: this.timers,
      settings: { 'plc.url': this.plc.url, crawlers: this.relays.map(({ url }) => url) },
      config: { port, publicUrl: `http://localhost:${port}` },
    })
    const output: Partial<LogOutput> = {
      level: 'info',
      format: 'json',
      write: (line) => void this.log.push(JSON.parse(line)),
    }
    configureLog(output)
    return this.running
  }

  async stop(): Promise<void> {
    configureLog({ level: 'silent' })
    await this.running?.stop()
    this.running = null
  }

  /** Copies the data of the stopped host. */
  backUp(): void {
    cpSync(this.data, `${this.data}.backup`, { recursive: true })
  }

  /** Puts the copy in the place of the data of the stopped host. */
  restore(): void {
    this.wipe()
    cpSync(`${this.data}.backup`, this.data, { recursive: true })
  }

  wipe(): void {
    rmSync(this.data, { recursive: true, force: true })
  }

  /** Waits for `condition`, while time passes for the host. */
  async eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
    await until(async () => {
      if (await condition()) return true
      this.timers.advance(STEP_MS)
      return false
    })
  }

  /** Lets `ms` pass for the host, slowly enough for what it does then to be answered. */
  async pass(ms: number): Promise<void> {
    const step = Math.max(STEP_MS * 2, ms / 200)
    const end = this.timers.now() + ms
    while (this.timers.now() < end) {
      this.timers.advance(Math.min(step, end - this.timers.now()))
      await Bun.sleep(5)
    }
  }

  /** Whether a relay holds every one of `accounts` as this host does. */
  agrees(accounts: readonly TestAccount[], relay: TestRelay = this.relay): boolean {
    return accounts.every(({ did }) => {
      const account = relay.accounts.get(did)
      const { rev, cid } = this.pds.app.repos.head(did)
      const isActive = account?.local === 'active' && account.upstream === 'active'
      return isActive && account.repo?.rev === rev && account.repo.commit === formatCid(cid)
    })
  }

  /** What the host logged about `message`. */
  logged(message: string): LogLine[] {
    return this.log.filter((line) => line.message === message)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    for (const relay of this.relays) await relay[Symbol.asyncDispose]()
    await this.plc[Symbol.asyncDispose]()
    this.directory[Symbol.dispose]()
  }
}

/** The same account at a host that was started again. */
export async function logIn(pds: Pds, account: TestAccount): Promise<TestAccount> {
  const { handle: identifier, password, did, handle, email } = account
  const session = await pds.call('com.atproto.server.createSession', { identifier, password })
  return new TestAccount(pds, did, handle, email, password, session.accessJwt, session.refreshJwt)
}

export async function post(account: TestAccount, text: string): Promise<void> {
  const record = { $type: POST, text, createdAt: new Date().toISOString() }
  await account.call('com.atproto.repo.createRecord', { repo: account.did, collection: POST, record })
}

function freePort(): number {
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() })
  const { port } = server
  void server.stop(true)
  if (port === undefined) throw new Error('no port')
  return port
}
