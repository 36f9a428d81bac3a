import { readableAccount } from '#account/availability.ts'
import { publicOrOwner } from '#auth/policies.ts'
import { isOwnerOrOperator } from '#auth/principal.ts'
import { com } from '#lexicon/index.ts'
import { BlocksNotFoundError } from '#records/errors.ts'
import { parseCid } from '#repo/cid.ts'
import { InvalidRequestError } from '#std/errors.ts'
import { implement } from '#xrpc/implement.ts'

const MAX_CIDS = 200

export const getBlocks = implement(com.atproto.sync.getBlocks, {
  auth: publicOrOwner,
  async handle({ app, principal, params }) {
    const { did } = readableAccount(app.accounts, params.did, (owner) => isOwnerOrOperator(principal, owner))
    if (params.cids.length > MAX_CIDS) throw new InvalidRequestError(`Too many CIDs. Max: ${MAX_CIDS}`)
    const cids = params.cids.map((text) => {
      const cid = parseCid(text)
      if (!cid) throw new BlocksNotFoundError([text]) // of a form that no block here has
      return cid
    })
    return { encoding: 'application/vnd.ipld.car', body: await app.repos.blocks(did, cids) }
  },
})
