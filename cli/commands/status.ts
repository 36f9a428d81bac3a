import { Command } from 'commander'
import { connect } from '#cli/context.ts'
import { printOne } from '#cli/output.ts'

export const status = new Command('status')
  .description('show how the server is')
  .action(async (_options: object, command: Command) => {
    await using pds = await connect(command)
    const server = await pds.call('host.locus.server.status')
    await printOne(
      command,
      { running: pds.door !== 'in-process', ...server },
      {
        id: (row) => row.serviceDid,
        fields: [
          { key: 'running', kind: 'flag' },
          { key: 'version' },
          { key: 'publicUrl', title: 'address' },
          { key: 'serviceDid', title: 'service DID' },
          { key: 'dataDirectory', title: 'data directory' },
          { key: 'startedAt', title: 'started', kind: 'time' },
          { key: 'accounts', kind: 'number' },
          { key: 'seq', title: 'last event' },
        ],
      },
    )
  })
