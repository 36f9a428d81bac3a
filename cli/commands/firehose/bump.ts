import { Command, Option } from 'commander'
import { connect } from '#cli/context.ts'
import { positiveInteger } from '#cli/options.ts'
import { printOne } from '#cli/output.ts'
import { confirm } from '#cli/prompts.ts'

export const bump = new Command('bump')
  .description('let event numbers jump ahead, after a loss of the log')
  .addOption(
    new Option('--to <seq>', 'the next event has a number above it')
      .argParser(positiveInteger)
      .makeOptionMandatory(),
  )
  .addHelpText(
    'after',
    '\nWhere relays are configured the server does this by itself, with: locus relay heal --yes\n' +
      'Numbers never go back.',
  )
  .action(async ({ to }: { to: number }, command: Command) => {
    await confirm(command, `Event numbers go on above ${to}, and never go back. Go on?`)
    await using pds = await connect(command)
    const bumped = await pds.call('host.locus.firehose.bump', { to })
    await printOne(command, bumped, {
      id: (row) => String(row.lastSeq),
      fields: [{ key: 'lastSeq', title: 'last number' }],
    })
  })
