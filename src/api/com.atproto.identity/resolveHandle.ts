import { anyone } from '#auth/policies.ts'
import { com } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'

export const resolveHandle = implement(com.atproto.identity.resolveHandle, {
  auth: anyone,
  async handle({ app, params }) {
    return { did: await app.handles.resolve(params.handle) }
  },
})
