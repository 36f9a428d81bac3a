import { operator } from '#auth/policies.ts'
import { com } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'

export const createInviteCodes = implement(com.atproto.server.createInviteCodes, {
  auth: operator,
  handle({ app, input }) {
    const { codeCount, useCount, forAccounts } = input
    return { codes: app.invites.create({ count: codeCount, uses: useCount, forAccounts }) }
  },
})
