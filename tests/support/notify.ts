/** The other end of NOTIFY_SOCKET, as systemd has it: a datagram socket, here by the C library. */
import { dlopen, FFIType, ptr } from 'bun:ffi'
import { join } from 'node:path'
import { TemporaryDirectory } from '#tests/support/directory.ts'
import { until } from '#tests/support/until.ts'

const AF_UNIX = 1
const SOCK_DGRAM = 2
const MSG_DONTWAIT = 0x40

function openLibC() {
  const symbols = {
    socket: { args: [FFIType.i32, FFIType.i32, FFIType.i32], returns: FFIType.i32 },
    bind: { args: [FFIType.i32, FFIType.ptr, FFIType.u32], returns: FFIType.i32 },
    recv: { args: [FFIType.i32, FFIType.ptr, FFIType.u64, FFIType.i32], returns: FFIType.i64 },
    close: { args: [FFIType.i32], returns: FFIType.i32 },
  } as const
  try {
    return dlopen('libc.so.6', symbols).symbols
  } catch {
    return dlopen('libc.so', symbols).symbols
  }
}

export class NotifySocket implements Disposable {
  private readonly directory = new TemporaryDirectory()
  readonly path = join(this.directory.path, 'notify')
  private readonly messages: string[] = []
  private readonly libc = openLibC()
  private readonly fd = this.libc.socket(AF_UNIX, SOCK_DGRAM, 0)

  constructor() {
    const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(`${this.path}\0`)])
    if (this.libc.bind(this.fd, ptr(address), address.length) !== 0)
      throw new Error(`cannot bind ${this.path}`)
  }

  /** Waits for a message that begins with `start`. */
  async receive(start: string): Promise<string> {
    await until(() => this.received().some((message) => message.startsWith(start)))
    return this.messages.findLast((message) => message.startsWith(start)) ?? ''
  }

  [Symbol.dispose](): void {
    this.libc.close(this.fd)
    this.directory[Symbol.dispose]()
  }

  /** What was sent so far. */
  received(): readonly string[] {
    this.drain()
    return this.messages
  }

  private drain(): void {
    const buffer = Buffer.alloc(4096)
    for (;;) {
      const length = Number(this.libc.recv(this.fd, ptr(buffer), buffer.length, MSG_DONTWAIT))
      if (length < 0) return
      this.messages.push(buffer.toString('utf8', 0, length))
    }
  }
}
