import { operator } from '#auth/policies.ts'
import { host } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'

export const verify = implement(host.locus.repo.verify, {
  auth: operator,
  handle: ({ app, params }) => app.repos.verify(params.did),
})
