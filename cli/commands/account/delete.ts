import { Command } from 'commander'
import { accounts, findAccount, printForEachAccount } from '#cli/accounts.ts'
import { connect } from '#cli/context.ts'
import { note, type Shape } from '#cli/output.ts'
import { confirmByName } from '#cli/prompts.ts'

const shape: Shape<{ did: string; handle: string }> = {
  id: (account) => account.did,
  fields: [{ key: 'did', title: 'DID' }],
}

export const remove = new Command('delete')
  .description('delete accounts with their repositories, for good')
  .argument(...accounts)
  .addHelpText(
    'after',
    '\nAsks for each handle to be typed; --yes skips that. A copy first: locus export-car <account>',
  )
  .action(async (names: string[], _options: object, command: Command) => {
    await using pds = await connect(command)
    await printForEachAccount(command, names, shape, async (name) => {
      const { account } = await findAccount(pds, name)
      const what = `This deletes ${account.handle} (${account.did}), its repository and its signing key, for good.`
      await confirmByName(command, what, account.handle)
      await pds.call('com.atproto.admin.deleteAccount', { did: account.did })
      note(`deleted ${account.handle}`)
      return { did: account.did, handle: account.handle }
    })
  })
