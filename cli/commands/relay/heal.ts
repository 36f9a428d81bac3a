import { Command } from 'commander'
import { type Connection, connect } from '#cli/context.ts'
import { usageError } from '#cli/errors.ts'
import { globalOptionsOf } from '#cli/options.ts'
import { note, printList } from '#cli/output.ts'
import type { OutputOf } from '#lexicon/index.ts'

type RelayTreatment = OutputOf<'host.locus.relay.healHost'>['relays'][number]

interface Row {
  readonly subject: string
  readonly handle: string | null
  readonly relay: string
  readonly finding: string
  readonly action: string
  readonly to: number | null
}

export const heal = new Command('heal')
  .description('bring relays to see the server as it is, after a restored backup or when accounts are stuck')
  .option('--dry-run', 'say what would be done, and do nothing; so it is without --yes')
  .addHelpText(
    'after',
    '\nA running server does all of this by itself, at its start and every ten minutes.\n' +
      'Actions: jump = event numbers go on above those that the relay has seen; crawl = the relay is asked to come;\n' +
      'announce = #identity, #account and #sync of the account; left = a person must decide.',
  )
  .action(async ({ dryRun }: { dryRun?: true }, command: Command) => {
    const { yes } = globalOptionsOf(command)
    if (dryRun && yes) throw usageError('--dry-run and --yes exclude one another')
    await using pds = await connect(command)
    await printList(command, treated(pds, yes !== true), {
      id: (row: Row) => row.subject,
      fields: [
        { key: 'subject', title: 'relay or account' },
        { key: 'handle' },
        { key: 'relay' },
        { key: 'finding', title: 'there it is' },
        { key: 'action' },
        { key: 'to', title: 'jump to', kind: 'number' },
      ],
    })
    if (!yes) note('nothing was done: add --yes to do it')
  })

async function* treated(pds: Connection, dryRun: boolean): AsyncGenerator<Row> {
  const { relays } = await pds.call('host.locus.relay.healHost', { dryRun })
  if (relays.length === 0) note('no relays are configured: set crawlers')
  for (const relay of relays) yield relayRow(relay)
  let cursor: string | undefined
  let compared = 0
  do {
    const page = await pds.call('host.locus.relay.healAccounts', { dryRun, cursor })
    for (const { did, handle, relay = '', finding, action } of page.accounts)
      yield { subject: did, handle, relay, finding, action, to: null }
    compared += page.compared
    cursor = page.cursor
    if (relays.length > 0 && page.listening === 0)
      note('no relay listens now: accounts are compared when one does')
  } while (cursor !== undefined)
  if (compared > 0) note(`${compared} accounts compared`)
}

function relayRow({ relay, finding, action, to }: RelayTreatment): Row {
  return { subject: relay, handle: null, relay, finding, action, to: to ?? null }
}
