import type { Account } from '#account/accounts.ts'
import type { LastCrawl } from '#federation/crawlers.ts'
import type { RelayReport } from '#federation/healing.ts'
import type { CrawlOutcome } from '#federation/relay-client.ts'
import type { DefinitionByRef } from '#lexicon/index.ts'

type RelayView = DefinitionByRef['host.locus.relay.defs#relayView']
type CrawlOutcomeView = DefinitionByRef['host.locus.relay.defs#crawlOutcome']

/** A relay, and what it says of this host. Numbers that are none (they are the relay's) are only told of. */
export function relayView({ relay, answer, finding }: RelayReport): Omit<RelayView, 'lastCrawl'> {
  if (answer.kind === 'silent') return { relay, finding, message: answer.message }
  if (answer.kind === 'unknown') return { relay, finding }
  const { status, seq, accountCount } = answer
  return {
    relay,
    finding,
    ...(status !== null && { status }),
    ...(seq !== null && (Number.isSafeInteger(seq) ? { seq } : { message: `its last event is ${seq}` })),
    ...(accountCount !== null && { accountCount }),
  }
}

export function crawlView({ at, outcome }: LastCrawl): NonNullable<RelayView['lastCrawl']> {
  const { relay: _, ...told } = outcome ? crawlOutcomeView(outcome) : { relay: '' }
  return { at: new Date(at).toISOString(), ...told }
}

export function crawlOutcomeView({ relay, ok, status, message }: CrawlOutcome): CrawlOutcomeView {
  return { relay, ok, ...(status !== null && { status }), ...(message !== null && { message }) }
}

/** What accounts that relays hold otherwise have in common, whatever is done about them. */
export function differingAccountView<Finding extends string>(
  account: Pick<Account, 'did' | 'handle'>,
  found: { relay: string | null; finding: Finding; status: string | null },
) {
  const { relay, finding, status } = found
  return {
    did: account.did,
    handle: account.handle ?? 'handle.invalid',
    finding,
    ...(relay !== null && { relay }),
    ...(status !== null && { status }),
  }
}
