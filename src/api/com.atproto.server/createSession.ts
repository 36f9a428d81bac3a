import { sessionView } from '#api/session-view.ts'
import { anyone } from '#auth/policies.ts'
import { com } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'

export const createSession = implement(com.atproto.server.createSession, {
  auth: anyone,
  rateLimit: 'create-session',
  async handle({ app, input }) {
    const { account, accessJwt, refreshJwt } = await app.logIns.logIn(input)
    return { accessJwt, refreshJwt, ...(await sessionView(app, account)) }
  },
})
