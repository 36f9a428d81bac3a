import { readableAccount } from '#account/availability.ts'
import { publicOrBarredOwner } from '#auth/policies.ts'
import { isOwnerOrOperator } from '#auth/principal.ts'
import { com } from '#lexicon/index.ts'
import { formatCid } from '#repo/cid.ts'
import { implement } from '#xrpc/implement.ts'
import { optionalCid } from '../cid-parameter.ts'

/** Blobs that records refer to, whether or not their bytes are here. */
export const listBlobs = implement(com.atproto.sync.listBlobs, {
  auth: publicOrBarredOwner,
  async handle({ app, principal, params: { since, limit, ...params } }) {
    const { did } = readableAccount(app.accounts, params.did, (owner) => isOwnerOrOperator(principal, owner))
    const cursor = optionalCid(params.cursor, 'cursor')
    const cids = (await app.repos.blobs(did, { since, limit, cursor })).map(formatCid)
    const last = cids.at(-1)
    return { ...(last !== undefined && { cursor: last }), cids }
  },
})
