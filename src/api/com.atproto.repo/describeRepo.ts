import { readableAccount } from '#account/availability.ts'
import { anyone } from '#auth/policies.ts'
import { claimedHandle } from '#identity/did-document.ts'
import { com } from '#lexicon/index.ts'
import { InvalidRequestError } from '#std/errors.ts'
import { implement } from '#xrpc/implement.ts'

export const describeRepo = implement(com.atproto.repo.describeRepo, {
  auth: anyone,
  async handle({ app, params }) {
    const { did, handle } = readableAccount(app.accounts, params.repo)
    const didDoc = await app.identity.resolveDid(did)
    if (!didDoc) throw new InvalidRequestError(`Could not resolve DID: ${did}`)
    return {
      handle: handle ?? 'handle.invalid',
      did,
      didDoc,
      collections: app.records.collections(did),
      handleIsCorrect: handle !== null && claimedHandle(didDoc) === handle,
    }
  },
})
