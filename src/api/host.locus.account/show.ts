import { UnknownAccountError } from '#account/errors.ts'
import { operator } from '#auth/policies.ts'
import { host } from '#lexicon/index.ts'
import { formatCid } from '#repo/cid.ts'
import { implement } from '#xrpc/implement.ts'
import { accountView } from './account-view.ts'

export const show = implement(host.locus.account.show, {
  auth: operator,
  handle({ app, params }) {
    const account = app.accounts.find(params.account.replace(/^@/, ''))
    if (!account) throw new UnknownAccountError()
    const { rev, cid } = app.repos.head(account.did)
    const signingKey = app.keys.load(account.did).did
    return { account: accountView(account), repo: { rev, commit: formatCid(cid), signingKey } }
  },
})
