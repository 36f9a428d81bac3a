import { operator } from '#auth/policies.ts'
import { host } from '#lexicon/index.ts'
import { SECOND } from '#std/clock.ts'
import { implement } from '#xrpc/implement.ts'

export const prune = implement(host.locus.firehose.prune, {
  auth: operator,
  async handle({ app: { sequencer, upkeep, storeSync }, input: { olderThanSeconds } }) {
    const windowMs = olderThanSeconds === undefined ? upkeep.windowMs : olderThanSeconds * SECOND
    await storeSync.flush() // what the stores do not have on disk is not dropped
    const events = await upkeep.prune(windowMs)
    const { pages, pageBytes } = sequencer.size()
    return { events, prunedThrough: sequencer.prunedThrough, fileBytes: pages * pageBytes }
  },
})
