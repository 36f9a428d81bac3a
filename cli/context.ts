/**
 * Which server a command talks to, and how. There are three doors, and a command cannot tell which one it went through:
 *
 * - the socket of the server that runs on the data directory: who may open the file is its operator;
 * - without a running server, the data directory itself, opened in this process under the same lock;
 * - with `--url`, the network: as the operator with the admin password, as an account with its access token, or as anybody.
 */
import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { Client, type Send } from '#cli/client.ts'
import { CommandError, exitCodes, usageError } from '#cli/errors.ts'
import { logLevelOf } from '#cli/logging.ts'
import { globalOptionsOf } from '#cli/options.ts'
import { readCredential, readSecretFile } from '#cli/secrets.ts'
import type { Flags } from '#config/sources.ts'
import { configureLog } from '#telemetry/log.ts'

/** A way to a server; `await using` closes it. */
export class Connection extends Client implements AsyncDisposable {
  constructor(
    readonly door: 'socket' | 'in-process' | 'network',
    send: Send,
    origin: string,
    headers: Readonly<Record<string, string>> = {},
    private readonly close: () => Promise<void> = async () => {},
    /** false: only what is public, or an account's own, can be asked for */
    readonly isOperator = true,
  ) {
    super(send, origin, headers)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/**
 * Finds the door that `command`'s options and the state of the data directory leave open.
 * @throws CommandError when there is none, ConfigError when the data directory must be opened and its settings have faults
 */
export async function connect(command: Command): Promise<Connection> {
  const options = globalOptionsOf(command)
  if (options.url !== undefined) return overNetwork(options.url, credentialsFor(command))
  const dataDirectory = await dataDirectoryOf(command)
  return (await throughSocket(dataDirectory)) ?? (await inProcess(dataDirectory, command))
}

/** Like `connect`, but without a running server there is no door. */
export async function connectToRunning(command: Command): Promise<Connection | null> {
  const options = globalOptionsOf(command)
  if (options.url !== undefined) return overNetwork(options.url, credentialsFor(command))
  return await throughSocket(await dataDirectoryOf(command))
}

/** What the command line says about the configuration. */
export function flagsOf(command: Command): Flags {
  const { data, config, envFile, set, dev, hostname, port, plcPort, listen } = command.optsWithGlobals<
    Flags & { set?: readonly string[] }
  >()
  return { data, config, envFile, dev, hostname, port, plcPort, listen, set: assignmentsOf(set) }
}

/** The data directory, also when other settings have faults: a server that runs there is reached all the same. */
async function dataDirectoryOf(command: Command): Promise<string> {
  const { readConfig } = await import('#config/load.ts')
  const { settings } = await import('#config/settings.ts')
  const found = readConfig({ flags: flagsOf(command) }).settings.find(
    ({ setting }) => setting === settings.dataDirectory,
  )
  return String(found?.value)
}

async function throughSocket(dataDirectory: string): Promise<Connection | null> {
  const { DataLayout } = await import('#config/layout.ts')
  const unix = new DataLayout(dataDirectory).adminSocket
  const send: Send = (request) => fetch(request, { unix })
  const origin = 'http://locus'
  if (!existsSync(unix) || !(await isAnswered(() => send(new Request(`${origin}/xrpc/_health`))))) return null
  return new Connection('socket', send, origin)
}

/** `--set a.b=c` as settings by key. */
function assignmentsOf(given: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    given.map((text) => {
      const at = text.indexOf('=')
      if (at < 1) throw usageError(`--set ${text} sets nothing`, 'write --set key=value')
      return [text.slice(0, at), text.slice(at + 1)]
    }),
  )
}

/** A socket without a server behind it is what a killed server leaves. */
async function isAnswered(ask: () => Promise<Response>): Promise<boolean> {
  try {
    await (await ask()).body?.cancel()
    return true
  } catch {
    return false
  }
}

async function inProcess(dataDirectory: string, command: Command): Promise<Connection> {
  if (!existsSync(dataDirectory)) {
    throw new CommandError(
      `there is no data directory at ${dataDirectory}`,
      exitCodes.badConfiguration,
      'name it with --data, or make one with: locus init',
    )
  }
  configureLog({ level: logLevelOf(command, 'warn') })
  const { loadConfig } = await import('#config/load.ts')
  const config = loadConfig({ flags: flagsOf(command) })
  const [{ App }, { createDispatch }, { implementations }, { methodName }] = await Promise.all([
    import('#app.ts'),
    import('#xrpc/dispatch.ts'),
    import('#api/index.ts'),
    import('#xrpc/method-name.ts'),
  ])
  const app = await App.open(config)
  const dispatch = createDispatch(app, implementations)
  const send: Send = (request) =>
    dispatch(request, { nsid: methodName(request.url), door: 'in-process', ip: '127.0.0.1' })
  return new Connection('in-process', send, 'http://locus', {}, () => app[Symbol.asyncDispose]())
}

function overNetwork(address: string, authorization: string | null): Connection {
  const url = URL.parse(address)
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw usageError(`--url ${address} is not the address of a server`, 'it looks like https://pds.example')
  }
  if (authorization && url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw usageError(`--url ${address} would send a password in the clear`, 'use https')
  }
  const send: Send = async (request) => {
    const response = await reach(request, url)
    if (response.status === 401 && !authorization) throw whoAreYou(url)
    if (
      /^40[13]$/.test(String(response.status)) &&
      authorization?.startsWith('Bearer ') &&
      isForOperator(request)
    )
      throw notWithToken(url)
    return response
  }
  const isOperator = authorization?.startsWith('Basic ') === true
  const headers = authorization ? { authorization } : {}
  return new Connection('network', send, url.origin, headers, undefined, isOperator)
}

