import { Command } from 'commander'
import { accounts, findAccount, forEachAccount } from '#cli/accounts.ts'
import { connect } from '#cli/context.ts'
import { printList, printOne, type Shape } from '#cli/output.ts'
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
    const found = forEachAccount(names, async (name) => flat(await findAccount(pds, name)))
    const [only] = names
    if (names.length > 1 || only === '-') return await printList(command, found, shape)
    for await (const account of found) await printOne(command, account, shape)
  })

function flat({ account, repo }: OutputOf<'host.locus.account.show'>) {
  return { ...account, ...repo }
}
