import { operator } from '#auth/policies.ts'
import { com } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'

export const createInviteCode = implement(com.atproto.server.createInviteCode, {
  auth: operator,
  handle({ app, input }) {
    return { code: app.invites.createOne({ uses: input.useCount, forAccount: input.forAccount }) }
  },
})
