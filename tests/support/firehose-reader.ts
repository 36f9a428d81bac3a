/**
 * A consumer of the firehose that reads when it is told to, on a bare socket: it can stall, or be slow, and need not
 * answer pings. It keeps the number and a checksum of each frame, which costs little enough for a thousand of them.
 */
import { connect, type Socket } from 'node:net'
import { until } from './until.ts'

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const OPCODES = { binary: 2, close: 8, ping: 9 } as const
const PONG = 0x8a
/** `seq` as a key of a map, and the head of an integer of 8 bytes */
const SEQ = Buffer.from([0x63, 0x73, 0x65, 0x71, 0x1b])

export interface SeenFrame {
  /** null in frames that are not numbered */
  seq: number | null
  sum: number
}

export interface ReaderOptions {
  cursor?: number
  /** instead of the cursor, as it is in the URL */
  query?: string
  /** reads nothing after the handshake until `resume` */
  paused?: boolean
  answersPings?: boolean
}

export class FirehoseReader implements Disposable {
  readonly frames: SeenFrame[] = []
  /** the last frame that was not numbered */
  unnumbered: Uint8Array | null = null
  closed: { code: number; reason: string } | null = null
  /** the connection is gone */
  ended = false
  pings = 0
  private input: Buffer = Buffer.alloc(0)
  private isOpen = false

  private constructor(
    private readonly socket: Socket,
    private readonly options: ReaderOptions,
  ) {
    socket.on('data', (data) => this.take(Buffer.isBuffer(data) ? data : Buffer.from(data)))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.ended = true
    })
  }

  /** Resolves when the connection is open. */
  static async open(url: string, options: ReaderOptions = {}): Promise<FirehoseReader> {
    const { hostname, port } = new URL(url)
    const socket = connect({ host: hostname, port: Number(port) })
    const reader = new FirehoseReader(socket, options)
    const { cursor, query = cursor === undefined ? '' : `?cursor=${cursor}` } = options
    socket.write(
      `GET /xrpc/com.atproto.sync.subscribeRepos${query} HTTP/1.1\r\nHost: ${hostname}\r\nConnection: Upgrade\r\n` +
        `Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`,
    )
    await until(() => reader.isOpen || reader.ended)
    return reader
  }

  get lastSeq(): number | null {
    return this.frames.findLast(({ seq }) => seq !== null)?.seq ?? null
  }

  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }

  private take(data: Buffer): void {
    this.input = this.input.length === 0 ? data : Buffer.concat([this.input, data])
    if (!this.isOpen && !this.takeHead()) return
    let at = 0
    for (;;) {
      const frame = frameAt(this.input, at)
      if (!frame) break
      this.takeFrame(frame.opcode, this.input.subarray(frame.start, frame.end))
      at = frame.end
    }
    this.input = Buffer.from(this.input.subarray(at))
  }

  private takeHead(): boolean {
    const end = this.input.indexOf('\r\n\r\n')
    if (end < 0) return false
    this.isOpen = true
    this.input = this.input.subarray(end + 4)
    if (this.options.paused) this.socket.pause()
    return true
  }

  private takeFrame(opcode: number, payload: Buffer): void {
    if (opcode === OPCODES.close) {
      const code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005
      this.closed = { code, reason: payload.toString('utf8', 2) }
    } else if (opcode === OPCODES.ping) {
      this.pings++
      if (this.options.answersPings === false) return
      const mask = Buffer.alloc(4)
      this.socket.write(Buffer.concat([Buffer.from([PONG, 0x80 | payload.length]), mask, payload]))
    } else if (opcode === OPCODES.binary) {
      const seq = seqOf(payload)
      if (seq === null) this.unnumbered = Uint8Array.from(payload)
      this.frames.push({ seq, sum: checksum(payload) })
    }
  }
}

/** The number of an event, without decoding it. */
export function seqOf(frame: Uint8Array): number | null {
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength)
  const at = bytes.indexOf(SEQ)
  return at < 0 ? null : Number(bytes.readBigUInt64BE(at + SEQ.length))
}

export function checksum(frame: Uint8Array): number {
  return Bun.hash.cityHash32(frame)
}

/** A frame of the WebSocket's protocol, from a server: without a mask. */
function frameAt(bytes: Buffer, at: number): { opcode: number; start: number; end: number } | null {
  const short = (bytes[at + 1] ?? 0) & 0x7f
  const head = short === 126 ? 4 : short === 127 ? 10 : 2
  if (bytes.length < at + head) return null
  const length =
    short === 126 ? bytes.readUInt16BE(at + 2) : short === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : short
  const start = at + head
  if (bytes.length < start + length) return null
  return { opcode: (bytes[at] ?? 0) & 0x0f, start, end: start + length }
}
