import { Command } from 'commander'
import { connectToRunning } from '#cli/context.ts'
import { CommandError, exitCodes } from '#cli/errors.ts'

export const healthcheck = new Command('healthcheck')
  .description('exit with 0 when the server answers and is well, else with 1')
  .action(async (_options: object, command: Command) => {
    await using pds = await connectToRunning(command)
    if (!pds) throw new CommandError('no server runs on this data directory', exitCodes.failed)
    const response = await pds.get('/xrpc/_health')
    if (!response.ok)
      throw new CommandError(`the server is not well: ${await response.text()}`, exitCodes.failed)
  })
