import { activeAccount } from '#account/availability.ts'
import { anyone } from '#auth/policies.ts'
import { com } from '#lexicon/index.ts'
import { recordUri } from '#lexicon/strings.ts'
import { RecordNotFoundError } from '#records/errors.ts'
import { formatCid } from '#repo/cid.ts'
import { implement } from '#xrpc/implement.ts'

export const getRecord = implement(com.atproto.repo.getRecord, {
  auth: anyone,
  handle({ app, params }) {
    const { repo, collection, rkey } = params
    const account = activeAccount(app.accounts, repo)
    const record = account && app.records.get(account.did, collection, rkey)
    const fits = record && (params.cid === undefined || params.cid === formatCid(record.cid))
    if (!fits) throw new RecordNotFoundError(recordUri(account?.did ?? repo, collection, rkey))
    return { uri: recordUri(account.did, collection, rkey), cid: formatCid(record.cid), value: record.value }
  },
})
