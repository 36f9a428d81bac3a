import { operator } from '#auth/policies.ts'
import { com } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'

export const updateAccountPassword = implement(com.atproto.admin.updateAccountPassword, {
  auth: operator,
  async handle({ app, input }) {
    await app.logIns.changePassword(input.did, input.password)
  },
})
