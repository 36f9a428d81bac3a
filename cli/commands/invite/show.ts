import { Command } from 'commander'
import { connect } from '#cli/context.ts'
import { inviteRow, inviteShape } from '#cli/invites.ts'
import { printOne } from '#cli/output.ts'

export const show = new Command('show')
  .description('show one invite code and who used it')
  .argument('<code>')
  .action(async (code: string, _options: object, command: Command) => {
    await using pds = await connect(command)
    const { code: invite } = await pds.call('host.locus.invite.show', { code })
    await printOne(command, inviteRow(invite), {
      ...inviteShape,
      fields: [...inviteShape.fields, { key: 'usedBy', title: 'used by' }],
    })
  })
