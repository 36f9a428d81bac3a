/**
 * A relay on this machine, from the protocol text and as the one of Bluesky behaves: it crawls hosts that ask for it,
 * keeps the number of the last event of each as the cursor to come back with, gives a host up that calls its cursor one
 * of the future (`idle`) or that cannot be connected to (`offline`) until the host asks again, and drops what does not
 * hold. It is stricter than that one in this: a `#sync` of
 * another commit, too, must be newer than what is known.
 *
 * It can also be made to fail and to lie. Nothing here comes from `src/`.
 */
import { checkCommit, checkSync } from './independent/check-commit.ts'
import { isSignedBy } from './independent/commit.ts'
import { DidDocumentError, fetchDidDocument, signingKeyOf } from './independent/did-document.ts'
import {
  type AccountFrame,
  type CommitFrame,
  type Frame,
  FrameError,
  readFrame,
  type SyncFrame,
} from './independent/frame.ts'
import { timeOfTid } from './independent/syntax.ts'

export interface RelayOptions {
  /** of the directory that has the DID documents */
  plcUrl: string
  /** accounts of one host; those above it are throttled */
  accountLimit?: number
  /** its clock, Unix milliseconds */
  now?: () => number
}

/** `down`: nobody listens. `slow`: no answer comes. `failing`: 503 to everything. */
export type RelayCondition = 'well' | 'down' | 'slow' | 'failing'

export interface RelayHost {
  readonly hostname: string
  status: 'active' | 'idle' | 'offline' | 'throttled' | 'banned'
  /** -1 for none */
  lastSeq: number
  accountCount: number
  subscription: Subscription | null
  /** how often it called the relay's cursor one of the future */
  turnedAway: number
}

export interface RelayAccount {
  readonly did: string
  host: RelayHost
  /** the relay's own word, over that of the host */
  local: string
  upstream: string
  repo: { rev: string; commit: string; data: string } | null
}

/** An event that was not passed on, or was although something is odd about it. */
export interface Remark {
  readonly seq: number
  readonly did: string
  readonly type: string
  readonly why: string
}

type Sequenced = Extract<Frame, { seq: number }>

const MAX_ATTEMPTS = 15
const MAX_PAUSE_MS = 50
const HOST_CHECK_MS = 5000
const MAX_AHEAD_MS = 5 * 60_000

export class TestRelay implements AsyncDisposable {
  readonly hosts = new Map<string, RelayHost>()
  readonly accounts = new Map<string, RelayAccount>()
  /** what was asked of it, as `requestCrawl localhost:2583` */
  readonly requests: string[] = []
  /** what was passed on to its own consumers, in order */
  readonly passed: Sequenced[] = []
  readonly dropped: Remark[] = []
  /** commits that do not follow from what it knew */
  readonly warnings: Remark[] = []
  /** answers that it gives in the place of true ones: fields by the name of the method */
  lies: Record<string, Record<string, unknown>> = {}
  condition: RelayCondition = 'well'

  private readonly keys = new Map<string, Promise<string>>()
  private server: Bun.Server<undefined>
  private readonly port: number
  private readonly accountLimit: number
  private readonly now: () => number

  constructor(private readonly options: RelayOptions) {
    this.accountLimit = options.accountLimit ?? 100
    this.now = options.now ?? Date.now
    this.server = this.listen(0)
    this.port = this.server.port ?? 0
  }

  get url(): string {
    return `http://localhost:${this.port}`
  }

  async become(condition: RelayCondition): Promise<void> {
    if (condition === this.condition) return
    if (condition === 'down') {
      await this.server.stop(true)
      for (const { subscription } of this.hosts.values()) await subscription?.end()
    }
    const starts = this.condition === 'down'
    this.condition = condition
    if (!starts) return
    this.server = this.listen(this.port)
    for (const host of this.hosts.values()) if (host.status === 'active') this.subscribe(host)
  }

