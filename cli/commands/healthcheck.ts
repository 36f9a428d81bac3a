import { Command } from 'commander'
import { connectToRunning } from '#cli/context.ts'
import { CommandError, exitCodes } from '#cli/errors.ts'
import { messageOf } from '#std/errors.ts'

export const healthcheck = new Command('healthcheck')
  .description('exit with 0 when the server answers and is well, else with 1')
  .action(async (_options: object, command: Command) => {
    const fault = await faultOf(command).catch(messageOf)
    if (fault !== null) throw new CommandError(fault, exitCodes.failed)
  })

/** What is wrong with the server, or null. */
async function faultOf(command: Command): Promise<string | null> {
  await using pds = await connectToRunning(command)
  if (!pds) return 'no server runs on this data directory'
  const response = await pds.get('/xrpc/_health')
  return response.ok ? null : `the server is not well: ${await response.text()}`
}
