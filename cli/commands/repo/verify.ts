import { Command } from 'commander'
import { accounts, findAccount, printForEachAccount } from '#cli/accounts.ts'
import { type Connection, connect } from '#cli/context.ts'
import { CommandError, exitCodes, usageError } from '#cli/errors.ts'
import type { Shape } from '#cli/output.ts'

interface Verified {
  readonly did: string
  readonly handle: string
  readonly rev: string
  readonly records: number
  readonly result: string
  readonly problems: readonly string[]
}

const shape: Shape<Verified> = {
  id: (row) => row.did,
  fields: [
    { key: 'did', title: 'DID' },
    { key: 'handle' },
    { key: 'rev' },
    { key: 'records', kind: 'number' },
    { key: 'result' },
  ],
}

export const verify = new Command('verify')
  .description('check repositories: records, tree, commit, signature')
  .argument('[account...]', accounts[1])
  .option('--all', 'every account of the server')
  .addHelpText('after', '\nEnds with exit code 8 when there are problems.')
  .action(async (names: string[], { all }: { all?: true }, command: Command) => {
    if ((names.length === 0) === (all === undefined)) throw usageError('name accounts, or say --all')
    await using pds = await connect(command)
    let broken = 0
    await printForEachAccount(command, all ? everyDid(pds) : names, shape, async (name) => {
      const result = await verified(pds, name)
      if (result.problems.length > 0) broken++
      return result
    })
    if (broken > 0) throw new CommandError(`problems in ${broken} repositories`, exitCodes.foundProblems)
  })

async function verified(pds: Connection, name: string): Promise<Verified> {
  const { account } = await findAccount(pds, name)
  const { did, handle } = account
  const { rev, records, problems } = await pds.call('host.locus.repo.verify', { did })
  return { did, handle, rev, records, result: problems.length > 0 ? problems.join('; ') : 'ok', problems }
}

async function* everyDid(pds: Connection): AsyncGenerator<string> {
  let cursor: string | undefined
  do {
    const page = await pds.call('host.locus.account.list', { limit: 1000, cursor })
    for (const { did } of page.accounts) yield did
    cursor = page.cursor
  } while (cursor)
}
