import { Command } from 'commander'
import { findAccount, oneAccount } from '#cli/accounts.ts'
import { connect } from '#cli/context.ts'
import { addPasswordOptions, newPassword, type PasswordOptions } from '#cli/new-password.ts'
import { printOne } from '#cli/output.ts'

export const password = addPasswordOptions(
  new Command('password').description("set an account's password; its sessions end").argument(...oneAccount),
).action(async (name: string, options: PasswordOptions, command: Command) => {
  const secret = await newPassword(command, options)
  await using pds = await connect(command)
  const { account } = await findAccount(pds, name)
  await pds.call('com.atproto.admin.updateAccountPassword', { did: account.did, password: secret.text })
  await printOne(
    command,
    { did: account.did, handle: account.handle, ...(secret.generated ? { password: secret.text } : {}) },
    {
      id: (row) => row.did,
      fields: [
        { key: 'did', title: 'DID' },
        { key: 'handle' },
        ...(secret.generated ? [{ key: 'password', kind: 'secret' } as const] : []),
      ],
    },
  )
})