/** Whether a refusal of `request` means that nobody but the operator may do this. */
function isForOperator(request: Request): boolean {
  return /^\/xrpc\/(host\.locus\.|com\.atproto\.admin\.|com\.atproto\.server\.createInviteCode|com\.atproto\.server\.createAccount$)/.test(
    new URL(request.url).pathname,
  )
}

function notWithToken(url: URL): CommandError {
  return new CommandError(
    `${url.origin} lets only its operator do this, and an account's token is not enough`,
    exitCodes.refused,
    'give --admin-password-file instead of --token-file',
  )
}

async function reach(request: Request, url: URL): Promise<Response> {
  try {
    return await fetch(request, { redirect: 'manual' })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new CommandError(`${url.origin} cannot be reached: ${reason}`, exitCodes.upstream)
  }
}

function whoAreYou(url: URL): CommandError {
  const hint = 'give --admin-password-file or --token-file'
  return new CommandError(`${url.origin} wants to know who is asking`, exitCodes.refused, hint)
}

/**
 * What proves to a server over the network who asks. What the environment has is meant for the server that the
 * environment names: it is not sent to another one, whose address was typed.
 */
function credentialsFor(command: Command): string | null {
  const { tokenFile, adminPasswordFile } = globalOptionsOf(command)
  const isAmbient = (option: string) => command.getOptionValueSourceWithGlobals(option) === 'env'
  const isTyped = !isAmbient('url')
  const token = isTyped && isAmbient('tokenFile') ? undefined : tokenFile
  const password = isTyped && isAmbient('adminPasswordFile') ? undefined : adminPasswordFile
  if (token && password) throw usageError('--token-file and --admin-password-file exclude one another')
  if (token) return `Bearer ${readSecretFile(token)}`
  if (password) return asAdmin(readSecretFile(password))
  const ambient = isTyped ? null : adminPasswordOfEnvironment()
  return ambient && asAdmin(ambient)
}

function asAdmin(password: string): string {
  return `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`
}

function adminPasswordOfEnvironment(): string | null {
  const { LOCUS_ADMIN_PASSWORD, PDS_ADMIN_PASSWORD } = process.env
  return readCredential('admin-password') ?? LOCUS_ADMIN_PASSWORD ?? PDS_ADMIN_PASSWORD ?? null
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}
