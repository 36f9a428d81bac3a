/**
 * `com.atproto.sync.subscribeRepos` on Bun's WebSocket: who may connect, and each connection as the firehose sees it.
 * Compression is off, clients' messages are ignored, and pings keep idle connections alive and find dead ones.
 * @see https://atproto.com/specs/event-stream
 */
import type { Server, ServerWebSocket, WebSocketHandler } from 'bun'
import type { ConsumerSocket, Firehose } from '#sequencer/firehose.ts'
import { methodName, pathStart, queryOf } from '#xrpc/method-name.ts'

const FIREHOSE_PATH = '/xrpc/com.atproto.sync.subscribeRepos'
export const FIREHOSE_TOPIC = 'firehose'

/** bytes waiting for one connection above which Bun would drop frames; the firehose stops long before */
const BACKPRESSURE_LIMIT = 64 * 1024 * 1024
const IDLE_SECONDS = 60
/** what a client may send; nothing of it is read */
const MAX_MESSAGE_BYTES = 64 * 1024

export interface FirehoseSocketData {
  /** as the client wrote it; null when it gave none */
  readonly cursor: string | null
  socket: ConsumerSocket | null
}

export function isFirehose({ url }: Request): boolean {
  return (
    url.startsWith(FIREHOSE_PATH, pathStart(url)) && methodName(url) === 'com.atproto.sync.subscribeRepos'
  )
}

/** Turns a request for the firehose into a WebSocket, or answers why not. */
export function upgradeToFirehose(
  request: Request,
  server: Server<FirehoseSocketData>,
): Response | undefined {
  if (request.method !== 'GET')
    return refusal(405, `Incorrect HTTP method (${request.method}) expected GET`, { allow: 'GET' })
  const cursor = new URLSearchParams(queryOf(request.url)).get('cursor')
  const data: FirehoseSocketData = { cursor: cursor === '' ? null : cursor, socket: null }
  if (server.upgrade(request, { data })) return undefined
  return refusal(426, 'This is an event stream: connect with a WebSocket', { upgrade: 'websocket' })
}

export function firehoseHandler(firehose: Firehose): WebSocketHandler<FirehoseSocketData> {
  return {
    perMessageDeflate: false,
    backpressureLimit: BACKPRESSURE_LIMIT,
    maxPayloadLength: MAX_MESSAGE_BYTES,
    idleTimeout: IDLE_SECONDS,
    sendPings: true,
    open(ws) {
      const socket = new FirehoseSocket(ws)
      ws.data.socket = socket
      const { cursor } = ws.data
      if (cursor === null) firehose.open(socket, null)
      else if (/^\d{1,16}$/.test(cursor) && Number.isSafeInteger(Number(cursor)))
        firehose.open(socket, Number(cursor))
      else
        firehose.refuse(
          socket,
          'InvalidRequest',
          'Error: Params must have the property "cursor" as a valid integer',
        )
    },
    message() {},
    drain: (ws) => void (ws.data.socket && firehose.drained(ws.data.socket)),
    close: (ws) => void (ws.data.socket && firehose.closed(ws.data.socket)),
  }
}

class FirehoseSocket implements ConsumerSocket {
  constructor(private readonly ws: ServerWebSocket<FirehoseSocketData>) {}

  send(frame: Uint8Array): void {
    this.ws.sendBinary(frame)
  }

  buffered(): number {
    return this.ws.getBufferedAmount()
  }

  join(): void {
    this.ws.subscribe(FIREHOSE_TOPIC)
  }

  leave(): void {
    this.ws.unsubscribe(FIREHOSE_TOPIC)
  }

  close(code: number, reason: string): void {
    this.ws.close(code, reason)
  }

  terminate(): void {
    this.ws.terminate()
  }
}

function refusal(status: number, message: string, headers: Record<string, string>): Response {
  return Response.json({ error: 'InvalidRequest', message }, { status, headers })
}
