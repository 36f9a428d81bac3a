import { ownRepo } from '#auth/own-repo.ts'
import { signedIn } from '#auth/policies.ts'
import { com, type InputOf } from '#lexicon/index.ts'
import type { Did } from '#lexicon/strings.ts'
import type { RecordWrite, WriteOutcome } from '#records/write.ts'
import { implement } from '#xrpc/implement.ts'
import { optionalCid } from '../cid-parameter.ts'
import { commitMeta, recordMeta } from './write-answer.ts'

type Write = InputOf<'com.atproto.repo.applyWrites'>['writes'][number]

const POINTS: Record<Write['$type'], number> = {
  'com.atproto.repo.applyWrites#create': 3,
  'com.atproto.repo.applyWrites#update': 2,
  'com.atproto.repo.applyWrites#delete': 1,
}

export const applyWrites = implement(com.atproto.repo.applyWrites, {
  auth: signedIn(), // the state of the account is looked at with its repository
  rateLimit: {
    limit: 'repo-write',
    points: ({ input }) => input.writes.reduce((sum, { $type }) => sum + POINTS[$type], 0),
  },
  bodyLimit: (config) => config.bodyLimits.records,
  async handle({ app, principal, input }) {
    const did = ownRepo(app.accounts, principal, input.repo)
    const writes = input.writes.map((write, i): RecordWrite => {
      const { collection, rkey } = write
      const place = ['writes', i, 'record']
      if (write.$type === 'com.atproto.repo.applyWrites#create') {
        return { action: 'create', collection, rkey, record: write.value, place }
      }
      if (write.$type === 'com.atproto.repo.applyWrites#update') {
        return { action: 'update', collection, rkey: write.rkey, record: write.value, place }
      }
      return { action: 'delete', collection, rkey: write.rkey }
    })
    const result = await app.records.write(did, writes, {
      validate: input.validate,
      swapCommit: optionalCid(input.swapCommit, 'swapCommit'),
    })
    return { ...commitMeta(result), results: result.results.map((outcome) => resultOf(did, outcome)) }
  },
})

function resultOf(did: Did, outcome: WriteOutcome) {
  if (outcome.action === 'delete') return { $type: 'com.atproto.repo.applyWrites#deleteResult' as const }
  const record = recordMeta(did, outcome)
  return outcome.action === 'create'
    ? { $type: 'com.atproto.repo.applyWrites#createResult' as const, ...record }
    : { $type: 'com.atproto.repo.applyWrites#updateResult' as const, ...record }
}
