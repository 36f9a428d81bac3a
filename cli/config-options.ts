/** The options that say where a configuration comes from, beside those that every command has. */
import type { Command } from 'commander'
import { flagsOf } from '#cli/context.ts'
import { collect } from '#cli/options.ts'
import type { ConfigReading } from '#config/load.ts'
import type { Flags } from '#config/sources.ts'

/** `flagsOf` reads them. */
export function addConfigOptions(command: Command): Command {
  return command
    .option('--dev', 'as a development server')
    .option('--set <key=value>', 'a setting, over all else; may be given several times', collect)
}

/** Reads the configuration that a server would run with, and writes nothing. */
export async function readConfigOf(command: Command, flags: Flags = {}): Promise<ConfigReading> {
  const { readConfig } = await import('#config/load.ts')
  return readConfig({ flags: { ...flagsOf(command), ...flags } })
}
