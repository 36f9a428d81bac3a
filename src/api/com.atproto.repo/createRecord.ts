import { ownRepo } from '#auth/own-repo.ts'
import { signedIn } from '#auth/policies.ts'
import { com } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'
import { optionalCid } from '../cid-parameter.ts'
import { commitMeta, recordMeta } from './write-answer.ts'

export const createRecord = implement(com.atproto.repo.createRecord, {
  auth: signedIn(), // the state of the account is looked at with its repository
  rateLimit: { limit: 'repo-write', points: 3 },
  bodyLimit: (config) => config.bodyLimits.records,
  async handle({ app, principal, input }) {
    const { repo, collection, rkey, record, validate } = input
    const did = ownRepo(app.accounts, principal, repo)
    const result = await app.records.writeOne(
      did,
      { action: 'create', collection, rkey, record },
      {
        validate,
        swapCommit: optionalCid(input.swapCommit, 'swapCommit'),
        replaceDuplicates: validate !== false,
      },
    )
    return { ...recordMeta(did, result.record), ...commitMeta(result) }
  },
})
