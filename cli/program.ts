/**
 * The tree of commands, made from the table in `commands.ts`: one place for what all commands share (global options,
 * help, how errors leave the parser).
 */
import { Command } from 'commander'
import { type CommandEntry, commandEntries, nouns } from '#cli/commands.ts'
import { helpConfiguration, lesson, topPage } from '#cli/help.ts'
import { globalOptions } from '#cli/options.ts'
import { version } from '#telemetry/version.ts'

/**
 * The commands that an argument list may mean: those whose words occur in it in order, between options and their values.
 * All of them when it asks for help, or names none.
 */
export function entriesCalledBy(args: readonly string[]): readonly CommandEntry[] {
  if (args.includes('--help') || args.includes('-h')) return commandEntries
  const called = commandEntries.filter(({ name }) => isSubsequence(name.split(' '), args))
  return called.length > 0 ? called : commandEntries
}

function isSubsequence(part: readonly string[], whole: readonly string[]): boolean {
  let at = 0
  for (const word of whole) if (word === part[at]) at++
  return at === part.length
}

/** @returns the program that knows the commands of `entries` */
export async function buildProgram(entries: readonly CommandEntry[]): Promise<Command> {
  const program = new Command('locus')
    .description('An AT Protocol Personal Data Server in one executable.')
    .usage('<command> [options]')
    .version(version, '-V, --version', 'print the version')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ outputError: () => {} }) // main.ts prints errors
    .configureHelp(helpConfiguration)
    .addHelpText('after', lesson)
  for (const option of globalOptions) program.addOption(option)
  for (const entry of entries) {
    const command = await entry.load()
    command.copyInheritedSettings(program).helpGroup(`${entry.group}:`)
    parentOf(program, entry.name.split(' ').slice(0, -1)).addCommand(command)
  }
  return program.configureHelp({ ...helpConfiguration, formatHelp: topPage })
}

function parentOf(program: Command, words: readonly string[]): Command {
  let parent = program
  for (const word of words) {
    const known = parent.commands.find((command) => command.name() === word)
    parent =
      known ??
      parent
        .command(word)
        .description(nouns[word] ?? '')
        .helpCommand(false)
  }
  return parent
}
