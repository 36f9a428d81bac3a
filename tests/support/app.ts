/** An App in a temporary data directory, with a PLC directory on this machine that can be made to fail. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { App } from '#app.ts'
import { loadConfig } from '#config/load.ts'
import { type Clock, systemClock } from '#std/clock.ts'
import { configureLog } from '#telemetry/log.ts'
import { secretVariables } from './config.ts'
import { startPlc, type TestPlc } from './plc.ts'

configureLog({ level: 'error' })

export interface TestAppOptions {
  /** `PDS_*` and `LOCUS_*` */
  env?: Record<string, string>
  clock?: Clock
  /** what the server asks instead of `plc`, in front of it perhaps */
  plcUrl?: string
}

export class TestApp implements AsyncDisposable {
  private constructor(
    readonly directory: string,
    readonly plc: TestPlc,
    private readonly options: TestAppOptions,
    private opened: App,
  ) {}

  static async open(options: TestAppOptions = {}): Promise<TestApp> {
    const { clock = systemClock } = options
    const plc = await startPlc({ clock })
    const directory = mkdtempSync(join(tmpdir(), 'locus-app-'))
    return new TestApp(directory, plc, options, await openApp(directory, options.plcUrl ?? plc.url, options))
  }

  get app(): App {
    return this.opened
  }

  /** Closes the App; whatever is done to its files then is what the next one finds. */
  async close(): Promise<void> {
    await this.opened[Symbol.asyncDispose]()
  }

  async reopen(): Promise<App> {
    this.opened = await openApp(this.directory, this.options.plcUrl ?? this.plc.url, this.options)
    return this.opened
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
    await this.plc[Symbol.asyncDispose]()
    rmSync(this.directory, { recursive: true })
  }
}

/** The variables of a server in `directory` whose users have handles in `.pds.example.com`. */
export function testEnvironment(directory: string, plcUrl: string): Record<string, string> {
  return {
    ...secretVariables,
    PDS_HOSTNAME: 'pds.example.com',
    PDS_DATA_DIRECTORY: directory,
    PDS_DID_PLC_URL: plcUrl,
    PDS_ID_RESOLVER_TIMEOUT: '1000',
    PDS_INVITE_REQUIRED: 'false',
  }
}

function openApp(
  directory: string,
  plcUrl: string,
  { env, clock = systemClock }: TestAppOptions,
): Promise<App> {
  const config = loadConfig({
    env: { ...testEnvironment(directory, plcUrl), ...env },
    flags: {},
    cwd: directory,
  })
  return App.open(config, { clock })
}
