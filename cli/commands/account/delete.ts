import { Command } from 'commander'
import { accounts, findAccount, forEachAccount } from '#cli/accounts.ts'
import { connect } from '#cli/context.ts'
import { note, print } from '#cli/output.ts'
import { confirmByName } from '#cli/prompts.ts'

export const remove = new Command('delete')
  .description('delete accounts with their repositories, for good')
  .argument(...accounts)
  .addHelpText(
    'after',
    '\nAsks for each handle to be typed; --yes skips that. A copy first: locus export-car <account>',
  )
  .action(async (names: string[], _options: object, command: Command) => {
    await using pds = await connect(command)
    const deleted = forEachAccount(names, async (name) => {
      const { account } = await findAccount(pds, name)
      const what = `This deletes ${account.handle} (${account.did}), its repository and its signing key, for good.`
      await confirmByName(command, what, account.handle)
      await pds.call('com.atproto.admin.deleteAccount', { did: account.did })
      note(`deleted ${account.handle}`)
      return account.did
    })
    for await (const did of deleted) print(command, [did])
  })
