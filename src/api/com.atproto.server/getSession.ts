import { sessionView } from '#api/session-view.ts'
import { signedIn } from '#auth/policies.ts'
import { com } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'

export const getSession = implement(com.atproto.server.getSession, {
  auth: signedIn({ signupQueued: 'accepted' }),
  handle({ app, principal }) {
    return sessionView(app, app.logIns.accountOf(principal.did))
  },
})
