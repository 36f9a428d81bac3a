#!/usr/bin/env bun
/** The executable: parses the arguments, runs one command, prints what went wrong and what to do, sets the exit code. */
import { CommanderError } from 'commander'
import { commandEntries } from '#cli/commands.ts'
import { CommandError, type ExitCode, exitCodeOf, exitCodes, ServerError } from '#cli/errors.ts'
import { endWhenReaderLeaves, note } from '#cli/output.ts'
import { buildProgram, entriesCalledBy } from '#cli/program.ts'
import { DomainError } from '#std/errors.ts'

async function main(args: readonly string[]): Promise<void> {
  const entries = entriesCalledBy(args)
  try {
    await run(args, entries)
  } catch (error) {
    const misread = error instanceof CommanderError && error.code === 'commander.unknownCommand'
    if (!misread || entries === commandEntries) throw error
    await run(args, commandEntries) // knows all commands, so it can suggest the right one
  }
}

async function run(args: readonly string[], entries: typeof commandEntries): Promise<void> {
  const program = await buildProgram(entries)
  if (args.length === 0) program.help()
  await program.parseAsync(args, { from: 'user' })
}

/** Says on stderr what went wrong and what to do about it. */
function report(error: unknown): ExitCode {
  if (error instanceof CommanderError) return reportUsage(error)
  const expected =
    error instanceof CommandError || error instanceof ServerError || error instanceof DomainError
  if (expected) {
    note(`error: ${error.message}`)
    if (error.hint) note(error.hint)
  } else if (isSystemError(error)) {
    note(`error: ${error.message}`)
  } else {
    note('error: this is a bug in locus')
    note(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
  return exitCodeOf(error)
}

function reportUsage(error: CommanderError): ExitCode {
  if (error.exitCode === 0) return exitCodes.ok
  if (error.code === 'commander.help') return exitCodes.usage // a noun without its verb; its help is printed
  note(error.message)
  note('locus --help lists the commands, locus <command> --help explains one')
  return exitCodes.usage
}

/** A file that is not there, a port that is taken: the operating system's words are clear enough. */
function isSystemError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && 'syscall' in error
}

endWhenReaderLeaves()
process.once('SIGINT', () => process.exit(exitCodes.interrupted))
try {
  await main(process.argv.slice(2))
} catch (error) {
  process.exitCode = report(error)
}
