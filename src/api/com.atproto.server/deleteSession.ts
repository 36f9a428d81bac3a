import { refreshToken } from '#auth/policies.ts'
import { com } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'

export const deleteSession = implement(com.atproto.server.deleteSession, {
  auth: refreshToken({ expired: true }),
  handle({ app, principal }) {
    app.sessions.end(principal.did, principal.tokenId)
  },
})
