import { Command } from 'commander'
import { accounts, findAccount, printForEachAccount } from '#cli/accounts.ts'
import { connect } from '#cli/context.ts'
import { printOne, type Shape } from '#cli/output.ts'
import type { OutputOf } from '#lexicon/index.ts'

type Shown = ReturnType<typeof flat>

const shape: Shape<Shown> = {
  id: (account) => account.did,
  fields: [
    { key: 'did', title: 'DID' },
    { key: 'handle' },
    { key: 'email', title: 'e-mail' },
    { key: 'emailConfirmedAt', title: 'e-mail confirmed', kind: 'time' },
    { key: 'status' },
    { key: 'createdAt', title: 'created', kind: 'time' },
    { key: 'deactivatedAt', title: 'deactivated', kind: 'time' },
    { key: 'suspendedAt', title: 'suspended', kind: 'time' },
    { key: 'takedownRef', title: 'takedown' },
    { key: 'invitesDisabled', title: 'invites disabled', kind: 'flag' },
    { key: 'rev' },
    { key: 'commit' },
    { key: 'signingKey', title: 'signing key' },
  ],
}

export const show = new Command('show')
  .description('show what the server knows of accounts')
  .argument(...accounts)
  .addHelpText(
    'after',
    '\nExamples:\n  locus account show @alice.test\n  locus account show alice@example.com --json',
  )
  .action(async (names: string[], _options: object, command: Command) => {
    await using pds = await connect(command)
    const shown = async (name: string) => flat(await findAccount(pds, name))
    const [only = '-', ...others] = names
    if (only === '-' || others.length > 0) return await printForEachAccount(command, names, shape, shown)
    await printOne(command, await shown(only), shape)
  })

function flat({ account, repo }: OutputOf<'host.locus.account.show'>) {
  return { ...account, ...repo }
}
