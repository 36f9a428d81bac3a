/** A server from its start to its end: what it says when it is ready, what signals do to it, how it closes. */
import { isatty } from 'node:tty'
import type { Command } from 'commander'
import { App } from '#app.ts'
import { exitCodes } from '#cli/errors.ts'
import { withFreePorts } from '#cli/free-ports.ts'
import { listenRefusal } from '#cli/listen-refusal.ts'
import { configureLogAs } from '#cli/logging.ts'
import { globalOptionsOf } from '#cli/options.ts'
import { printText } from '#cli/output.ts'
import { connectServiceManager, type ServiceManager } from '#cli/service-manager.ts'
import { welcome } from '#cli/welcome.ts'
import { withPorts } from '#config/config.ts'
import { type LoadedConfig, reloadConfig } from '#config/load.ts'
import { ListenError } from '#http/errors.ts'
import { type RunningServer, startServer } from '#http/server.ts'
import { logger } from '#telemetry/log.ts'
import { version } from '#telemetry/version.ts'

const log = logger('server')

export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGHUP'

const STDIN = 0

/** Runs a server until a signal ends it. @returns the signal, when everything is closed */
export async function runServer(loaded: LoadedConfig, command: Command): Promise<StopSignal> {
  const { stopped, stop } = stopSignal()
  outliveBugs()
  const manager = await connectServiceManager(process.env)
  const config = await orRefusal(loaded, () => withFreePorts(loaded.config))
  for (const { key, place, message } of config.warnings)
    log.warn('setting wants attention', { key, place, reason: message })
  await using app = await App.open(config)
  await using server = await orRefusal(loaded, () => startServer(app))
  reloadOnSignal(app, loaded, { manager, command, stop })
  announce(app, server, command)
  manager.ready()
  const signal = await stopped
  log.info('stopping', { signal })
  manager.stopping()
  return signal
}

/** @throws CommandError that names the setting when the system does not let the server listen */
async function orRefusal<T>(loaded: LoadedConfig, start: () => Promise<T>): Promise<T> {
  try {
    return await start()
  } catch (error) {
    throw error instanceof ListenError ? listenRefusal(error, loaded) : error
  }
}

/** The first signal asks to stop; a second one ends the process where it stands, which loses nothing. */
function stopSignal() {
  process.removeAllListeners('SIGINT') // the handler that ends other commands
  const { promise: stopped, resolve } = Promise.withResolvers<StopSignal>()
  let asked = false
  const stop = (signal: StopSignal) => {
    if (asked) process.exit(exitCodes.interrupted)
    asked = true
    resolve(signal)
  }
  process.on('SIGTERM', () => stop('SIGTERM'))
  process.on('SIGINT', () => stop('SIGINT'))
  return { stopped, stop }
}

/**
 * A promise that nobody awaited has failed: one request or job is the worse for it, and the others go on. (What is thrown
 * outside of promises ends the process; the next start finds everything in order.)
 */
function outliveBugs(): void {
  process.on('unhandledRejection', (error) => log.error('promise failed unnoticed', { error }))
}

/** SIGHUP asks for a reload, but for the one that tells of a terminal that has been closed. */
function reloadOnSignal(
  app: App,
  loaded: LoadedConfig,
  { manager, command, stop }: { manager: ServiceManager; command: Command; stop(signal: StopSignal): void },
): void {
  const hadTerminal = isatty(STDIN)
  let current = loaded
  process.on('SIGHUP', () => {
    if (hadTerminal && !isatty(STDIN)) return stop('SIGHUP')
    manager.reloading()
    try {
      const { loaded: fresh, changed } = reloadConfig(current)
      current = fresh
      configureLogAs(fresh.config, command)
      app.reconfigure(withPorts(fresh.config, portsOf(app)))
      for (const { key, applied } of changed) {
        if (applied) log.info('setting reloaded', { key })
        else log.warn('setting changed, which counts from the next start on', { key })
      }
      log.info('configuration reloaded', { changed: changed.length })
    } catch (error) {
      log.error('configuration not reloaded, the old one stays in use', { error })
    }
    manager.ready()
  })
}

/** Where the server listens, which a reload does not change. */
function portsOf({ config: { port, embeddedPlc } }: App) {
  return { port, ...(embeddedPlc && { plcPort: embeddedPlc.port }) }
}

/** Says where the server is: as data for `--json`, to people what to try next, and in the log. */
function announce(app: App, { port, plcPort }: RunningServer, command: Command): void {
  const { config, layout } = app
  log.info('ready', { version, url: config.publicUrl, port, data: config.dataDirectory })
  if (globalOptionsOf(command).json) {
    const { publicUrl: url, dataDirectory } = config
    const ready = { url, port, plcPort, dataDirectory, adminSocket: layout.adminSocket, pid: process.pid }
    printText(JSON.stringify(ready))
  } else if (config.dev) {
    printText(welcome(config))
  }
}
