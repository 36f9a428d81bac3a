import { sessionView } from '#api/session-view.ts'
import { refreshToken } from '#auth/policies.ts'
import { com } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'

export const refreshSession = implement(com.atproto.server.refreshSession, {
  auth: refreshToken(),
  async handle({ app, principal }) {
    const { account, accessJwt, refreshJwt } = await app.logIns.refresh(principal.did, principal.tokenId)
    return { accessJwt, refreshJwt, ...(await sessionView(app, account)) }
  },
})
