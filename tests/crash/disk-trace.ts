/**
 * What a disk would hold after a power cut: the system calls of a run, recorded by strace, are played to a model in
 * which a file's content survives by `fsync` of the file and its name by `fsync` of the directory, and nothing else does.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const CALLS =
  'openat,open,creat,close,pwrite64,write,writev,sendto,sendmsg,ftruncate,fallocate,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir'

/** What to put before a command so that its calls are recorded in `file`. The command keeps its process id. */
export function traced(file: string): string[] {
  return ['strace', '-D', '-f', '-q', '-xx', '-s', '50000000', '-e', `trace=${CALLS}`, '-o', file]
}

/** Whether programs can be traced here. */
export function canTrace(): boolean {
  try {
    return Bun.spawnSync(['strace', '-q', '-o', '/dev/null', 'true']).exitCode === 0
  } catch {
    return false
  }
}

interface Call {
  name: string
  text: string
  result: number
}

/** The calls of a trace, in the order in which they ended. */
export function readCalls(trace: string): Call[] {
  const calls: Call[] = []
  const begun = new Map<string, string>()
  for (const line of trace.split('\n')) {
    const space = line.indexOf(' ')
    const thread = line.slice(0, space)
    let text = line.slice(space).trim()
    if (text.endsWith('<unfinished ...>')) {
      begun.set(thread, text.slice(0, -'<unfinished ...>'.length))
      continue
    }
    const resumed = text.match(/^<\.\.\. \w+ resumed>/)
    if (resumed) text = (begun.get(thread) ?? '') + text.slice(resumed[0].length)
    const end = text.lastIndexOf(') ')
    const result = text.slice(end).match(/^\)\s+= (-?\d+)/)
    const name = text.match(/^(\w+)\(/)?.[1]
    if (name && result)
      calls.push({ name, text: text.slice(name.length + 1, end).trimEnd(), result: Number(result[1]) })
  }
  return calls
}

interface File {
  /** on the disk */
  durable: Buffer
  /** done to the file since its last `fsync` */
  pending: ((content: Buffer) => Buffer)[]
}

type Entry = File | 'directory'

export class DiskModel {
  /** by path, as programs see them */
  private readonly names = new Map<string, Entry>()
  /** by path, as the disk has them */
  private readonly durableNames = new Map<string, Entry>()
  private readonly open = new Map<number, { path: string; entry: Entry; at: number }>()
  /** what was written to anything that is no file below the root: to sockets, mostly */
  readonly sent: string[] = []

  constructor(private readonly root: string) {
    this.names.set(root, 'directory')
    this.durableNames.set(root, 'directory')
  }

  apply({ name, text, result }: Call): void {
    if (result < 0) return
    const strings = [...text.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex = '']) => bytesOf(hex))
    const fd = Number(text.match(/^\d+/)?.[0] ?? -1)
    const [first = Buffer.alloc(0), second] = strings
    const last = Number(text.match(/, (\d+)$/)?.[1])
    switch (name) {
      case 'open':
      case 'openat':
      case 'creat':
        this.opened(String(first), text, result)
        break
      case 'close':
        this.open.delete(fd)
        break
      case 'pwrite64':
        this.write(fd, first, last, result)
        break
      case 'write':
      case 'writev':
      case 'sendto':
      case 'sendmsg':
        this.write(fd, Buffer.concat(strings), null, result)
        break
      case 'ftruncate':
        this.change(fd, (content) => resized(content, last))
        break
      case 'fsync':
      case 'fdatasync':
        this.sync(fd)
        break
      case 'mkdir':
      case 'mkdirat':
        this.named(String(first), 'directory')
        break
      case 'unlink':
      case 'unlinkat':
      case 'rmdir':
        this.names.delete(String(first))
        break
      case 'rename':
      case 'renameat':
      case 'renameat2':
        this.renamed(String(first), String(second))
        break
      default:
        if (strings.some((path) => this.isBelow(String(path)))) throw new Error(`${name} has no model`)
    }
  }

  /** Writes what the disk holds to `target`. Of what was not synced, `survives` says what reached it all the same. */
  writeTo(target: string, survives: () => boolean = () => false): void {
    for (const [path, entry] of [...this.durableNames].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (!this.isReachable(path)) continue
      const to = join(target, path.slice(this.root.length))
      if (entry === 'directory') mkdirSync(to, { recursive: true, mode: 0o700 })
      else if (!path.endsWith('-shm')) writeFileSync(to, contentOf(entry, survives), { mode: 0o600 })
    }
  }

  private opened(path: string, flags: string, fd: number): void {
    if (!this.isBelow(path)) return
    const isNew = flags.includes('O_CREAT') && !this.names.has(path)
    if (isNew) this.named(path, { durable: Buffer.alloc(0), pending: [] })
    const entry = this.names.get(path)
    if (!entry) return
    this.open.set(fd, { path, entry, at: 0 })
    if (flags.includes('O_TRUNC')) this.change(fd, () => Buffer.alloc(0))
  }

  private write(fd: number, bytes: Buffer, at: number | null, count: number): void {
    const file = this.open.get(fd)
    if (!file) {
      this.sent.push(bytes.toString('latin1'))
      return
    }
    const from = at ?? file.at
    if (at === null) file.at += count
    const written = bytes.subarray(0, count)
    this.change(fd, (content) => {
      const out = resized(content, Math.max(content.length, from + written.length))
      written.copy(out, from)
      return out
    })
  }

  private change(fd: number, change: (content: Buffer) => Buffer): void {
    const entry = this.open.get(fd)?.entry
    if (entry && entry !== 'directory') entry.pending.push(change)
  }

  private sync(fd: number): void {
    const file = this.open.get(fd)
    if (!file) return
    if (file.entry === 'directory') {
      this.syncDirectory(file.path)
      return
    }
    file.entry.durable = contentOf(file.entry, () => true)
    file.entry.pending = []
  }

  private syncDirectory(directory: string): void {
    for (const path of [...this.durableNames.keys()]) {
      if (path !== this.root && dirname(path) === directory) this.durableNames.delete(path)
    }
    for (const [path, entry] of this.names) {
      if (path !== this.root && dirname(path) === directory) this.durableNames.set(path, entry)
    }
  }

  private named(path: string, entry: Entry): void {
    if (this.isBelow(path) && !this.names.has(path)) this.names.set(path, entry)
  }

  private renamed(from: string, to: string): void {
    const entry = this.names.get(from)
    if (!entry) return
    this.names.delete(from)
    this.names.set(to, entry)
  }

  private isBelow(path: string): boolean {
    return path === this.root || path.startsWith(`${this.root}/`)
  }

  /** A name on the disk is of use only if the directories above it are there as well. */
  private isReachable(path: string): boolean {
    for (let at = path; at !== this.root; at = dirname(at)) if (!this.durableNames.has(at)) return false
    return true
  }
}

function contentOf(file: File, survives: () => boolean): Buffer {
  return file.pending.reduce((content, change) => (survives() ? change(content) : content), file.durable)
}

function resized(content: Buffer, size: number): Buffer {
  const out = Buffer.alloc(size)
  content.copy(out)
  return out
}

function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replaceAll('\\x', ''), 'hex')
}
