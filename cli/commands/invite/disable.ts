import { Command } from 'commander'
import { findAccount } from '#cli/accounts.ts'
import { connect } from '#cli/context.ts'
import { usageError } from '#cli/errors.ts'
import { note } from '#cli/output.ts'

export const disable = new Command('disable')
  .description('disable invite codes; accounts that they made stay')
  .argument('[code...]', 'codes')
  .option('--all-for <account>', 'all codes of this account')
  .action(async (codes: string[], { allFor }: { allFor?: string }, command: Command) => {
    if (codes.length === 0 && allFor === undefined)
      throw usageError('name codes, or an account with --all-for')
    await using pds = await connect(command)
    for (const code of codes) await pds.call('host.locus.invite.show', { code }) // a mistyped one is an error
    const owner = allFor === undefined ? null : (await findAccount(pds, allFor)).account
    await pds.call('com.atproto.admin.disableInviteCodes', { codes, accounts: owner ? [owner.did] : [] })
    if (codes.length > 0) note(`disabled ${codes.join(', ')}`)
    if (owner) note(`disabled all codes of ${owner.handle}`)
  })
