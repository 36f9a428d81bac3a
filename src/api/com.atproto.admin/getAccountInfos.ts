import { accountViews } from '#api/account-view.ts'
import { moderator } from '#auth/policies.ts'
import { com } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'

export const getAccountInfos = implement(com.atproto.admin.getAccountInfos, {
  auth: moderator,
  handle({ app, params }) {
    return { infos: accountViews(app, app.accounts.getAll(params.dids)) }
  },
})
