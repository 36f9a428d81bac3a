/** The options that every command understands, and the parsers of option values that several commands share. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { duration } from '#config/kinds.ts'

export interface GlobalOptions {
  /** the data directory */
  data?: string
  /** the configuration file, when it is not the data directory's locus.toml */
  config?: string
  /** a file of variables, such as the official pds.env */
  envFile?: string
  /** a server elsewhere */
  url?: string
  tokenFile?: string
  adminPasswordFile?: string
  json?: true
  jsonl?: true
  quiet?: true
  showSecret?: true
  yes?: true
  /** how often -v was given */
  verbose?: number
}

export const globalOptions: readonly Option[] = [
  new Option('-d, --data <dir>', 'the data directory').helpGroup('Where it runs:'),
  new Option('-c, --config <file>', "configuration, if not the data directory's locus.toml").helpGroup(
    'Where it runs:',
  ),
  new Option('--env-file <file>', 'settings as variables, such as the official pds.env').helpGroup(
    'Where it runs:',
  ),
  new Option('--url <url>', 'a server elsewhere, over the network')
    .env('LOCUS_URL')
    .helpGroup('Where it runs:'),
  new Option(
    '--token-file <file>',
    "with --url: file with an account's access token; export-car takes it, all else is the operator's",
  )
    .env('LOCUS_TOKEN_FILE')
    .helpGroup('Where it runs:'),
  new Option('--admin-password-file <file>', "with --url: file that holds the server's admin password")
    .env('LOCUS_ADMIN_PASSWORD_FILE')
    .helpGroup('Where it runs:'),
  new Option('--json', 'print one JSON document').conflicts(['jsonl', 'quiet']).helpGroup('Output:'),
  new Option('--jsonl', 'print one JSON object per line').conflicts(['quiet']).helpGroup('Output:'),
  new Option('-q, --quiet', 'print identifiers only, one per line').helpGroup('Output:'),
  new Option('--show-secret', 'print secrets also when the output is not a terminal').helpGroup('Output:'),
  new Option('-v, --verbose', 'log more on stderr; twice for everything')
    .argParser((_, previous: number | undefined) => (previous ?? 0) + 1)
    .helpGroup('Output:'),
  new Option('-y, --yes', 'do not ask for confirmation').helpGroup('Output:'),
]

export function globalOptionsOf(command: Command): GlobalOptions {
  return command.optsWithGlobals<GlobalOptions>()
}

export function positiveInteger(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError('It must be a whole number from 1 on.')
  }
  return value
}

export function portNumber(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value > 65535) {
    throw new InvalidArgumentError('It must be a port number from 0 to 65535 (0 = any free one).')
  }
  return value
}

/** From 0 on. */
export function wholeNumber(text: string): number {
  return text === '0' ? 0 : positiveInteger(text)
}

/** A length of time such as `72h`, as milliseconds. */
export function lengthOfTime(text: string): number {
  const parsed = duration.parse(text, '')
  if (!('value' in parsed)) throw new InvalidArgumentError('Give a number and its unit: 90s, 30m, 72h, 7d.')
  return parsed.value
}

/** Collects an option that may be given several times. */
export function collect(text: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), text]
}
