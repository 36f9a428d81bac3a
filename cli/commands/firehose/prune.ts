import { Command } from 'commander'
import { connect } from '#cli/context.ts'
import { lengthOfTime } from '#cli/options.ts'
import { printOne } from '#cli/output.ts'
import { confirm } from '#cli/prompts.ts'

export const prune = new Command('prune')
  .description('drop old events from the log now, and give space back')
  .option('--older <age>', 'those older than this, instead of firehose.backfill_window', lengthOfTime)
  .addHelpText(
    'after',
    '\nThe server does this by itself every ten minutes. Consumers that have not read what is dropped\n' +
      'are told so when they come back, and fetch the repositories anew.',
  )
  .action(async ({ older }: { older?: number }, command: Command) => {
    if (older !== undefined)
      await confirm(command, 'Events are dropped that consumers may not have read. Go on?')
    await using pds = await connect(command)
    const input = older === undefined ? {} : { olderThanSeconds: Math.floor(older / 1000) }
    const pruned = await pds.call('host.locus.firehose.prune', input)
    await printOne(command, pruned, {
      id: (row) => String(row.prunedThrough),
      fields: [
        { key: 'events', title: 'events dropped', kind: 'number' },
        { key: 'prunedThrough', title: 'dropped through' },
        { key: 'fileBytes', title: 'size of the log', kind: 'bytes' },
      ],
    })
  })
