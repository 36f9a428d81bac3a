/**
 * Tells systemd (or whoever set NOTIFY_SOCKET) how the server is: `Type=notify` or `notify-reload`, and `WatchdogSec=`.
 * @see https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
 */
import { logger } from '#telemetry/log.ts'

const log = logger('service-manager')

const AF_UNIX = 1
const SOCK_DGRAM_CLOEXEC = 0o2000002
const CLOCK_MONOTONIC = 1
const LIBC = ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1']

export interface ServiceManager {
  ready(): void
  reloading(): void
  stopping(): void
}

const nobody: ServiceManager = { ready() {}, reloading() {}, stopping() {} }

interface LibC {
  send(state: string): void
  /** microseconds */
  monotonicTime(): bigint
}

/** Connects to the manager that started this process; without one, nothing is sent. */
export async function connectServiceManager(env: NodeJS.ProcessEnv): Promise<ServiceManager> {
  if (!env.NOTIFY_SOCKET) return nobody
  const libc = await loadLibC(socketAddress(env.NOTIFY_SOCKET))
  if (!libc) {
    log.warn('service manager cannot be told: no C library to send with')
    return nobody
  }
  keepAlive(libc, env)
  return {
    ready: () => libc.send('READY=1'),
    reloading: () => libc.send(`RELOADING=1\nMONOTONIC_USEC=${libc.monotonicTime()}`),
    stopping: () => libc.send('STOPPING=1'),
  }
}

/** A sign of life, twice in the time after which the manager would restart us. */
function keepAlive(libc: LibC, { WATCHDOG_USEC, WATCHDOG_PID }: NodeJS.ProcessEnv): void {
  const watchdogMs = Number(WATCHDOG_USEC ?? 0) / 1000
  const isMine = WATCHDOG_PID === undefined || WATCHDOG_PID === String(process.pid)
  if (isMine && watchdogMs > 0) setInterval(() => libc.send('WATCHDOG=1'), watchdogMs / 2).unref()
}

/** Bun has neither datagram sockets of the Unix family nor the clock that systemd compares with; the C library does. */
async function loadLibC(address: Buffer): Promise<LibC | null> {
  const { dlopen, FFIType, ptr } = await import('bun:ffi')
  const { i32, u32, u64, i64 } = FFIType
  for (const name of LIBC) {
    try {
      const { symbols } = dlopen(name, {
        socket: { args: [i32, i32, i32], returns: i32 },
        sendto: { args: [i32, FFIType.ptr, u64, i32, FFIType.ptr, u32], returns: i64 },
        clock_gettime: { args: [i32, FFIType.ptr], returns: i32 },
      })
      const fd = symbols.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0)
      return {
        send(state) {
          const message = Buffer.from(state)
          symbols.sendto(fd, ptr(message), message.length, 0, ptr(address), address.length)
        },
        monotonicTime() {
          const time = new BigInt64Array(2)
          symbols.clock_gettime(CLOCK_MONOTONIC, ptr(time))
          const [seconds = 0n, nanoseconds = 0n] = time
          return seconds * 1_000_000n + nanoseconds / 1000n
        },
      }
    } catch {
      // the next one
    }
  }
  return null
}

/** `@` stands for the NUL that abstract names begin with. */
function socketAddress(path: string): Buffer {
  const family = Buffer.alloc(2)
  family.writeUInt16LE(AF_UNIX)
  return Buffer.concat([family, Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : `${path}\0`)])
}
