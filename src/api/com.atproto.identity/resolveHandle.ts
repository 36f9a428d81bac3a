import { anyone } from '#auth/policies.ts'
import { com } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'
import { lookUpPermit } from '#xrpc/limiting.ts'

export const resolveHandle = implement(com.atproto.identity.resolveHandle, {
  auth: anyone,
  async handle({ app, params, request }) {
    return { did: await app.handles.resolve(params.handle, lookUpPermit(app.rateLimits, request)) }
  },
})
