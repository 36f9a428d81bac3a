import { Command } from 'commander'
import { addConfigOptions, readConfigOf } from '#cli/config-options.ts'
import { globalOptionsOf } from '#cli/options.ts'
import { printText } from '#cli/output.ts'
import { namedSetting, shownValue } from '#cli/setting-rows.ts'
import { ConfigError } from '#config/errors.ts'
import { asWords } from '#config/kinds.ts'

export const get = addConfigOptions(
  new Command('get')
    .description('print the value of one setting; a secret as *** without --show-secret')
    .argument('<key>', 'its key, such as email.from_address, or one of its variables'),
)
  .addHelpText('after', '\nExamples:\n  locus config get hostname\n  locus config get PDS_CRAWLERS --json')
  .action(async (name: string, _options: object, command: Command) => {
    const { settings, faults } = await readConfigOf(command)
    const { setting, value } = namedSetting(settings, name)
    const mine = faults.filter(({ key }) => key === setting.key)
    if (mine.length > 0) throw new ConfigError(mine)
    const { json, jsonl, showSecret } = globalOptionsOf(command)
    const shown = shownValue(setting, value, showSecret === true)
    if (json || jsonl) printText(JSON.stringify(shown))
    else printText(shown === null ? '' : asWords(shown))
  })
