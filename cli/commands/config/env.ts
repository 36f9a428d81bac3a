import { Command } from 'commander'
import { addConfigOptions, readConfigOf } from '#cli/config-options.ts'
import { globalOptionsOf } from '#cli/options.ts'
import { printText } from '#cli/output.ts'
import { HIDDEN, shownValue } from '#cli/setting-rows.ts'
import { ConfigError } from '#config/errors.ts'
import { asWords } from '#config/kinds.ts'
import type { ReadSetting } from '#config/reader.ts'
import { fileVariableOf } from '#config/setting.ts'

export const env = addConfigOptions(
  new Command('env').description('print the settings as LOCUS_* variables, for a file of an environment'),
)
  .option('--all', 'also those that are at their default')
  .addHelpText('after', '\nExample:\n  locus config env --env-file /pds/pds.env > locus.env')
  .action(async ({ all }: { all?: true }, command: Command) => {
    const { settings, faults } = await readConfigOf(command)
    const { showSecret } = globalOptionsOf(command)
    const lines = settings
      .filter(({ value, origin }) => value !== null && (all || origin !== 'default'))
      .map((read) => lineOf(read, showSecret === true))
    if (lines.length > 0) printText(lines.join('\n'))
    if (faults.length > 0) throw new ConfigError(faults)
  })

/** A secret that is in a file is referred to; another is left out, unless it is asked for. */
function lineOf({ setting, value, secretFile }: ReadSetting, showSecret: boolean): string {
  if (setting.secret && secretFile !== null) return `${fileVariableOf(setting)}=${quotedForShell(secretFile)}`
  if (setting.secret && !showSecret) return `# ${setting.variable}=${HIDDEN}`
  return `${setting.variable}=${quotedForShell(asWords(shownValue(setting, value, true) ?? ''))}`
}

/** As a shell reads it; docker agrees where no quotes are needed. */
function quotedForShell(text: string): string {
  return /^[\w@%+=:,./[\]-]*$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
