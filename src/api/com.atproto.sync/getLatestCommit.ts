import { readableAccount } from '#account/availability.ts'
import { publicOrOwner } from '#auth/policies.ts'
import { isOwnerOrOperator } from '#auth/principal.ts'
import { com } from '#lexicon/index.ts'
import { formatCid } from '#repo/cid.ts'
import { implement } from '#xrpc/implement.ts'

export const getLatestCommit = implement(com.atproto.sync.getLatestCommit, {
  auth: publicOrOwner,
  handle({ app, principal, params }) {
    const { did } = readableAccount(app.accounts, params.did, (owner) => isOwnerOrOperator(principal, owner))
    const { cid, rev } = app.repos.head(did)
    return { cid: formatCid(cid), rev }
  },
})
