import { inviteCodeView } from '#api/account-view.ts'
import { moderator } from '#auth/policies.ts'
import { com } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'

export const getInviteCodes = implement(com.atproto.admin.getInviteCodes, {
  auth: moderator,
  handle({ app, params }) {
    const { codes, cursor } = app.invites.list(params)
    return { cursor, codes: codes.map(inviteCodeView) }
  },
})
