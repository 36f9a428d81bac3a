/**
 * The listeners of a server: the network, the operator's socket, and the PLC directory of a development server. The
 * first two hand requests to one dispatch and differ in who is taken to be at the other end.
 */
import { rmSync } from 'node:fs'
import { implementations } from '#api/index.ts'
import type { App } from '#app.ts'
import type { ListenAddress } from '#config/config.ts'
import type { PlcDirectory } from '#plc/directory.ts'
import type { Firehose } from '#sequencer/firehose.ts'
import { logger } from '#telemetry/log.ts'
import { createDispatch, type Dispatch } from '#xrpc/dispatch.ts'
import { ClientAddresses } from './client-address.ts'
import { createEdge, type Edge, type Peers } from './edge.ts'
import { ListenError } from './errors.ts'
import { FirehoseConnections, type FirehosePeer, type FirehoseSocketData } from './firehose.ts'
import { isForThisMachine } from './host-header.ts'
import { plain, publicJson } from './replies.ts'

const log = logger('http')

type Listener = Bun.Server<FirehoseSocketData>

interface Routes {
  fetch(request: Request, server: Listener): Response | undefined | Promise<Response | undefined>
  websocket: Bun.WebSocketHandler<FirehoseSocketData>
}

/** seconds after which a connection ends on which nothing moves; clients know the official server's 90 */
const IDLE_TIMEOUT = 90

const COMMON = {
  development: false,
  maxRequestBodySize: Number.MAX_SAFE_INTEGER, // each method has its own limit, in `xrpc`
  error(error: Error): Response {
    log.error('request failed', { error })
    return publicJson({ error: 'InternalServerError', message: 'Internal Server Error' }, 500)
  },
} as const

/** Whoever can open the socket is the operator. */
const OPERATOR: Peers = { door: 'socket', addressOf: () => '127.0.0.1', isFrontEnd: () => true }

export class RunningServer implements AsyncDisposable {
  constructor(
    private readonly listeners: readonly Listener[],
    private readonly firehose: Firehose,
    private readonly drainTimeoutMs: number,
    /** of the network listener; null when that is a Unix socket */
    readonly port: number | null,
    readonly plcPort: number | null,
  ) {}

  /** Takes no more requests, waits for those under way as long as the configuration allows, and closes. */
  async stop(): Promise<void> {
    this.firehose.stop()
    const drained = Promise.all(this.listeners.map((listener) => listener.stop())).then(() => true)
    const timer = Promise.withResolvers<false>()
    const timeout = setTimeout(() => timer.resolve(false), this.drainTimeoutMs)
    const inTime = await Promise.race([drained, timer.promise])
    clearTimeout(timeout)
    if (inTime) return
    log.warn('requests under way were cut off', { afterMs: this.drainTimeoutMs })
    await this.stopAtOnce()
  }

