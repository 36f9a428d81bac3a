/**
 * Every command, in the order `locus --help` lists them. To add one, write `cli/commands/<noun>/<verb>.ts` and add its
 * line here. A command's module is loaded only when it is called, or when its help or a completion script needs it.
 */
import type { Command } from 'commander'

export interface CommandEntry {
  /** as it is typed: `account create` */
  readonly name: string
  /** the heading in `locus --help` */
  readonly group: string
  readonly load: () => Promise<Command>
}

export const commandEntries: readonly CommandEntry[] = [
  {
    name: 'completion',
    group: 'Tools',
    load: async () => (await import('#cli/commands/completion.ts')).completion,
  },
  { name: 'version', group: 'Tools', load: async () => (await import('#cli/commands/version.ts')).version },
]

/** What the first word of a command of two words is about. */
export const nouns: Readonly<Record<string, string>> = {
  config: 'show, check and write the configuration',
  account: 'create, find and change accounts',
  invite: 'make and manage invite codes',
  repo: 'check repositories',
  key: 'make and inspect keys, without a server',
}
