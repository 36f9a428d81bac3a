import { operator } from '#auth/policies.ts'
import { host } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'
import { relayView } from './relay-view.ts'

export const healHost = implement(host.locus.relay.healHost, {
  auth: operator,
  async handle({ app, input }) {
    const treatments = await app.healing.healHost(input)
    return {
      relays: treatments.map((treatment) => ({
        ...relayView(treatment),
        action: treatment.action,
        ...(treatment.to !== null && { to: treatment.to }),
      })),
    }
  },
})
