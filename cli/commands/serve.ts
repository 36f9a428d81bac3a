import { Command } from 'commander'
import { addConfigOptions, readConfigOf } from '#cli/config-options.ts'
import { flagsOf } from '#cli/context.ts'
import { exitCodes } from '#cli/errors.ts'
import { configureLogAs } from '#cli/logging.ts'
import { portNumber } from '#cli/options.ts'
import { note } from '#cli/output.ts'
import { ConfigError } from '#config/errors.ts'

export const serve = addConfigOptions(new Command('serve').description('run the server'))
  .option('--hostname <name>', 'the public name of the server')
  .option('-p, --port <port>', 'the port to listen on; 0 takes any free one', portNumber)
  .option('--listen <address>', 'the address to listen on, or unix:PATH')
  .option('--plc-port <port>', "the port of a development server's PLC directory", portNumber)
  .option('--check', 'only check the configuration')
  .addHelpText(
    'after',
    `
Examples:
  locus serve --dev                      try it out; everything is kept in ./locus-data
  locus serve --dev --data /tmp/a --port 3000
  locus serve --data /var/lib/locus      a server that locus init has set up
  locus serve --env-file /pds/pds.env    with the settings of an official PDS

SIGTERM ends it when the requests under way are done, a second one at once; SIGHUP reloads the configuration.`,
  )
  .action(async ({ check }: { check?: true }, command: Command) => {
    if (check) return await checkConfig(command)
    const { loadConfigReading } = await import('#config/load.ts')
    const loaded = loadConfigReading({ flags: flagsOf(command) })
    configureLogAs(loaded.config, command)
    const { runServer } = await import('#cli/server.ts')
    const signal = await runServer(loaded, command)
    if (signal === 'SIGINT') process.exitCode = exitCodes.interrupted
  })

/** What `locus config validate` tells at length. */
async function checkConfig(command: Command): Promise<void> {
  const { faults } = await readConfigOf(command)
  if (faults.length > 0) throw new ConfigError(faults)
  note('a server can start with this configuration')
}
