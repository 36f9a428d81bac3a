import { operator } from '#auth/policies.ts'
import { type DefinitionByRef, host } from '#lexicon/index.ts'
import type { Tally } from '#sequencer/event-tally.ts'
import { DAY, HOUR, SECOND } from '#std/clock.ts'
import { implement } from '#xrpc/implement.ts'

type KindCount = DefinitionByRef['host.locus.firehose.stats#kindCount']

export const stats = implement(host.locus.firehose.stats, {
  auth: operator,
  handle({ app: { sequencer, firehose, upkeep, clock } }) {
    const oldest = sequencer.oldest()
    const { pages, free, pageBytes } = sequencer.size()
    return {
      ...(oldest && { firstSeq: oldest.seq, firstTime: new Date(oldest.time).toISOString() }),
      lastSeq: sequencer.lastSeq,
      prunedThrough: sequencer.prunedThrough,
      windowSeconds: Math.round(upkeep.windowMs / SECOND),
      fileBytes: pages * pageBytes,
      freeBytes: free * pageBytes,
      ...firehose.counts,
      kinds: countsByKind(sequencer.tally.all(), clock.now()),
    }
  },
})

function countsByKind(tallies: readonly Tally[], now: number): KindCount[] {
  const kinds = Map.groupBy(tallies, ({ kind }) => kind)
  return [...kinds].map(([kind, hours]) => ({
    kind,
    events: sum(hours, ({ events }) => events),
    bytes: sum(hours, ({ bytes }) => bytes),
    lastDay: sum(hours, ({ hour, events }) => (hour > now - DAY ? events : 0)),
    thisHour: sum(hours, ({ hour, events }) => (hour > now - HOUR ? events : 0)),
  }))
}

function sum(tallies: readonly Tally[], of: (tally: Tally) => number): number {
  return tallies.reduce((total, tally) => total + of(tally), 0)
}
