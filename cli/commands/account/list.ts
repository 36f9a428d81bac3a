import { Command, Option } from 'commander'
import { type AccountView, accountShape } from '#cli/accounts.ts'
import { type Connection, connect } from '#cli/context.ts'
import { positiveInteger } from '#cli/options.ts'
import { note, printList } from '#cli/output.ts'
import type { ParamsOf } from '#lexicon/index.ts'

const PAGE = 500

type Filter = Pick<ParamsOf<'host.locus.account.list'>, 'search' | 'status'>

export const list = new Command('list')
  .description('list accounts, oldest first')
  .option('--search <text>', 'only those with this in their handle, e-mail address or DID')
  .addOption(
    new Option('--status <status>', 'only those').choices([
      'active',
      'deactivated',
      'takendown',
      'suspended',
    ]),
  )
  .addOption(new Option('--limit <count>', 'at most so many').argParser(positiveInteger).default(100))
  .addOption(new Option('--all', 'no limit').conflicts('limit'))
  .addHelpText(
    'after',
    '\nExamples:\n  locus account list --status deactivated --all\n  locus account list --all -q | locus repo verify -',
  )
  .action(async (options: Filter & { limit: number; all?: true }, command: Command) => {
    await using pds = await connect(command)
    const { limit, all, ...filter } = options
    await printList(command, accounts(pds, filter, all ? Number.POSITIVE_INFINITY : limit), accountShape)
  })

async function* accounts(pds: Connection, filter: Filter, limit: number): AsyncGenerator<AccountView> {
  let left = limit
  let cursor: string | undefined
  do {
    const page = await pds.call('host.locus.account.list', { ...filter, limit: Math.min(PAGE, left), cursor })
    yield* page.accounts
    left -= page.accounts.length
    cursor = page.cursor
  } while (cursor && left > 0)
  if (cursor) note(`there are more than ${limit}: see --limit and --all`)
}
