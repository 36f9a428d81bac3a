/** A development server in a directory that outlives it: started, killed at any moment, and started again. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildLocus } from '#tests/support/locus.ts'

export interface HostOptions {
  /** where its data is; a temporary directory that goes with it unless given */
  data?: string
  /** settings, as variables of its environment */
  env?: Readonly<Record<string, string>>
  /** of a directory that is not its own */
  plcUrl?: string
  /** a program that runs it, with its arguments */
  under?: readonly string[]
}

export const ADMIN_PASSWORD = 'password of the operator'

const HEALTHY_MS = 20_000
const EXIT_MS = 20_000

export class Host implements AsyncDisposable {
  private process: Bun.Subprocess<'ignore', 'ignore', 'pipe'> | null = null
  private stderr = ''

  private constructor(
    readonly data: string,
    private readonly isTemporary: boolean,
    private readonly executable: string,
    private readonly ports: { port: number; plcPort: number },
    private readonly options: HostOptions,
  ) {}

  /** Starts a server and waits until it answers. */
  static async start(options: HostOptions = {}): Promise<Host> {
    const data = options.data ?? (await mkdtemp(join(tmpdir(), 'locus-crash-')))
    const ports = { port: freePort(), plcPort: freePort() }
    const executable = buildLocus()
    const host = new Host(data, options.data === undefined, executable, ports, options)
    try {
      await host.start()
    } catch (error) {
      await host[Symbol.asyncDispose]()
      throw error
    }
    return host
  }

  get url(): string {
    return `http://localhost:${this.ports.port}`
  }

  get plcUrl(): string {
    return this.options.plcUrl ?? `http://localhost:${this.ports.plcPort}`
  }

  /** DIDs that have a directory for their stores, sorted. */
  storedDids(): string[] {
    const actors = join(this.data, 'actors')
    if (!existsSync(actors)) return []
    return readdirSync(actors)
      .flatMap((shard) => readdirSync(join(actors, shard)))
      .sort()
  }

  /** The file with the repository of an account. */
  storeOf(did: string): string {
    const hash = createHash('sha256').update(did).digest('hex')
    return join(this.data, 'actors', hash.slice(0, 2), did, 'store.sqlite')
  }

  /** What it has said on stderr, in all its runs. */
  get log(): string {
    return this.stderr
  }

  get isRunning(): boolean {
    return this.process !== null && this.process.exitCode === null && this.process.signalCode === null
  }

  /** Starts it again, and waits until it answers. @returns milliseconds from the start of the program to the answer */
  async start(): Promise<number> {
    const from = performance.now()
    this.launch()
    while (performance.now() - from < HEALTHY_MS) {
      if (!this.isRunning) throw new Error(`the server ended before it answered\n${this.tail()}`)
      const response = await fetch(`${this.url}/xrpc/_health`).catch(() => null)
      if (response?.ok) return performance.now() - from
      await Bun.sleep(1)
    }
    throw new Error(`no answer within ${HEALTHY_MS} ms\n${this.tail()}`)
  }

  /** Starts the program without waiting for anything. */
  launch(): void {
    const { port, plcPort } = this.ports
    const { env = {}, plcUrl, under = [] } = this.options
    const args = ['serve', '--dev', '--data', this.data, '--port', `${port}`, '--plc-port', `${plcPort}`]
    const settings = Object.entries(process.env).filter(([name]) => !/^(LOCUS|PDS)_/.test(name))
    this.process = Bun.spawn([...under, this.executable, ...args], {
      cwd: tmpdir(),
      env: {
        ...Object.fromEntries(settings),
        LOCUS_ADMIN_PASSWORD: ADMIN_PASSWORD,
        ...env,
        ...(plcUrl && { LOCUS_PLC_URL: plcUrl }),
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    void this.collect(this.process.stderr)
  }

  /** Ends it as a power cut would, as far as the process is concerned. */
  async kill(): Promise<void> {
    this.process?.kill('SIGKILL')
    await this.process?.exited
  }

  /** Asks it to stop. @throws Error when it does not, or not with 0 */
  async stop(): Promise<void> {
    const running = this.process
    if (!running) return
    running.kill('SIGTERM')
    const exitCode = await Promise.race([running.exited, Bun.sleep(EXIT_MS).then(() => 'timeout')])
    if (exitCode !== 0) throw new Error(`the server did not stop cleanly: ${exitCode}\n${this.tail()}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    if (this.isTemporary) rmSync(this.data, { recursive: true, force: true })
  }

  private async collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder()
    for await (const chunk of stream) this.stderr += decoder.decode(chunk, { stream: true })
  }

  private tail(): string {
    return this.stderr.slice(-2000)
  }
}

function freePort(): number {
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() })
  const { port } = server
  server.stop(true)
  if (port === undefined) throw new Error('no port')
  return port
}
