import { Command } from 'commander'
import { connect } from '#cli/context.ts'
import { CommandError, exitCodes } from '#cli/errors.ts'
import { note, printList } from '#cli/output.ts'

export const crawl = new Command('crawl')
  .description('ask relays to crawl the server')
  .argument('[relay...]', 'host names or URLs of relays; those of the configuration unless given')
  .action(async (relays: string[], _options: object, command: Command) => {
    await using pds = await connect(command)
    const { outcomes } = await pds.call('host.locus.relay.crawl', relays.length > 0 ? { relays } : {})
    if (outcomes.length === 0) note('no relays are configured: name one, or set crawlers')
    await printList(command, outcomes, {
      id: (outcome) => outcome.relay,
      fields: [
        { key: 'relay' },
        { key: 'ok', title: 'accepted', kind: 'flag' },
        { key: 'status' },
        { key: 'message' },
      ],
    })
    const failed = outcomes.filter(({ ok }) => !ok).length
    if (failed === 0) return
    const exitCode = failed < outcomes.length ? exitCodes.partial : exitCodes.upstream
    throw new CommandError(`${failed} of ${outcomes.length} relays did not accept it`, exitCode)
  })
