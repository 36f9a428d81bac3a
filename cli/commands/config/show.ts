import { Command } from 'commander'
import { addConfigOptions, readConfigOf } from '#cli/config-options.ts'
import { globalOptionsOf } from '#cli/options.ts'
import { printList } from '#cli/output.ts'
import { namedSetting, settingRow } from '#cli/setting-rows.ts'
import { ConfigError } from '#config/errors.ts'

interface ShowOptions {
  readonly origin?: true
  readonly changed?: true
}

export const show = addConfigOptions(
  new Command('show')
    .description('print the settings in use; secrets as ***')
    .argument('[key...]', 'settings or their variables; all when none is given'),
)
  .option('--origin', 'with where each value comes from')
  .option('--changed', 'only those that something sets')
  .addHelpText(
    'after',
    '\nExamples:\n  locus config show --origin\n  locus config show hostname PDS_PORT\n  locus config show --changed --origin --env-file /pds/pds.env',
  )
  .action(async (names: string[], options: ShowOptions, command: Command) => {
    const { settings, faults } = await readConfigOf(command)
    const named = names.length > 0 ? names.map((name) => namedSetting(settings, name)) : settings
    const wanted = options.changed ? named.filter(({ origin }) => origin !== 'default') : named
    const { showSecret } = globalOptionsOf(command)
    const rows = wanted.map((read) => {
      const { origin, from, ...row } = settingRow(read, showSecret === true)
      return options.origin ? { ...row, origin, from } : row
    })
    await printList<{ key: string; value: unknown; from?: string }>(command, rows, {
      id: (row) => row.key,
      fields: [{ key: 'key' }, { key: 'value' }, ...(options.origin ? [{ key: 'from' } as const] : [])],
    })
    if (faults.length > 0) throw new ConfigError(faults)
  })
