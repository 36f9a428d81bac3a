import { either, operator, optional, serviceAuth } from '#auth/policies.ts'
import { com } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'

export const createAccount = implement(com.atproto.server.createAccount, {
  auth: optional(either(operator, serviceAuth)),
  rateLimit: 'create-account',
  async handle({ app, principal, input }) {
    const { did, handle, accessJwt, refreshJwt, didDocument } = await app.creation.create(input, {
      isOperator: principal.type === 'operator',
      provenDid: principal.type === 'service' ? principal.did : null,
    })
    return { handle, did, didDoc: didDocument ?? undefined, accessJwt, refreshJwt }
  },
})
