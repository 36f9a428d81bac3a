import { Command } from 'commander'
import { findAccount } from '#cli/accounts.ts'
import { connect } from '#cli/context.ts'
import { collect, positiveInteger } from '#cli/options.ts'
import { print } from '#cli/output.ts'

interface CreateOptions {
  readonly count: number
  readonly uses: number
  readonly for?: string[]
}

export const create = new Command('create')
  .description('make invite codes and print them')
  .option('-n, --count <count>', 'how many codes', positiveInteger, 1)
  .option('--uses <uses>', 'accounts that each code may create', positiveInteger, 1)
  .option('--for <account>', 'the account that may hand them out; may be repeated', collect)
  .addHelpText(
    'after',
    '\nExamples:\n  locus invite create -n 5\n  locus invite create --uses 20 --for @alice.test',
  )
  .action(async (options: CreateOptions, command: Command) => {
    await using pds = await connect(command)
    const owners = await Promise.all((options.for ?? []).map((name) => findAccount(pds, name)))
    const { codes } = await pds.call('com.atproto.server.createInviteCodes', {
      codeCount: options.count,
      useCount: options.uses,
      ...(owners.length > 0 ? { forAccounts: owners.map(({ account }) => account.did) } : {}),
    })
    print(
      command,
      codes.flatMap((entry) => entry.codes),
    )
  })
