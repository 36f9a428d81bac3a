import { statusOf } from '#account/accounts.ts'
import { anyone } from '#auth/policies.ts'
import { com } from '#lexicon/index.ts'
import { formatCid } from '#repo/cid.ts'
import { implement } from '#xrpc/implement.ts'

export const listRepos = implement(com.atproto.sync.listRepos, {
  auth: anyone,
  handle({ app, params: { limit, cursor } }) {
    const page = app.accounts.list({ limit, cursor })
    const repos = page.accounts.flatMap((account) => {
      const head = app.repos.findHead(account.did)
      if (!head) return []
      const status = statusOf(account)
      const state = status === 'active' ? { active: true } : { active: false, status }
      return { did: account.did, head: formatCid(head.cid), rev: head.rev, ...state }
    })
    return { ...(page.cursor !== undefined && { cursor: page.cursor }), repos }
  },
})
