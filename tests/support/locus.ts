/** The compiled executable: built once per test run, called as an operator calls it, or started as a server. */
import { tmpdir } from 'node:os'
import { buildIfStale, executable } from '#scripts/build.ts'
import { TemporaryDirectory } from '#tests/support/directory.ts'

export interface Finished {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly stdin?: string | Uint8Array
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

export interface StartOptions extends RunOptions {
  /** a fresh directory when not given, which goes away with the server */
  readonly data?: string
  /** what follows `serve`, besides the data directory; a development server on free ports when not given */
  readonly args?: readonly string[]
}

const READY_MS = 10_000

let isBuilt = false

/** Compiles what is not up to date, once. @returns the path of the executable */
export function buildLocus(): string {
  if (!isBuilt) buildIfStale()
  isBuilt = true
  return executable
}

/** Runs one command to its end. The environment has no LOCUS_ or PDS_ variables but those given. */
export async function locus(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const child = Bun.spawn([buildLocus(), ...args], {
    cwd: options.cwd ?? tmpdir(),
    env: environment(options.env),
    stdin: options.stdin === undefined ? 'ignore' : Buffer.from(options.stdin),
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [stdout, stderr, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ])
  return { exitCode, stdout, stderr }
}

/** Runs one command on a pseudo-terminal. Each text is typed once it was asked for; null closes the terminal. */
export async function locusOnTerminal(
  args: readonly string[],
  { type = [], ...options }: RunOptions & { type?: readonly { after: string; text: string | null }[] } = {},
): Promise<{ exitCode: number | null; screen: string }> {
  let screen = ''
  const awaited = [...type]
  const child = Bun.spawn([buildLocus(), ...args], {
    cwd: options.cwd ?? tmpdir(),
    env: { ...environment(options.env), TERM: 'xterm' },
    terminal: {
      cols: 200,
      rows: 50,
      data(terminal, data) {
        screen += Buffer.from(data).toString()
        const [next] = awaited
        if (!next || !screen.includes(next.after)) return
        awaited.shift()
        if (next.text === null) terminal.close()
        else terminal.write(next.text)
      },
    },
  })
  const exitCode = await child.exited
  return { exitCode, screen }
}

function environment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const inherited = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !/^(LOCUS|PDS)_|^NO_COLOR$|^CI$/.test(entry[0]),
  )
  return { ...Object.fromEntries(inherited), ...extra }
}

/** A server that was started as its operator starts one. The end of its scope stops it. */
export class LocusServer implements AsyncDisposable {
  constructor(
    readonly child: Bun.Subprocess<'ignore', 'pipe', 'pipe'>,
    readonly ready: {
      url: string
      port: number
      plcPort: number
      dataDirectory: string
      adminSocket: string
    },
    /** what it has written on stderr so far */
    readonly log: () => string,
    private readonly directory: TemporaryDirectory | null,
  ) {}

  get url(): string {
    return this.ready.url
  }

  get data(): string {
    return this.ready.dataDirectory
  }

  get pid(): number {
    return this.child.pid
  }

  /** Runs a command that finds this server through its socket. */
  async run(...args: readonly string[]): Promise<Finished> {
    return await locus([...args, '--data', this.data])
  }

  /** Sends a signal and waits for the end. @returns the exit code */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    this.child.kill(signal)
    return await this.child.exited
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) await this.stop()
    this.directory?.[Symbol.dispose]()
  }
}

/** Starts `locus serve` and waits until it is ready. @throws Error with its log when it does not get ready */
export async function startLocus(options: StartOptions = {}): Promise<LocusServer> {
  const { args = ['--dev', '--port', '0', '--plc-port', '0'], cwd = tmpdir() } = options
  const directory = options.data === undefined ? new TemporaryDirectory() : null
  const data = options.data ?? directory?.path ?? ''
  const child = Bun.spawn([buildLocus(), 'serve', '--json', '--data', data, ...args], {
    cwd,
    env: environment(options.env),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  void collect(child.stderr, (text) => {
    log += text
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), READY_MS)
  const line = await firstLine(child.stdout)
  clearTimeout(timer)
  if (line) return new LocusServer(child, JSON.parse(line), () => log, directory)
  const exitCode = await child.exited
  directory?.[Symbol.dispose]()
  throw new Error(`locus serve ended with ${exitCode}:\n${log}`)
}

async function collect(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder()
  for await (const chunk of stream) take(decoder.decode(chunk, { stream: true }))
}

/** The first line of `stream`, empty when it ends before. */
async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true })
    if (text.includes('\n')) return text.slice(0, text.indexOf('\n'))
  }
  return ''
}
