import { ownRepo } from '#auth/own-repo.ts'
import { signedIn } from '#auth/policies.ts'
import { com } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'
import { optionalCid } from '../cid-parameter.ts'
import { commitMeta } from './write-answer.ts'

export const deleteRecord = implement(com.atproto.repo.deleteRecord, {
  auth: signedIn(), // the state of the account is looked at with its repository
  rateLimit: { limit: 'repo-write', points: 1 },
  async handle({ app, principal, input }) {
    const { repo, collection, rkey } = input
    const did = ownRepo(app.accounts, principal, repo)
    const swapRecord = optionalCid(input.swapRecord, 'swapRecord')
    const result = await app.records.write(did, [{ action: 'discard', collection, rkey, swapRecord }], {
      swapCommit: optionalCid(input.swapCommit, 'swapCommit'),
    })
    return commitMeta(result)
  },
})
