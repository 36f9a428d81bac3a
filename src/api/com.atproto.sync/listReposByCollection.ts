import { anyone } from '#auth/policies.ts'
import { com } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'

/** Relays have this for the network; here it is about this host. Accounts that are not active are left out. */
export const listReposByCollection = implement(com.atproto.sync.listReposByCollection, {
  auth: anyone,
  handle({ app, params: { collection, limit, cursor = '' } }) {
    const dids = app.sequencer.collections.repos(collection, cursor, limit)
    const last = dids.length === limit ? dids.at(-1) : undefined
    const repos = dids.filter((did) => app.accounts.status(did) === 'active').map((did) => ({ did }))
    return { ...(last !== undefined && { cursor: last }), repos }
  },
})
