import { UnknownAccountError } from '#account/errors.ts'
import { accountViews } from '#api/account-view.ts'
import { moderator } from '#auth/policies.ts'
import { com } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'

export const getAccountInfo = implement(com.atproto.admin.getAccountInfo, {
  auth: moderator,
  handle({ app, params }) {
    const account = app.accounts.get(params.did)
    const [view] = account ? accountViews(app, [account]) : []
    if (!view) throw new UnknownAccountError()
    return view
  },
})