  /** Closes every connection, whatever is under way. */
  async stopAtOnce(): Promise<void> {
    this.firehose.stop()
    await Promise.all(this.listeners.map((listener) => listener.stop(true)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

/** Starts to serve `app`, which stays its owner's to close. Rejects with a ListenError when it cannot listen. */
export async function startServer(app: App): Promise<RunningServer> {
  const { config, layout, plcDirectory } = app
  const dispatch = createDispatch(app, implementations)
  const listeners: Listener[] = []
  try {
    const network = listening('network', () => listenToNetwork(app, dispatch))
    listeners.push(network)
    const operator = plainly(createEdge(app, dispatch, OPERATOR))
    listeners.push(listening('admin-socket', () => listenOnSocket(layout.adminSocket, 0o177, operator)))
    const plc =
      config.embeddedPlc && plcDirectory
        ? listenAsPlc(plcDirectory, config.embeddedPlc.port, config.hostname)
        : null
    if (plc) listeners.push(plc)
    app.crawlers.start()
    if (!app.sequencer.wasClosed) app.storeSweep.start()
    app.collectionSurvey.start()
    void app.healing.start().then(() => app.firehose.release())
    return new RunningServer(
      listeners,
      app.firehose,
      config.drainTimeoutMs,
      network.port ?? null,
      plc?.port ?? null,
    )
  } catch (error) {
    app.firehose.stop()
    await Promise.all(listeners.map((listener) => listener.stop(true)))
    throw error
  }
}

/** @throws ListenError when the system refuses */
function listening(place: ListenError['place'], listen: () => Listener): Listener {
  try {
    return listen()
  } catch (error) {
    if (error instanceof Error && 'code' in error) throw new ListenError(place, String(error.code), error)
    throw error
  }
}

function listenAsPlc(directory: PlcDirectory, port: number, hostname: string): Listener {
  const answer: Edge = (request) =>
    isForThisMachine(request, hostname) ? directory.fetch(request) : plain('Forbidden', 403)
  const routes = plainly(answer)
  return listening('plc', () => listenOnPort('127.0.0.1', port, routes))
}

function listenToNetwork(app: App, dispatch: Dispatch): Listener {
  const { firehose, config } = app
  const { listen, port } = config
  const peers = new NetworkPeers(app)
  const edge = createEdge(app, dispatch, peers)
  const connections = new FirehoseConnections(firehose)
  const listener = listenAt(listen, port, {
    fetch: (request, server) =>
      connections.isMeant(request)
        ? connections.upgrade(request, server, peers.firehosePeer(request))
        : edge(request),
    websocket: connections.handler,
  })
  peers.listener = listener
  firehose.start(connections.broadcastBy(listener))
  return listener
}

function listenAt(listen: ListenAddress, port: number, routes: Routes): Listener {
  return listen.kind === 'unix'
    ? listenOnSocket(listen.path, 0o117, routes)
    : listenOnPort(listen.address, port, routes)
}

function listenOnPort(hostname: string, port: number, routes: Routes): Listener {
  // without `development` Bun shares ports unless told not to, and a second server would go unnoticed
  return Bun.serve({ ...COMMON, hostname, port, reusePort: false, idleTimeout: IDLE_TIMEOUT, ...routes })
}

/** A socket that is there already is what a killed server left: the lock of the data directory says that none runs. */
function listenOnSocket(path: string, umask: number, routes: Routes): Listener {
  rmSync(path, { force: true })
  const before = process.umask(umask) // so that the socket is never open to others, not even before a chmod
  try {
    return Bun.serve({ ...COMMON, unix: path, ...routes })
  } finally {
    process.umask(before)
  }
}

/** A listener without WebSockets. */
function plainly(edge: Edge): Routes {
  return { fetch: (request) => edge(request), websocket: { message() {} } }
}

/** In place of an address, and in no network. */
const UNKNOWN_ADDRESS = 'unknown'

class NetworkPeers implements Peers {
  readonly door = 'network'
  listener: Listener | null = null

  private trustedProxies: readonly string[] = []
  private known = new ClientAddresses([])

  constructor(private readonly app: App) {}

  addressOf(request: Request): string {
    return this.addresses.of(this.peerOf(request), request.headers.get('x-forwarded-for'))
  }

  isFrontEnd(request: Request): boolean {
    const peer = this.peerOf(request)
    return peer === null || this.addresses.isTrusted(peer)
  }

  firehosePeer(request: Request): FirehosePeer {
    const address = this.addressOf(request)
    const isLimited = this.app.rateLimits.counts(address, request.headers.get('x-ratelimit-bypass'))
    return { address, isLimited }
  }

  /** The trusted proxies may change while the server runs. */
  private get addresses(): ClientAddresses {
    const { trustedProxies } = this.app.config
    if (trustedProxies !== this.trustedProxies) {
      this.trustedProxies = trustedProxies
      this.known = new ClientAddresses(trustedProxies)
    }
    return this.known
  }

  /** Null for a Unix socket. A connection whose other end cannot be told is a stranger's, never a proxy's. */
  private peerOf(request: Request): string | null {
    if (this.app.config.listen.kind === 'unix') return null
    return this.listener?.requestIP(request)?.address ?? UNKNOWN_ADDRESS
  }
}