  /** The one host it knows, or the one of that name. */
  host(hostname?: string): RelayHost {
    const host = hostname === undefined ? [...this.hosts.values()][0] : this.hosts.get(hostname)
    if (!host) throw new Error('the relay does not know the host')
    return host
  }

  account(did: string): RelayAccount {
    const account = this.accounts.get(did)
    if (!account) throw new Error(`the relay does not know ${did}`)
    return account
  }

  /** How often a method was called. */
  count(method: string): number {
    return this.requests.filter((request) => request.startsWith(`${method} `)).length
  }

  /** Events of one account that were passed on, as `type seq` without the numbers. */
  passedOf(did: string): string[] {
    return this.passed.filter((event) => event.did === did).map(({ type }) => type)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop(true)
    for (const { subscription } of this.hosts.values()) await subscription?.end()
  }

  private listen(port: number): Bun.Server<undefined> {
    return Bun.serve({
      port,
      hostname: 'localhost',
      idleTimeout: 0,
      fetch: (request) => this.answer(request),
    })
  }

  private async answer(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    const method = pathname.split('.').at(-1) ?? ''
    const { hostname } =
      request.method === 'POST'
        ? ((await request.json()) as { hostname: string })
        : { hostname: searchParams.get('hostname') ?? '' }
    const did = searchParams.get('did') ?? ''
    this.requests.push(`${method} ${hostname || did}`)
    if (this.condition === 'slow') return await new Promise<Response>(() => {})
    if (this.condition === 'failing') return new Response('Service Unavailable', { status: 503 })
    const { body, status } = await this.dispatch(method, hostname, did)
    return Response.json({ ...body, ...this.lies[method] }, { status })
  }

  private async dispatch(
    method: string,
    hostname: string,
    did: string,
  ): Promise<{ body: object; status: number }> {
    if (method === 'requestCrawl') return await this.requestCrawl(hostname)
    if (method === 'getHostStatus') return this.getHostStatus(hostname)
    if (method === 'getRepoStatus') return this.getRepoStatus(did)
    return refusal(501, 'MethodNotImplemented', 'Method Not Implemented')
  }

  private async requestCrawl(hostname: string): Promise<{ body: object; status: number }> {
    if (!/^localhost:\d+$/.test(hostname))
      return refusal(400, 'BadRequest', `hostname field empty or invalid: ${hostname}`)
    const known = this.hosts.get(hostname)
    if (known?.status === 'banned') return refusal(401, 'HostBanned', 'host domain is banned')
    if (!(await answersAsHost(hostname))) return refusal(400, 'HostNotFound', 'host server unreachable')
    const host = known ?? {
      hostname,
      status: 'active',
      lastSeq: -1,
      accountCount: 0,
      subscription: null,
      turnedAway: 0,
    }
    this.hosts.set(hostname, host)
    if (!host.subscription) this.subscribe(host)
    return { body: {}, status: 200 }
  }

  private subscribe(host: RelayHost): void {
    host.subscription = new Subscription(host, (event) => this.process(event, host))
  }

  private getHostStatus(hostname: string): { body: object; status: number } {
    const host = this.hosts.get(hostname)
    if (!host) return refusal(404, 'HostNotFound', 'host not found')
    const { status, lastSeq: seq, accountCount } = host
    return { body: { hostname, seq, status, accountCount }, status: 200 }
  }

  private getRepoStatus(did: string): { body: object; status: number } {
    const account = this.accounts.get(did)
    if (!account) return refusal(404, 'RepoNotFound', 'account not found')
    const status = statusOf(account)
    const body = {
      did,
      active: status === 'active',
      ...(status !== 'active' && { status }),
      ...(account.repo && { rev: account.repo.rev }),
    }
    return { body, status: 200 }
  }

  private async process(event: Sequenced, host: RelayHost): Promise<void> {
    const why = await this.faultOf(event, host)
    const { seq, did, type } = event
    if (why === null) this.passed.push(event)
    else this.dropped.push({ seq, did, type, why })
  }

