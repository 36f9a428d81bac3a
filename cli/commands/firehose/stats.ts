import { Command } from 'commander'
import { connect } from '#cli/context.ts'
import { printOne } from '#cli/output.ts'
import type { OutputOf } from '#lexicon/index.ts'

type Stats = OutputOf<'host.locus.firehose.stats'>

export const stats = new Command('stats')
  .description('show what is in the event log, and who listens')
  .action(async (_options: object, command: Command) => {
    await using pds = await connect(command)
    const found = await pds.call('host.locus.firehose.stats')
    await printOne(
      command,
      { ...found, ...countsOf(found) },
      {
        id: (row) => String(row.lastSeq),
        fields: [
          { key: 'firstSeq', title: 'oldest event' },
          { key: 'firstTime', title: 'its time', kind: 'time' },
          { key: 'lastSeq', title: 'last event' },
          { key: 'prunedThrough', title: 'dropped through' },
          { key: 'windowSeconds', title: 'seconds kept', kind: 'number' },
          { key: 'commits', kind: 'number' },
          { key: 'syncs', kind: 'number' },
          { key: 'identities', kind: 'number' },
          { key: 'accounts', title: 'account states', kind: 'number' },
          { key: 'lastDay', title: 'events in 24 hours', kind: 'number' },
          { key: 'thisHour', title: 'events in this hour', kind: 'number' },
          { key: 'fileBytes', title: 'size of the log', kind: 'bytes' },
          { key: 'freeBytes', title: 'free in it', kind: 'bytes' },
          { key: 'atHead', title: 'consumers at the head', kind: 'number' },
          { key: 'behind', title: 'consumers behind', kind: 'number' },
          { key: 'held', title: 'consumers held', kind: 'number' },
        ],
      },
    )
  })

function countsOf({ kinds }: Stats) {
  const of = (name: string) => kinds.find(({ kind }) => kind === name)?.events ?? 0
  return {
    commits: of('commit'),
    syncs: of('sync'),
    identities: of('identity'),
    accounts: of('account'),
    lastDay: kinds.reduce((sum, { lastDay }) => sum + lastDay, 0),
    thisHour: kinds.reduce((sum, { thisHour }) => sum + thisHour, 0),
  }
}
