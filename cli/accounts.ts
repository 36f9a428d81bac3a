/** Accounts as people name them on the command line: DID, handle, @handle or e-mail address; `-` for a list on stdin. */
import type { Command } from 'commander'
import type { Connection } from '#cli/context.ts'
import { CommandError, errorNameOf, exitCodeOf, exitCodes } from '#cli/errors.ts'
import { FailedRow, note, printList, type Shape } from '#cli/output.ts'
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
 * Does `work` for each account and prints its results. One that fails does not keep the others from being done: stderr
 * tells of it, and JSON has it among the results.
 * @throws the error when none succeeded, CommandError (partial) when some did
 */
export async function printForEachAccount<Row extends object>(
  command: Command,
  args: readonly string[] | AsyncIterable<string>,
  shape: Shape<Row>,
  work: (name: string) => Promise<Row>,
): Promise<void> {
  const outcome: Outcome = { done: 0, failures: [], ended: null }
  const names = Symbol.asyncIterator in args ? args : accountNames(args)
  await printList(command, results(names, work, outcome), shape)
  endOf(outcome)
}

interface Outcome {
  done: number
  readonly failures: { readonly name: string; readonly error: unknown }[]
  /** what kept the accounts after it from being done at all */
  ended: { readonly error: unknown } | null
}

async function* results<Row extends object>(
  names: AsyncIterable<string>,
  work: (name: string) => Promise<Row>,
  outcome: Outcome,
): AsyncGenerator<Row | FailedRow> {
  const { failures } = outcome
  /** told only when it is not alone: alone it is the error of the command */
  let first: FailedRow | null = null
  for await (const name of names) {
    let result: Row | FailedRow
    try {
      result = await work(name)
      outcome.done++
    } catch (error) {
      if (endsAll(error)) {
        outcome.ended = { error }
        break
      }
      failures.push({ name, error })
      result = failedRow(name, error)
      if (outcome.done + failures.length === 1) {
        first = result
        continue
      }
    }
    if (first) yield first
    first = null
    yield result
  }
  if (outcome.done > 0) return
  if (outcome.ended) throw outcome.ended.error
  if (failures.length === 1) throw failures[0]?.error
}

function failedRow(account: string, error: unknown): FailedRow {
  return new FailedRow({ account, error: errorNameOf(error), message: messageOf(error) })
}

/** Who stops at a question, or cannot be asked, is not asked for the next account. */
function endsAll(error: unknown): boolean {
  const exitCode = exitCodeOf(error)
  return exitCode === exitCodes.interrupted || exitCode === exitCodes.confirmationNeeded
}

function endOf({ done, failures, ended }: Outcome): void {
  for (const { name, error } of failures) note(`${name}: ${messageOf(error)}`)
  if (ended) throw ended.error
  const [first] = failures
  if (!first) return
  throw new CommandError(
    `${failures.length} of ${done + failures.length} failed`,
    done === 0 ? exitCodeOf(first.error) : exitCodes.partial,
  )
}
