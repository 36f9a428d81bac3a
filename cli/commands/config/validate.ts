import { Command } from 'commander'
import { addConfigOptions, readConfigOf } from '#cli/config-options.ts'
import { CommandError, exitCodes } from '#cli/errors.ts'
import { isForPeople, note, printList, printText } from '#cli/output.ts'
import { faultText } from '#config/errors.ts'

interface Finding {
  readonly severity: 'fault' | 'warning'
  readonly key: string
  /** the flag, the variable, or file and line */
  readonly place: string
  readonly message: string
  readonly remedy: string | null
}

export const validate = addConfigOptions(
  new Command('validate')
    .description('say everything that is wrong with the configuration')
    .argument('[file]', "a locus.toml, if not the data directory's"),
)
  .addHelpText(
    'after',
    '\nExamples:\n  locus config validate\n  locus config validate new.toml && systemctl reload locus\n  locus config validate --env-file /pds/pds.env',
  )
  .action(async (file: string | undefined, _options: object, command: Command) => {
    const { faults, warnings } = await readConfigOf(command, file === undefined ? {} : { config: file })
    const findings: Finding[] = [
      ...faults.map(({ problem, ...fault }) => ({ severity: 'fault' as const, ...fault, message: problem })),
      ...warnings.map((warning) => ({ severity: 'warning' as const, ...warning, remedy: null })),
    ]
    if (isForPeople(command)) printText(forPeople(findings))
    else {
      await printList(command, findings, {
        id: (finding) => finding.key,
        fields: [
          { key: 'severity' },
          { key: 'key' },
          { key: 'place' },
          { key: 'message' },
          { key: 'remedy' },
        ],
      })
    }
    if (faults.length === 0) return note('a server can start with this configuration')
    throw new CommandError(
      faults.length === 1 ? 'there is a fault' : `there are ${faults.length} faults`,
      exitCodes.badConfiguration,
    )
  })

function forPeople(findings: readonly Finding[]): string {
  return findings
    .map(({ severity, key, place, message, remedy }) => {
      if (severity === 'fault')
        return `fault${faultText({ key, place, problem: message, remedy: remedy ?? '' })}`
      return `warning  ${place === key ? key : `${key} (${place})`}: ${message}`
    })
    .map((text) => `${text}\n`)
    .join('')
}
