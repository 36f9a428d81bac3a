import { statusOf } from '#account/accounts.ts'
import { RepoNotFoundError } from '#actor/errors.ts'
import { anyone } from '#auth/policies.ts'
import { com } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'

export const getRepoStatus = implement(com.atproto.sync.getRepoStatus, {
  auth: anyone,
  handle({ app, params: { did } }) {
    const account = app.accounts.get(did)
    if (!account) throw new RepoNotFoundError(did)
    const status = statusOf(account)
    if (status !== 'active') return { did, active: false, status }
    return { did, active: true, rev: app.repos.head(did).rev }
  },
})
