import { operator } from '#auth/policies.ts'
import { relayUrl } from '#federation/relay-client.ts'
import { host } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'
import { crawlOutcomeView } from './relay-view.ts'

export const crawl = implement(host.locus.relay.crawl, {
  auth: operator,
  async handle({ app, input }) {
    const relays = input.relays?.map(relayUrl) ?? app.config.crawlers
    const outcomes = await Promise.all(relays.map((relay) => app.crawlers.requestCrawl(relay)))
    return { outcomes: outcomes.map(crawlOutcomeView) }
  },
})
