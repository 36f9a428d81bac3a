/** What was given and no setting answers to: flags, keys of locus.toml, variables; with what was probably meant. */
import type { ConfigFault } from '#config/errors.ts'
import { officialNames } from '#config/official-names.ts'
import type { SettingReader } from '#config/reader.ts'
import { fileKeyOf, fileVariableOf } from '#config/setting.ts'
import { settingList } from '#config/settings.ts'
import { type OpenedEnvFile, placeOf, type Sources } from '#config/sources.ts'
import { suggestion } from '#config/suggestion.ts'

/** Variables that the command line reads without their being settings. */
const COMMAND_VARIABLES = ['LOCUS_CONFIG', 'LOCUS_ENV_FILE', 'LOCUS_URL', 'LOCUS_TOKEN_FILE']

const knownVariables: ReadonlySet<string> = new Set([
  ...COMMAND_VARIABLES,
  ...settingList.flatMap((setting) =>
    setting.secret ? [setting.variable, fileVariableOf(setting)] : [setting.variable],
  ),
])

/** Tells `reader` of variables that no setting answers to, and of lines that can be read in two ways. */
export function reportVariables(sources: Sources, reader: SettingReader): void {
  for (const name of [...sources.variableNames()].sort()) {
    if (name.startsWith('LOCUS_') && !knownVariables.has(name)) {
      const remedy = suggestion(name, knownVariables, '`locus config template` lists all settings')
      reader.faults.push({
        key: name,
        place: variablePlace(sources, name),
        problem: 'there is no such setting',
        remedy,
      })
    }
    const meaning = officialNames.get(name)
    if (meaning?.is === 'refused') {
      const { problem, remedy } = meaning
      reader.faults.push({ key: name, place: variablePlace(sources, name), problem, remedy })
    } else if (meaning?.is === 'without-meaning') {
      const message = `it has no meaning here: ${meaning.why}`
      reader.warnings.push({ key: name, place: variablePlace(sources, name), message })
    } else if (name.startsWith('OTEL_')) {
      const message = 'it has no meaning here: locus exports nothing by OpenTelemetry'
      reader.warnings.push({ key: name, place: variablePlace(sources, name), message })
    } else if (!meaning && name.startsWith('PDS_')) {
      const official = [...officialNames.keys()].filter((known) => known.startsWith('PDS_'))
      const message = `the official PDS has no such variable; ${suggestion(name, official, 'it does nothing')}`
      reader.warnings.push({ key: name, place: variablePlace(sources, name), message })
    }
  }
  reportDevelopmentMode(sources, reader)
  for (const file of sources.envFiles) reportEnvFile(file, reader)
}

const secretVariables: ReadonlySet<string> = new Set(
  settingList
    .filter(({ secret }) => secret)
    .flatMap(({ variable, official }) => [variable, ...official.map(({ name }) => name)]),
)

function reportEnvFile({ path, mode, content }: OpenedEnvFile, reader: SettingReader): void {
  if ((mode & 0o077) !== 0 && content.variables.some(({ name }) => secretVariables.has(name))) {
    const message = `it holds secrets and can be read by others; run: chmod 600 ${path}`
    reader.warnings.push({ key: 'env-file', place: path, message })
  }
  for (const { name, line, taken, reason } of content.differences) {
    const reading = taken === 'docker' ? 'docker' : 'a shell'
    const message = `docker and a shell read this line differently, and it was read as ${reading} does: ${reason}`
    reader.warnings.push({ key: name, place: `${path}:${line}`, message })
  }
  for (const line of content.unreadable) {
    const message = 'this line sets nothing; write NAME=value'
    reader.warnings.push({ key: 'env-file', place: `${path}:${line}`, message })
  }
}

function reportDevelopmentMode(sources: Sources, reader: SettingReader): void {
  const variable = sources.variable('PDS_DEV_MODE')
  if (!variable || !/^(true|1|yes|on)$/i.test(variable.words) || reader.development) return
  const message =
    'it checks answers and lifts the guard on outgoing requests, as in the official PDS; a server for development is locus serve --dev'
  reader.warnings.push({ key: 'PDS_DEV_MODE', place: variable.place, message })
}

function variablePlace(sources: Sources, name: string): string {
  return sources.variable(name)?.place ?? name
}

/** Keys of locus.toml that no setting answers to. */
export function unknownKeys({ toml }: Sources): ConfigFault[] {
  if (!toml) return []
  const keys = new Set(settingList.flatMap((setting) => [setting.key, fileKeyOf(setting)]))
  const tables = new Set(settingList.flatMap(({ key }) => tablesOf(key)))
  const faults: ConfigFault[] = []
  for (const [table, line] of toml.tables) {
    if (
      tables.has(table) ||
      tablesOf(`${table}.`)
        .slice(0, -1)
        .some((outer) => !tables.has(outer))
    )
      continue
    const remedy = keys.has(table)
      ? `${table} is a single value: write ${table.split('.').at(-1)} = ...`
      : suggestion(table, tables, '`locus config template` lists all settings')
    faults.push({
      key: table,
      place: placeOf(toml.path, line, table),
      problem: 'there is no such table',
      remedy,
    })
  }
  for (const [key, { line }] of toml.entries) {
    const inKnownTable = tablesOf(key).every((table) => tables.has(table))
    if (keys.has(key) || !inKnownTable) continue
    const place = placeOf(toml.path, line, key)
    const [problem, remedy] = tables.has(key)
      ? ['it is a table, not a value', `write [${key}] on a line of its own and its settings below`]
      : ['there is no such setting', suggestionOfKey(key, keys)]
    faults.push({ key, place, problem, remedy })
  }
  return faults
}

/** A key that stands in the wrong table is found by its last part. */
function suggestionOfKey(key: string, keys: ReadonlySet<string>): string {
  const last = key.split('.').at(-1)
  const elsewhere = [...keys].filter((known) => known.split('.').at(-1) === last)
  if (elsewhere.length > 0) return `did you mean ${elsewhere.join(' or ')}?`
  return suggestion(key, keys, '`locus config template` lists all settings')
}

/** `a.b.c` stands in the tables `a` and `a.b`. */
function tablesOf(key: string): string[] {
  const parts = key.split('.').slice(0, -1)
  return parts.map((_, i) => parts.slice(0, i + 1).join('.'))
}

/** Keys of `--set` that no setting answers to. */
export function unknownFlags({ request }: Sources): ConfigFault[] {
  const keys = new Set(settingList.map(({ key }) => key))
  const unknown = Object.keys(request.flags.set ?? {}).filter((key) => !keys.has(key))
  return unknown.map((key) => {
    const remedy = suggestionOfKey(key, keys)
    return { key, place: `--set ${key}`, problem: 'there is no such setting', remedy }
  })
}
