import { readableAccount } from '#account/availability.ts'
import { publicOrBarredOwner } from '#auth/policies.ts'
import { isOwnerOrOperator } from '#auth/principal.ts'
import { com } from '#lexicon/index.ts'
import { BlobNotHereError } from '#records/errors.ts'
import { implement } from '#xrpc/implement.ts'

/** There is no storage of blobs yet, so none is ever here. */
export const getBlob = implement(com.atproto.sync.getBlob, {
  auth: publicOrBarredOwner,
  handle({ app, principal, params }) {
    readableAccount(app.accounts, params.did, (owner) => isOwnerOrOperator(principal, owner))
    throw new BlobNotHereError()
  },
})
