import { moderator } from '#auth/policies.ts'
import { com } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'

export const disableInviteCodes = implement(com.atproto.admin.disableInviteCodes, {
  auth: moderator,
  handle({ app, input }) {
    app.invites.disable({ codes: input.codes ?? [], accounts: input.accounts ?? [] })
  },
})
