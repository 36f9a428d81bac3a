/** Invite codes as commands show them. */
import type { Shape } from '#cli/output.ts'
import type { OutputOf } from '#lexicon/index.ts'

type InviteCode = OutputOf<'host.locus.invite.show'>['code']

export interface InviteRow {
  readonly code: string
  readonly status: 'open' | 'used up' | 'disabled'
  readonly used: number
  readonly uses: number
  readonly forAccount: string
  readonly createdBy: string
  readonly createdAt: string
  readonly usedBy: readonly string[]
}

export const inviteShape: Shape<InviteRow> = {
  id: (invite) => invite.code,
  fields: [
    { key: 'code' },
    { key: 'status' },
    { key: 'used', kind: 'number' },
    { key: 'uses', title: 'of', kind: 'number' },
    { key: 'forAccount', title: 'for' },
    { key: 'createdBy', title: 'by' },
    { key: 'createdAt', title: 'created', kind: 'time' },
  ],
}

export function inviteRow({ code, available, disabled, uses, ...rest }: InviteCode): InviteRow {
  const { forAccount, createdBy, createdAt } = rest
  const status = disabled ? 'disabled' : uses.length < available ? 'open' : 'used up'
  const usedBy = uses.map((use) => use.usedBy)
  return { code, status, used: uses.length, uses: available, forAccount, createdBy, createdAt, usedBy }
}
