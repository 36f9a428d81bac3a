import { operator } from '#auth/policies.ts'
import { host } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'

export const bump = implement(host.locus.firehose.bump, {
  auth: operator,
  handle({ app: { sequencer }, input: { to } }) {
    sequencer.bump(to)
    return { lastSeq: sequencer.lastSeq }
  },
})
