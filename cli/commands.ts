/**
 * Every command, in the order `locus --help` lists them. To add one, write `cli/commands/<noun>/<verb>.ts` and add its
 * line here. A command's module is loaded only when it is called, or when its help or a completion script needs it.
 */
import type { Command } from 'commander'

type Load = () => Promise<Command>

export interface CommandEntry {
  /** as it is typed: `account create` */
  readonly name: string
  /** the heading in `locus --help` */
  readonly group: string
  readonly load: Load
}

function group(heading: string, loads: Readonly<Record<string, Load>>): CommandEntry[] {
  return Object.entries(loads).map(([name, load]) => ({ name, group: heading, load }))
}

export const commandEntries: readonly CommandEntry[] = [
  ...group('Server', {
    init: async () => (await import('./commands/init.ts')).init,
    serve: async () => (await import('./commands/serve.ts')).serve,
    status: async () => (await import('./commands/status.ts')).status,
    healthcheck: async () => (await import('./commands/healthcheck.ts')).healthcheck,
  }),
  ...group('Configuration', {
    'config show': async () => (await import('./commands/config/show.ts')).show,
    'config get': async () => (await import('./commands/config/get.ts')).get,
    'config validate': async () => (await import('./commands/config/validate.ts')).validate,
    'config template': async () => (await import('./commands/config/template.ts')).template,
    'config env': async () => (await import('./commands/config/env.ts')).env,
  }),
  ...group('Accounts', {
    'account create': async () => (await import('./commands/account/create.ts')).create,
    'account list': async () => (await import('./commands/account/list.ts')).list,
    'account show': async () => (await import('./commands/account/show.ts')).show,
    'account password': async () => (await import('./commands/account/password.ts')).password,
    'account delete': async () => (await import('./commands/account/delete.ts')).remove,
    'invite create': async () => (await import('./commands/invite/create.ts')).create,
    'invite list': async () => (await import('./commands/invite/list.ts')).list,
    'invite show': async () => (await import('./commands/invite/show.ts')).show,
    'invite disable': async () => (await import('./commands/invite/disable.ts')).disable,
  }),
  ...group('Repositories', {
    'export-car': async () => (await import('./commands/export-car.ts')).exportCar,
    'repo verify': async () => (await import('./commands/repo/verify.ts')).verify,
  }),
  ...group('Network', {
    'relay status': async () => (await import('./commands/relay/status.ts')).status,
    'relay crawl': async () => (await import('./commands/relay/crawl.ts')).crawl,
    'relay heal': async () => (await import('./commands/relay/heal.ts')).heal,
    'firehose tail': async () => (await import('./commands/firehose/tail.ts')).tail,
    'firehose stats': async () => (await import('./commands/firehose/stats.ts')).stats,
    'firehose prune': async () => (await import('./commands/firehose/prune.ts')).prune,
    'firehose bump': async () => (await import('./commands/firehose/bump.ts')).bump,
  }),
  ...group('Tools', {
    'key generate': async () => (await import('./commands/key/generate.ts')).generate,
    'key inspect': async () => (await import('./commands/key/inspect.ts')).inspect,
    completion: async () => (await import('./commands/completion.ts')).completion,
    version: async () => (await import('./commands/version.ts')).version,
  }),
]

/** What the first word of a command of two words is about. */
export const nouns: Readonly<Record<string, string>> = {
  config: 'show, check and write the configuration',
  account: 'create, find and change accounts',
  invite: 'make and manage invite codes',
  repo: 'check repositories',
  relay: 'see how relays see this server, and mend it',
  firehose: 'watch the stream of events, and tend its log',
  key: 'make and inspect keys, without a server',
}
