/** How help reads: the top page lists every command by group before the options that all of them share. */
import type { Command, Help, HelpConfiguration } from 'commander'

export const helpConfiguration: HelpConfiguration = {
  showGlobalOptions: true,
  subcommandTerm: (command) => [...pathOf(command), ...argumentsOf(command)].join(' '),
}

/** The top page: what this is, the commands by group, the shared options, and the lesson. */
export function topPage(program: Command, helper: Help): string {
  const commands = leavesOf(program)
  const options = helper.visibleOptions(program)
  const width = Math.max(
    ...commands.map((command) => helper.subcommandTerm(command).length),
    ...options.map((option) => helper.optionTerm(option).length),
  )
  const sections = [
    ...grouped(commands, (command) => ({
      group: command.helpGroup(),
      line: helper.formatItem(
        helper.subcommandTerm(command),
        width,
        helper.subcommandDescription(command),
        helper,
      ),
    })),
    ...grouped(options, (option) => ({
      group: option.helpGroupHeading ?? 'Help:',
      line: helper.formatItem(helper.optionTerm(option), width, helper.optionDescription(option), helper),
    })),
  ]
  return [
    `${helper.styleTitle('Usage:')} ${helper.commandUsage(program)}`,
    program.description(),
    ...sections.map(([title, lines]) => [helper.styleTitle(title), ...lines].join('\n')),
    '',
  ].join('\n\n')
}

function grouped<T>(items: readonly T[], place: (item: T) => { group: string; line: string }) {
  const groups = new Map<string, string[]>()
  for (const { group, line } of items.map(place)) groups.set(group, [...(groups.get(group) ?? []), line])
  return groups
}

/** The commands below `command` that do something. */
export function leavesOf(command: Command): Command[] {
  return command.commands.flatMap((child) => (child.commands.length > 0 ? leavesOf(child) : [child]))
}

/** The words that call `command`, without `locus`. */
export function pathOf(command: Command): string[] {
  return command.parent ? [...pathOf(command.parent), command.name()] : []
}

/** The arguments of `command` as its usage shows them. */
export function argumentsOf(command: Command): string[] {
  return command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`
    return argument.required ? `<${name}>` : `[${name}]`
  })
}

export const lesson = `Examples:
  locus serve --dev                   try it: a server, with its data in ./locus-data
  locus account create alice.test --email alice@example.com --generate
  locus account list --search alice
  locus account list --json | jq -r '.[].did'
  locus export-car @alice.test -o alice.car
  locus status --url https://pds.example --admin-password-file password.txt

Accounts are named by DID, handle, @handle or e-mail address; several at once,
or - to read one per line from stdin.

Commands reach the server of the data directory through its socket, open the
directory themselves when no server runs there, or go over the network with
--url. The output is the same. Where it is not a terminal it is tab-separated.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 bad configuration, 4 not found,
5 conflict, 6 refused, 7 another service failed, 8 a check found problems,
9 confirmation needed, 10 data directory locked or server not running, 11 done
in part, 75 try again later, 130 interrupted.

locus <command> --help explains one command.`