  /** Does what an event says. @returns why it is dropped, or null */
  private async faultOf(event: Sequenced, host: RelayHost): Promise<string | null> {
    if (event.type === 'identity') this.keys.delete(event.did)
    const account = await this.accountOf(event.did, host)
    if (typeof account === 'string') return event.type === 'identity' ? null : account
    if (event.type === 'identity') return null
    if (event.type === 'account') return setUpstream(account, event)
    if (statusOf(account) !== 'active') await this.askHost(account)
    if (statusOf(account) !== 'active') return `account is ${statusOf(account)}`
    if (timeOfTid(event.rev) > this.now() + MAX_AHEAD_MS) return `rev ${event.rev} lies in the future`
    if (event.type === 'sync') return await this.takeSync(event, account)
    if (account.repo && event.rev <= account.repo.rev) return `rev is not above ${account.repo.rev}`
    return await this.takeCommit(event, account)
  }

  private async accountOf(did: string, host: RelayHost): Promise<RelayAccount | string> {
    const known = this.accounts.get(did)
    if (known?.host === host) return known
    const home = await this.homeOf(did)
    if (home !== host.hostname) return `account is at ${home}`
    if (known) {
      known.host.accountCount--
      known.host = host
      host.accountCount++
      return known
    }
    const local = host.accountCount >= this.accountLimit ? 'throttled' : 'active'
    const account: RelayAccount = { did, host, local, upstream: 'active', repo: null }
    host.accountCount++
    this.accounts.set(did, account)
    return account
  }

  private async homeOf(did: string): Promise<string | null> {
    try {
      const { service = [] } = await fetchDidDocument(this.options.plcUrl, did)
      const pds = service.find(({ id }) => id.endsWith('#atproto_pds'))
      return pds ? new URL(pds.serviceEndpoint).host : null
    } catch (error) {
      if (error instanceof DidDocumentError) return null
      throw error
    }
  }

  /** The host may know better than the last event. */
  private async askHost(account: RelayAccount): Promise<void> {
    if (account.local !== 'active') return
    const address = `http://${account.host.hostname}/xrpc/com.atproto.sync.getRepoStatus?did=${account.did}`
    const response = await fetch(address, { signal: AbortSignal.timeout(HOST_CHECK_MS) }).catch(() => null)
    if (!response?.ok) return
    const { active, status } = (await response.json()) as { active: boolean; status?: string }
    account.upstream = active ? 'active' : (status ?? 'inactive')
  }

  private async takeCommit(event: CommitFrame, account: RelayAccount): Promise<string | null> {
    let fault: string | null = null
    const commit = checkCommit(event, (kind, detail) => {
      if (kind !== 'rev') fault ??= `${kind}: ${detail}` // it goes by another clock
    })
    if (!commit || fault !== null) return fault ?? 'no commit'
    if (!(await this.isSigned(commit, event.did))) return 'signature'
    const { repo } = account
    if (repo ? event.prevData !== repo.data || event.since !== repo.rev : event.prevData !== null) {
      const { seq, did, type } = event
      this.warnings.push({ seq, did, type, why: `since ${event.since}, but known is ${repo?.rev}` })
    }
    account.repo = { rev: event.rev, commit: event.commit, data: commit.data }
    return null
  }

  private async takeSync(event: SyncFrame, account: RelayAccount): Promise<string | null> {
    let fault: string | null = null
    const found = checkSync(event, (kind, detail) => {
      if (kind !== 'rev') fault ??= `${kind}: ${detail}`
    })
    if (!found || fault !== null) return fault ?? 'no commit'
    if (!(await this.isSigned(found.commit, event.did))) return 'signature'
    const { repo } = account
    if (repo && event.rev <= repo.rev && found.cid !== repo.commit) return `rev is not above ${repo.rev}`
    account.repo = { rev: event.rev, commit: found.cid, data: found.commit.data }
    return null
  }

