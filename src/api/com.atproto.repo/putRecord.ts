import { ownRepo } from '#auth/own-repo.ts'
import { signedIn } from '#auth/policies.ts'
import { com } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'
import { optionalCid } from '../cid-parameter.ts'
import { commitMeta, recordMeta } from './write-answer.ts'

export const putRecord = implement(com.atproto.repo.putRecord, {
  auth: signedIn(), // the state of the account is looked at with its repository
  rateLimit: { limit: 'repo-write', points: 2 },
  bodyLimit: (config) => config.bodyLimits.records,
  async handle({ app, principal, input }) {
    const { repo, collection, rkey, record, validate } = input
    const did = ownRepo(app.accounts, principal, repo)
    const swapRecord = input.swapRecord === null ? null : optionalCid(input.swapRecord, 'swapRecord')
    const result = await app.records.writeOne(
      did,
      { action: 'put', collection, rkey, record, swapRecord },
      {
        validate,
        swapCommit: optionalCid(input.swapCommit, 'swapCommit'),
      },
    )
    return { ...recordMeta(did, result.record), ...commitMeta(result) }
  },
})
