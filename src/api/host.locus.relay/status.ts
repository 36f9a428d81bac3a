import type { App } from '#app.ts'
import { operator } from '#auth/policies.ts'
import type { Discrepancy } from '#federation/discrepancies.ts'
import { DEFAULT_ACCOUNT_LIMIT } from '#federation/event-pace.ts'
import { type DefinitionByRef, host } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'
import { crawlView, differingAccountView, relayView } from './relay-view.ts'

const MAX_DISCREPANCIES = 1000

export const status = implement(host.locus.relay.status, {
  auth: operator,
  async handle({ app }) {
    const reports = await app.healing.look()
    const { found, toCompare } = app.discrepancies.count()
    return {
      host: app.healing.host,
      seq: app.sequencer.lastSeq,
      accounts: app.accounts.count(),
      accountLimit: DEFAULT_ACCOUNT_LIMIT,
      accountsToCompare: toCompare,
      differing: found,
      relays: reports.map((report) => {
        const lastCrawl = app.crawlers.lastCrawl(report.relay)
        return { ...relayView(report), ...(lastCrawl && { lastCrawl: crawlView(lastCrawl) }) }
      }),
      discrepancies: app.discrepancies.found(MAX_DISCREPANCIES).flatMap((row) => discrepancyViews(app, row)),
    }
  },
})

function discrepancyViews(
  app: App,
  { did, relay, finding, status: held, announcedCount, dueAt }: Discrepancy,
): DefinitionByRef['host.locus.relay.defs#discrepancyView'][] {
  const account = app.accounts.get(did)
  if (!account || finding === null) return []
  return [
    {
      ...differingAccountView(account, { relay, finding, status: held }),
      announced: announcedCount,
      nextAt: new Date(dueAt).toISOString(),
    },
  ]
}