  /** The key is looked up once more when it does not fit. */
  private async isSigned(commit: Parameters<typeof isSignedBy>[0], did: string): Promise<boolean> {
    if (await isSignedBy(commit, await this.key(did))) return true
    this.keys.delete(did)
    return await isSignedBy(commit, await this.key(did))
  }

  private key(did: string): Promise<string> {
    const known = this.keys.get(did)
    if (known) return known
    const key = signingKeyOf(this.options.plcUrl, did)
    this.keys.set(did, key)
    return key
  }
}

/** The connection to a host: opened again when it breaks, until the host turns it away or stays away. */
class Subscription {
  private socket: WebSocket | null = null
  private stopped = false
  private readonly running: Promise<void>

  constructor(
    private readonly host: RelayHost,
    private readonly process: (event: Sequenced) => Promise<void>,
  ) {
    this.running = this.run()
  }

  async end(): Promise<void> {
    this.stopped = true
    this.socket?.terminate()
    await this.running
  }

  private async run(): Promise<void> {
    for (let attempts = 0; !this.stopped && attempts < MAX_ATTEMPTS; attempts++) {
      const before = this.host.lastSeq
      const end = await this.listen()
      if (end === 'FutureCursor') {
        this.host.status = 'idle'
        this.host.turnedAway++
        this.host.subscription = null
        return
      }
      if (this.host.lastSeq > before) attempts = 0
      await Bun.sleep(Math.min(attempts * 5, MAX_PAUSE_MS))
    }
    if (!this.stopped) this.host.status = 'offline'
    this.host.subscription = null
  }

  /** One connection, to its end. @returns the error by which the host ended it, if it did */
  private async listen(): Promise<string | null> {
    const { hostname, lastSeq } = this.host
    const address = new URL(`ws://${hostname}/xrpc/com.atproto.sync.subscribeRepos`)
    if (lastSeq > 0) address.searchParams.set('cursor', String(lastSeq))
    const socket = new WebSocket(address)
    socket.binaryType = 'arraybuffer'
    this.socket = socket
    let work: Promise<string | null> = Promise.resolve(null)
    await new Promise<void>((resolve) => {
      socket.onopen = () => {
        if (this.host.status !== 'banned') this.host.status = 'active'
      }
      socket.onmessage = ({ data }) => {
        work = work.then(async (error) => error ?? (await this.receive(new Uint8Array(data as ArrayBuffer))))
      }
      socket.onerror = () => {}
      socket.onclose = () => resolve()
    })
    this.socket = null
    return await work
  }

  private async receive(bytes: Uint8Array): Promise<string | null> {
    let frame: Frame
    try {
      frame = readFrame(bytes)
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      return null
    }
    if (frame.type === 'error') return frame.error
    if (!('seq' in frame)) return null
    await this.process(frame)
    this.host.lastSeq = frame.seq
    return null
  }
}

export function startRelay(options: RelayOptions): TestRelay {
  return new TestRelay(options)
}

function statusOf({ local, upstream }: RelayAccount): string {
  return local === 'active' ? upstream : local
}

function setUpstream(account: RelayAccount, { active, status }: AccountFrame): null {
  account.upstream = active ? 'active' : (status ?? 'inactive')
  return null
}

async function answersAsHost(hostname: string): Promise<boolean> {
  try {
    const response = await fetch(`http://${hostname}/xrpc/com.atproto.server.describeServer`, {
      signal: AbortSignal.timeout(HOST_CHECK_MS),
    })
    const isRelay = response.headers.get('server')?.includes('atproto-relay')
    await response.body?.cancel()
    return response.ok && !isRelay
  } catch {
    return false
  }
}

function refusal(status: number, error: string, message: string): { body: object; status: number } {
  return { body: { error, message }, status }
}
