/**
 * `com.atproto.sync.subscribeRepos` on Bun's WebSocket: who may connect, and each connection as the firehose sees it.
 * Compression is off, and what clients send is ignored.
 * @see https://atproto.com/specs/event-stream
 */
import type { Server, ServerWebSocket, WebSocketHandler } from 'bun'
import { parseParams } from '#lexicon/checks.ts'
import { InvalidParamsError } from '#lexicon/errors.ts'
import type { ConsumerSocket, Firehose } from '#sequencer/firehose.ts'
import { methodName, pathStart, queryOf } from '#xrpc/method-name.ts'

const NSID = 'com.atproto.sync.subscribeRepos'
const TOPIC = 'firehose'

/**
 * Bytes waiting for one connection above which Bun would drop frames; the firehose stops long before. If it did not,
 * the connection would end, and the consumer come back with its cursor, rather than miss something.
 */
const BACKPRESSURE_LIMIT = 64 * 1024 * 1024
/** what a client may send; nothing of it is read */
const MAX_MESSAGE_BYTES = 64 * 1024
/** of one address, where calls are limited at all */
const MAX_CONNECTIONS = 100

export interface FirehoseSocketData {
  readonly address: string
  /** of the request's URL */
  readonly query: string
  socket: FirehoseSocket | null
}

/** Who asks for a connection. */
export interface FirehosePeer {
  readonly address: string
  readonly isLimited: boolean
}

/** The connections of one listener. */
export class FirehoseConnections {
  private readonly connections = new Map<string, number>()

  constructor(private readonly firehose: Firehose) {}

  /** Whether a request is for the firehose. */
  isMeant({ url }: Request): boolean {
    return url.startsWith('/xrpc/', pathStart(url)) && methodName(url) === NSID
  }

  /** Turns a request for the firehose into a WebSocket, or answers why not. */
  upgrade(
    request: Request,
    server: Server<FirehoseSocketData>,
    { address, isLimited }: FirehosePeer,
  ): Response | undefined {
    if (request.method !== 'GET') {
      const message = `Incorrect HTTP method (${request.method}) expected GET`
      return refusal(405, 'InvalidRequest', message, { allow: 'GET' })
    }
    if (isLimited && (this.connections.get(address) ?? 0) >= MAX_CONNECTIONS)
      return refusal(429, 'RateLimitExceeded', 'Too many connections from one address')
    const data: FirehoseSocketData = { address, query: queryOf(request.url), socket: null }
    if (server.upgrade(request, { data })) return undefined
    const message = 'This is an event stream: connect with a WebSocket'
    return refusal(426, 'InvalidRequest', message, { upgrade: 'websocket' })
  }

  get handler(): WebSocketHandler<FirehoseSocketData> {
    const { firehose } = this
    return {
      perMessageDeflate: false,
      backpressureLimit: BACKPRESSURE_LIMIT,
      closeOnBackpressureLimit: true,
      maxPayloadLength: MAX_MESSAGE_BYTES,
      idleTimeout: 0, // the firehose pings, and knows better who is still there: a slow reader answers late
      sendPings: false,
      open: (ws) => this.open(ws),
      message: (ws) => void (ws.data.socket && firehose.heard(ws.data.socket)),
      pong: (ws) => void (ws.data.socket && firehose.heard(ws.data.socket)),
      drain: (ws) => void (ws.data.socket && firehose.drained(ws.data.socket)),
      close: (ws) => this.close(ws),
    }
  }

  /** Sends to every socket of `server` that has joined. */
  broadcastBy(server: Server<FirehoseSocketData>): (frame: Uint8Array) => void {
    return (frame) => void server.publish(TOPIC, frame)
  }

  private open(ws: ServerWebSocket<FirehoseSocketData>): void {
    const { address, query } = ws.data
    const socket = new FirehoseSocket(ws)
    ws.data.socket = socket
    this.connections.set(address, (this.connections.get(address) ?? 0) + 1)
    try {
      this.firehose.open(socket, cursorOf(query))
    } catch (error) {
      if (!(error instanceof InvalidParamsError)) throw error
      this.firehose.refuse(socket, error.code, error.message)
    }
  }

  private close({ data: { socket, address } }: ServerWebSocket<FirehoseSocketData>): void {
    if (!socket) return
    this.firehose.closed(socket)
    const left = (this.connections.get(address) ?? 1) - 1
    if (left > 0) this.connections.set(address, left)
    else this.connections.delete(address)
  }
}

class FirehoseSocket implements ConsumerSocket {
  constructor(private readonly ws: ServerWebSocket<FirehoseSocketData>) {}

  send(frames: readonly Uint8Array[]): boolean {
    let isTaken = true
    this.ws.cork((ws) => {
      for (const frame of frames) isTaken = ws.sendBinary(frame) !== 0 && isTaken
    })
    return isTaken
  }

  buffered(): number {
    return this.ws.getBufferedAmount()
  }

  ping(): void {
    this.ws.ping()
  }

  join(): void {
    this.ws.subscribe(TOPIC)
  }

  leave(): void {
    this.ws.unsubscribe(TOPIC)
  }

  close(code: number, reason: string): void {
    this.ws.close(code, reason)
  }

  terminate(): void {
    this.ws.terminate()
  }
}

/** Some clients say -1 where they have seen nothing. @throws InvalidParamsError */
function cursorOf(query: string): number | null {
  const params = parseParams(NSID, query)
  return 'cursor' in params && typeof params.cursor === 'number' ? Math.max(params.cursor, 0) : null
}

function refusal(
  status: number,
  error: string,
  message: string,
  headers: Record<string, string> = {},
): Response {
  const open = { 'access-control-allow-origin': '*' }
  return Response.json({ error, message }, { status, headers: { ...headers, ...open } })
}
