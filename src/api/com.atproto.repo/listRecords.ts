import { activeAccount } from '#account/availability.ts'
import { anyone } from '#auth/policies.ts'
import { com } from '#lexicon/index.ts'
import { recordUri } from '#lexicon/strings.ts'
import { formatCid } from '#repo/cid.ts'
import { InvalidRequestError } from '#std/errors.ts'
import { implement } from '#xrpc/implement.ts'

export const listRecords = implement(com.atproto.repo.listRecords, {
  auth: anyone,
  handle({ app, params }) {
    const { repo, collection, limit, cursor, reverse } = params
    const account = activeAccount(app.accounts, repo)
    if (!account) throw new InvalidRequestError(`Could not find repo: ${repo}`)
    const found = app.records.list(account.did, collection, { limit, cursor, reverse: reverse === true })
    const last = found.at(-1)
    return {
      ...(last && { cursor: last.rkey }),
      records: found.map(({ rkey, cid, value }) => ({
        uri: recordUri(account.did, collection, rkey),
        cid: formatCid(cid),
        value,
      })),
    }
  },
})
