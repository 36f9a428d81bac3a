/** Accounts as people name them on the command line: DID, handle, @handle or e-mail address; `-` for a list on stdin. */
import type { Connection } from '#cli/context.ts'
import { CommandError, exitCodeOf, exitCodes } from '#cli/errors.ts'
import { note, type Shape } from '#cli/output.ts'
import type { OutputOf } from '#lexicon/index.ts'
import { messageOf } from '#std/errors.ts'

export type AccountView = OutputOf<'host.locus.account.show'>['account']

export const accountShape: Shape<AccountView> = {
  id: (account) => account.did,
  fields: [
    { key: 'did', title: 'DID' },
    { key: 'handle' },
    { key: 'email', title: 'e-mail' },
    { key: 'status' },
    { key: 'createdAt', title: 'created', kind: 'time' },
  ],
}

/** The arguments of commands that take one account, or several. */
export const oneAccount = ['<account>', 'DID, handle, @handle or e-mail address'] as const
export const accounts = ['<account...>', 'DIDs, handles, @handles or e-mail addresses; - for stdin'] as const

/** @throws ServerError NotFound */
export async function findAccount(
  pds: Connection,
  name: string,
): Promise<OutputOf<'host.locus.account.show'>> {
  return await pds.call('host.locus.account.show', { account: name })
}

/** The arguments, with `-` replaced by the lines of standard input. */
export async function* accountNames(args: readonly string[]): AsyncGenerator<string> {
  for (const arg of args) {
    if (arg === '-') yield* linesOfStdin()
    else yield arg
  }
}

async function* linesOfStdin(): AsyncGenerator<string> {
  for await (const line of console) {
    const name = line.trim()
    if (name) yield name
  }
}

/**
 * Does `work` for each account and yields its results. One that fails is reported and the others are done all the same.
 * @throws the error when none succeeded, CommandError (partial) when some did
 */
export async function* forEachAccount<Result>(
  args: readonly string[] | AsyncIterable<string>,
  work: (name: string) => Promise<Result>,
): AsyncGenerator<Result> {
  let done = 0
  const failures: { name: string; error: unknown }[] = []
  for await (const name of Array.isArray(args) ? accountNames(args) : args) {
    let result: Result
    try {
      result = await work(name)
    } catch (error) {
      if (endsAll(error)) throw error
      failures.push({ name, error })
      continue
    }
    done++
    yield result
  }
  endOf(done, failures)
}

/** Who stops at a question, or cannot be asked, is not asked for the next account. */
function endsAll(error: unknown): boolean {
  const exitCode = exitCodeOf(error)
  return exitCode === exitCodes.interrupted || exitCode === exitCodes.confirmationNeeded
}

function endOf(done: number, failures: readonly { name: string; error: unknown }[]): void {
  const [first] = failures
  if (!first) return
  if (done === 0 && failures.length === 1) throw first.error
  for (const { name, error } of failures) note(`${name}: ${messageOf(error)}`)
  throw new CommandError(
    `${failures.length} of ${done + failures.length} failed`,
    done === 0 ? exitCodeOf(first.error) : exitCodes.partial,
  )
}
