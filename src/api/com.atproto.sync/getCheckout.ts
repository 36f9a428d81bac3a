import { readableAccount } from '#account/availability.ts'
import { publicOrOwner } from '#auth/policies.ts'
import { isOwnerOrOperator } from '#auth/principal.ts'
import { com } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'

/** Deprecated; the same as `getRepo` of the whole repository. */
export const getCheckout = implement(com.atproto.sync.getCheckout, {
  auth: publicOrOwner,
  rateLimit: 'get-repo',
  async handle({ app, principal, params }) {
    const { did } = readableAccount(app.accounts, params.did, (owner) => isOwnerOrOperator(principal, owner))
    return { encoding: 'application/vnd.ipld.car', body: await app.repos.export(did) }
  },
})
