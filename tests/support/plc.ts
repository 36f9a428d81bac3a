/** A PLC directory on this machine, which can be made to fail in the ways that the real one does. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PlcDirectory } from '#plc/directory.ts'
import { type Clock, systemClock } from '#std/clock.ts'

/** `down`: nobody listens. `slow`: no answer comes. `refusing`: 400 to every change. `failing`: 503 to everything. */
export type PlcCondition = 'well' | 'down' | 'slow' | 'refusing' | 'failing'

export class TestPlc implements AsyncDisposable {
  /** what was asked, as `GET /did:plc:.../data` */
  readonly requests: string[] = []
  private condition: PlcCondition = 'well'
  private server: Bun.Server<undefined>
  private readonly port: number

  constructor(
    readonly directory: PlcDirectory,
    private readonly path: string,
  ) {
    this.server = this.listen(0)
    this.port = this.server.port ?? 0
  }

  get url(): string {
    return `http://localhost:${this.port}`
  }

  async become(condition: PlcCondition): Promise<void> {
    if (condition === this.condition) return
    if (condition === 'down') await this.server.stop(true)
    if (this.condition === 'down') this.server = this.listen(this.port)
    this.condition = condition
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop(true)
    this.directory.close()
    rmSync(this.path, { recursive: true })
  }

  private listen(port: number): Bun.Server<undefined> {
    return Bun.serve({ port, idleTimeout: 0, fetch: (request) => this.answer(request) })
  }

  private async answer(request: Request): Promise<Response> {
    this.requests.push(`${request.method} ${new URL(request.url).pathname.replaceAll('%3A', ':')}`)
    if (this.condition === 'slow') return await new Promise<Response>(() => {})
    if (this.condition === 'failing') return new Response('Service Unavailable', { status: 503 })
    if (this.condition === 'refusing' && request.method === 'POST') {
      return Response.json({ message: 'Operations not correctly ordered' }, { status: 400 })
    }
    return await this.directory.fetch(request)
  }
}

export async function startPlc({ clock = systemClock }: { clock?: Clock } = {}): Promise<TestPlc> {
  const path = mkdtempSync(join(tmpdir(), 'locus-plc-'))
  return new TestPlc(PlcDirectory.open(join(path, 'plc.sqlite'), clock), path)
}
