import { InviteCodeNotFoundError } from '#account/errors.ts'
import { inviteCodeView } from '#api/account-view.ts'
import { operator } from '#auth/policies.ts'
import { host } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'

export const show = implement(host.locus.invite.show, {
  auth: operator,
  handle({ app, params }) {
    const code = app.invites.get(params.code)
    if (!code) throw new InviteCodeNotFoundError()
    return { code: inviteCodeView(code) }
  },
})
