/** Settings as text for people: a locus.toml, commented from the table of settings, and the defaults in words. */
import { asToml, type Kind, type Plain } from '#config/kinds.ts'
import { fileKeyOf, fileVariableOf, type Setting } from '#config/setting.ts'
import { settingList } from '#config/settings.ts'

/** What a locus.toml says of one setting. */
export interface TomlLine {
  readonly setting: Setting<unknown>
  /** as TOML has it; of a secret, the path of its file */
  readonly value: Plain
}

/** A locus.toml with every setting, commented out, at its default. */
export function configTemplate(): string {
  return document(
    `# Configuration of a locus server: DATA/locus.toml.
# Everything is optional but hostname. What is commented out shows the default, or an example where there is none.
# Variables of the environment win over this file, flags over both. \`locus config validate\` checks it.`,
    settingList.map((setting) => ({
      setting,
      lines: [...comment(setting), `#${assignment(setting, example(setting))}`],
    })),
  )
}

/** A locus.toml that sets `values` and nothing else. */
export function configFileOf(head: string, values: readonly TomlLine[]): string {
  return document(
    head,
    values.map(({ setting, value }) => ({
      setting,
      lines: [`# ${setting.sentence}`, assignment(setting, asToml(value))],
    })),
  )
}

interface Entry {
  readonly setting: Setting<unknown>
  readonly lines: readonly string[]
}

function document(head: string, entries: readonly Entry[]): string {
  const paragraphs = [head]
  let table = ''
  for (const { setting, lines } of entries) {
    const own = tableOf(setting)
    if (own !== table) paragraphs.push(`[${own}]`)
    table = own
    paragraphs.push(lines.join('\n'))
  }
  return `${paragraphs.join('\n\n')}\n`
}

function tableOf({ key }: Setting<unknown>): string {
  return key.split('.').slice(0, -1).join('.')
}

function assignment(setting: Setting<unknown>, value: string): string {
  return `${fileKeyOf(setting).split('.').at(-1)} = ${value}`
}

function comment(setting: Setting<unknown>): string[] {
  const { sentence, secret, reloadable, follows, developmentFallback, kind } = setting
  const development = inToml(kind, developmentFallback)
  const facts = [
    ...(follows === undefined ? [] : [`Default: ${follows}.`]),
    ...(development === null ? [] : [`In development: ${development}.`]),
    ...(reloadable ? ['Reloadable.'] : []),
  ]
  const file = secret ? [`# The path of a file of mode 0600 with the ${kind.name}.`] : []
  return [`# ${[sentence, ...facts].join(' ')}`, ...file, `# ${variablesOf(setting).join(', ')}`]
}

/** The variables that set it: ours, then the official ones. */
export function variablesOf(setting: Setting<unknown>): string[] {
  const file = setting.secret ? [fileVariableOf(setting)] : []
  return [setting.variable, ...file, ...setting.official.map(({ name }) => name)]
}

/** The default, or what could stand there, as TOML. */
function example({ kind, fallback, secret }: Setting<unknown>): string {
  if (secret) return asToml(`secrets/${secret.file}`)
  return inToml(kind, fallback) ?? inToml(kind, kind.example) ?? '""'
}

/** The default in words, for tables: `2583`, `did:web:<hostname>`, or nothing. */
export function defaultInWords({
  kind,
  fallback,
  follows,
  developmentFallback,
  secret,
}: Setting<unknown>): string {
  if (secret) return secret.kept ? `secrets/${secret.file}` : ''
  const value = inToml(kind, fallback)
  const development = inToml(kind, developmentFallback)
  if (development !== null) return `${value ?? ''} (in development ${development})`
  return follows === undefined ? (value ?? '') : value === null ? follows : `${value} (${follows})`
}

function inToml(kind: Kind<unknown>, value: unknown): string | null {
  return value === null || value === undefined ? null : asToml(kind.plain(value))
}
