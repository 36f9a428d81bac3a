import { readableAccount } from '#account/availability.ts'
import { publicOrOwner } from '#auth/policies.ts'
import { isOwnerOrOperator } from '#auth/principal.ts'
import { com } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'

export const getRecord = implement(com.atproto.sync.getRecord, {
  auth: publicOrOwner,
  handle({ app, principal, params }) {
    const { did } = readableAccount(app.accounts, params.did, (owner) => isOwnerOrOperator(principal, owner))
    return {
      encoding: 'application/vnd.ipld.car',
      body: app.repos.proof(did, `${params.collection}/${params.rkey}`),
    }
  },
})
