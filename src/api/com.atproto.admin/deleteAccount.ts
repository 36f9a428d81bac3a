import { operator } from '#auth/policies.ts'
import { com } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'

export const deleteAccount = implement(com.atproto.admin.deleteAccount, {
  auth: operator,
  async handle({ app, input }) {
    await app.removal.delete(input.did)
  },
})
