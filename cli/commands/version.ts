import { Command } from 'commander'
import { printOne } from '#cli/output.ts'
import { commit, version as number } from '#telemetry/version.ts'

export const version = new Command('version')
  .description('print which version this is')
  .action(async (_options: object, command: Command) => {
    const platform = `${process.platform}-${process.arch}`
    await printOne(
      command,
      { version: number, commit, bun: Bun.version, platform },
      {
        id: (row) => row.version,
        fields: [{ key: 'version' }, { key: 'commit' }, { key: 'bun' }, { key: 'platform' }],
      },
    )
  })
