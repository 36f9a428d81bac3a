import { operator } from '#auth/policies.ts'
import { host } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'
import { accountView } from './account-view.ts'

export const list = implement(host.locus.account.list, {
  auth: operator,
  handle({ app, params }) {
    const { accounts, cursor } = app.accounts.list(params)
    return { accounts: accounts.map(accountView), ...(cursor !== undefined && { cursor }) }
  },
})
