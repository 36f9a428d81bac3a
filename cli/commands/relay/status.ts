import { Command } from 'commander'
import { connect } from '#cli/context.ts'
import { note, printList, type Shape } from '#cli/output.ts'
import type { OutputOf } from '#lexicon/index.ts'

type Status = OutputOf<'host.locus.relay.status'>
type Discrepancy = Status['discrepancies'][number]

const relayShape: Shape<ReturnType<typeof relayRow>> = {
  id: (row) => row.relay,
  fields: [
    { key: 'relay' },
    { key: 'finding', title: 'it is' },
    { key: 'status', title: 'its status of us' },
    { key: 'relaySeq', title: 'its last event', kind: 'number' },
    { key: 'seq', title: 'our last event', kind: 'number' },
    { key: 'relayAccounts', title: 'its accounts', kind: 'number' },
    { key: 'accounts', title: 'our accounts', kind: 'number' },
    { key: 'lastCrawl', title: 'last crawl request', kind: 'time' },
    { key: 'crawlResult', title: 'its result' },
    { key: 'message' },
  ],
}

const accountShape: Shape<Discrepancy> = {
  id: (row) => row.did,
  fields: [
    { key: 'did', title: 'DID' },
    { key: 'handle' },
    { key: 'relay' },
    { key: 'finding', title: 'there it is' },
    { key: 'status', title: 'its status there' },
    { key: 'announced', title: 'announced anew', kind: 'number' },
    { key: 'nextAt', title: 'next look', kind: 'time' },
  ],
}

export const status = new Command('status')
  .description('show what relays know of the server')
  .argument('[relay]', 'host name or URL of one of them')
  .option('--accounts', 'list the accounts that relays hold otherwise than the server does')
  .addHelpText(
    'after',
    '\nWhat is amiss is mended by the running server, or at once by: locus relay heal --yes',
  )
  .action(async (name: string | undefined, options: { accounts?: true }, command: Command) => {
    await using pds = await connect(command)
    const found = await pds.call('host.locus.relay.status')
    const isMeant = ({ relay }: { relay?: string | undefined }) => name === undefined || isNamed(relay, name)
    if (options.accounts) return await printList(command, found.discrepancies.filter(isMeant), accountShape)
    if (found.relays.length === 0) note('no relays are configured: set crawlers')
    const rows = found.relays.filter(isMeant).map((relay) => relayRow(found, relay))
    await printList(command, rows, relayShape)
    remark(found)
  })

function relayRow(
  { seq, accounts, accountLimit }: Status,
  {
    relay,
    finding,
    status: known,
    seq: relaySeq,
    accountCount,
    lastCrawl,
    message,
  }: Status['relays'][number],
) {
  return {
    relay,
    finding,
    status: known ?? null,
    relaySeq: relaySeq ?? null,
    seq,
    relayAccounts: accountCount ?? null,
    accounts,
    accountLimit,
    lastCrawl: lastCrawl?.at ?? null,
    crawlResult: lastCrawl ? crawlResult(lastCrawl) : null,
    message: message ?? null,
  }
}

function crawlResult({
  ok,
  status: code,
  message,
}: NonNullable<Status['relays'][number]['lastCrawl']>): string {
  if (ok === undefined) return 'under way'
  return ok ? 'accepted' : `${code ?? 'no answer'}: ${message ?? ''}`
}

/** What people should know besides, on stderr. */
function remark({ accounts, accountLimit, accountsToCompare, differing, relays }: Status): void {
  if (relays.length === 0) return
  if (accounts >= accountLimit * 0.8)
    note(
      `relays take ${accountLimit} accounts of a host until their operators allow more; there are ${accounts}`,
    )
  if (accountsToCompare > 0) note(`${accountsToCompare} accounts are still to be compared with relays`)
  if (differing > 0)
    note(`${differing} accounts are held otherwise by a relay: locus relay status --accounts`)
}

function isNamed(url: string | undefined, name: string): boolean {
  return url === name || URL.parse(url ?? '')?.host === name
}
