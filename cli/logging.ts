import type { Command } from 'commander'
import { globalOptionsOf } from '#cli/options.ts'
import type { Config } from '#config/config.ts'
import { configureLog, type LogLevel } from '#telemetry/log.ts'

/** The level of the log that -v and -vv ask for, or `otherwise`. */
export function logLevelOf(command: Command, otherwise: LogLevel): LogLevel {
  const { verbose = 0 } = globalOptionsOf(command)
  return verbose > 1 ? 'debug' : verbose > 0 ? 'info' : otherwise
}

/** Logs as the settings say, and as much as -v asks for. */
export function configureLogAs({ log: { level, format } }: Config, command: Command): void {
  const auto = process.stderr.isTTY ? 'text' : 'json'
  configureLog({ level: logLevelOf(command, level), format: format === 'auto' ? auto : format })
}
