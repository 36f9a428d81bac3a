import { readableAccount } from '#account/availability.ts'
import { publicOrBarredOwner } from '#auth/policies.ts'
import { isOwnerOrOperator } from '#auth/principal.ts'
import { com } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'

export const getRepo = implement(com.atproto.sync.getRepo, {
  auth: publicOrBarredOwner,
  rateLimit: 'get-repo',
  async handle({ app, principal, params }) {
    const { did } = readableAccount(app.accounts, params.did, (owner) => isOwnerOrOperator(principal, owner))
    return { encoding: 'application/vnd.ipld.car', body: await app.repos.export(did, params.since) }
  },
})
