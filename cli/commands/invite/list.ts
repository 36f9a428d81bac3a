import { Command } from 'commander'
import { findAccount } from '#cli/accounts.ts'
import { type Connection, connect } from '#cli/context.ts'
import { type InviteRow, inviteRow, inviteShape } from '#cli/invites.ts'
import { printList } from '#cli/output.ts'

interface ListOptions {
  readonly open?: true
  readonly usedBy?: string
}

export const list = new Command('list')
  .description('list invite codes, newest first')
  .option('--open', 'only those that can still be used')
  .option('--used-by <account>', 'only those that this account was made with')
  .action(async (options: ListOptions, command: Command) => {
    await using pds = await connect(command)
    const user = options.usedBy === undefined ? null : (await findAccount(pds, options.usedBy)).account.did
    const wanted = (invite: InviteRow) =>
      (!options.open || invite.status === 'open') && (user === null || invite.usedBy.includes(user))
    await printList(command, invites(pds, wanted), inviteShape)
  })

async function* invites(pds: Connection, wanted: (invite: InviteRow) => boolean): AsyncGenerator<InviteRow> {
  let cursor: string | undefined
  do {
    const page = await pds.call('com.atproto.admin.getInviteCodes', { sort: 'recent', limit: 500, cursor })
    yield* page.codes.map(inviteRow).filter(wanted)
    cursor = page.codes.length > 0 ? page.cursor : undefined
  } while (cursor)
}
