import type { Account } from '#account/accounts.ts'
import type { App } from '#app.ts'
import { operator } from '#auth/policies.ts'
import type { ListeningRelay } from '#federation/account-healing.ts'
import { type DefinitionByRef, host } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'
import { differingAccountView } from './relay-view.ts'

type View = DefinitionByRef['host.locus.relay.defs#accountTreatmentView']

export const healAccounts = implement(host.locus.relay.healAccounts, {
  auth: operator,
  async handle({ app, input: { dryRun, limit, cursor } }) {
    const relays = app.healing.listening(await app.healing.look())
    if (relays.length === 0) return { listening: 0, compared: 0, accounts: [] }
    const page = app.accounts.list({ limit, cursor })
    const views: View[] = []
    for (const account of page.accounts) views.push(...(await treated(app, account, { relays, dryRun })))
    return {
      listening: relays.length,
      compared: page.accounts.length,
      accounts: views,
      ...(page.cursor !== undefined && { cursor: page.cursor }),
    }
  },
})

async function treated(
  app: App,
  account: Account,
  { relays, dryRun }: { relays: readonly ListeningRelay[]; dryRun: boolean },
): Promise<View[]> {
  const treatment = await app.accountHealing.treat(account.did, relays, { dryRun })
  if (!treatment || treatment.action === 'none') return []
  return [{ ...differingAccountView(account, treatment), action: treatment.action }]
}
