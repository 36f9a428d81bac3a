import { readableAccount } from '#account/availability.ts'
import { publicOrOwner } from '#auth/policies.ts'
import { isOwnerOrOperator } from '#auth/principal.ts'
import { com } from '#lexicon/index.ts'
import { formatCid } from '#repo/cid.ts'
import { implement } from '#xrpc/implement.ts'

/** Deprecated; `getLatestCommit` says more. */
export const getHead = implement(com.atproto.sync.getHead, {
  auth: publicOrOwner,
  handle({ app, principal, params }) {
    const { did } = readableAccount(app.accounts, params.did, (owner) => isOwnerOrOperator(principal, owner))
    return { root: formatCid(app.repos.head(did).cid) }
  },
})
