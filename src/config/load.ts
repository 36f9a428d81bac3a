/**
 * From flags, environment and locus.toml to a Config. This room alone reads the environment; everything that is wrong is
 * found in one go. Reading changes nothing, but for `loadConfig` of a development server, which makes what it lacks.
 */
import { assemble } from '#config/assemble.ts'
import type { Config } from '#config/config.ts'
import { prepareDevelopment } from '#config/development.ts'
import { ConfigError, type ConfigFault } from '#config/errors.ts'
import { officialNames } from '#config/official-names.ts'
import { type ConfigWarning, type MissingSecret, type ReadSetting, SettingReader } from '#config/reader.ts'
import { fileKeyOf, fileVariableOf, settingList } from '#config/settings.ts'
import { type Flags, placeOf, type SourceRequest, Sources } from '#config/sources.ts'
import { suggestion } from '#config/suggestion.ts'

export interface LoadRequest {
  readonly flags?: Flags
  /** the process's own unless given */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** the process's own unless given */
  readonly cwd?: string
}

/** What was found, whether or not a server can run with it. Values may be secrets. */
export interface ConfigReading {
  /** null when there are faults, or secrets are missing */
  readonly config: Config | null
  readonly settings: readonly ReadSetting[]
  /** also when there are faults elsewhere */
  readonly dataDirectory: string
  readonly dev: boolean
  readonly faults: readonly ConfigFault[]
  readonly warnings: readonly ConfigWarning[]
  /** faults in production; a development server makes them when it starts */
  readonly missingSecrets: readonly MissingSecret[]
  readonly sources: Sources
  /** where those settings come from that cannot change while a server runs; `sources` until a reload */
  readonly fixed: Sources
}

/** A reading that a server runs with. */
export interface LoadedConfig extends ConfigReading {
  readonly config: Config
}

/** Reads the configuration and writes nothing. */
export function readConfig(request: LoadRequest = {}): ConfigReading {
  return readFrom(new Sources(complete(request)))
}

/**
 * The configuration to run with. A development server gets the directory and the secrets it lacks.
 * @throws ConfigError when something is wrong, with all that is
 */
export function loadConfig(request: LoadRequest = {}): Config {
  return loadConfigReading(request).config
}

/**
 * Like `loadConfig`, with where everything came from; a server keeps it to reload.
 * @throws ConfigError when something is wrong, with all that is
 */
export function loadConfigReading(request: LoadRequest = {}): LoadedConfig {
  const completed = complete(request)
  const reading = readFrom(new Sources(completed))
  return required(prepareDevelopment(reading) ? readFrom(new Sources(completed)) : reading)
}

/** A setting whose value in the sources is not the one in use any more. */
export interface ChangedSetting {
  readonly key: string
  /** false: it counts from the next start on */
  readonly applied: boolean
}

/**
 * Reads the sources of `current` again. The new configuration has the new values of what can change while a server runs,
 * and the old ones of everything else.
 * @throws ConfigError when something is wrong; `current` stays good
 */
export function reloadConfig(current: LoadedConfig): {
  loaded: LoadedConfig
  changed: readonly ChangedSetting[]
} {
  const fresh = required(readFrom(new Sources(current.sources.request)))
  const loaded = required(readFrom(fresh.sources, current.fixed))
  const before = new Map(current.settings.map(({ setting, value }) => [setting, value]))
  const changed = fresh.settings
    .filter(({ setting, value }) => !Bun.deepEquals(before.get(setting), value))
    .map(({ setting }) => ({ key: setting.key, applied: setting.reloadable }))
  return { loaded, changed }
}

function complete({ flags = {}, env = process.env, cwd = process.cwd() }: LoadRequest): SourceRequest {
  return { flags, env, cwd }
}

function readFrom(sources: Sources, fixed: Sources = sources): ConfigReading {
  const reader = new SettingReader(({ reloadable }) => (reloadable ? sources : fixed))
  const { defaultDataDirectory } = fixed
  const config = assemble(reader, { configFile: sources.configFile, defaultDataDirectory })
  reader.faults.unshift(...sources.faults, ...unknownFlags(sources), ...unknownKeys(sources))
  reportVariables(sources, reader)
  const { warnings, dataDirectory, development: dev } = reader
  const { missingSecrets } = reader
  const faults = dev ? reader.faults : [...reader.faults, ...missingSecrets.map(({ fault }) => fault)]
  const usable = faults.length + missingSecrets.length > 0 ? null : deepFreeze(config)
  const settings = settingList.flatMap((setting) =>
    reader.settings.filter((read) => read.setting === setting),
  )
  return { config: usable, settings, dataDirectory, dev, faults, warnings, missingSecrets, sources, fixed }
}

function required(reading: ConfigReading): LoadedConfig {
  const { config, faults, missingSecrets } = reading
  if (!config) throw new ConfigError([...new Set([...faults, ...missingSecrets.map(({ fault }) => fault)])])
  return { ...reading, config }
}

/** Variables that the command line reads without their being settings. */
const COMMAND_VARIABLES = ['LOCUS_CONFIG', 'LOCUS_ENV_FILE', 'LOCUS_URL', 'LOCUS_TOKEN_FILE']

const knownVariables: ReadonlySet<string> = new Set([
  ...COMMAND_VARIABLES,
  ...settingList.flatMap((setting) =>
    setting.secret ? [setting.variable, fileVariableOf(setting)] : [setting.variable],
  ),
])

/** Finds what no setting answers to among the variables. */
function reportVariables(sources: Sources, reader: SettingReader): void {
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
    } else if (!meaning && name.startsWith('PDS_')) {
      const official = [...officialNames.keys()].filter((known) => known.startsWith('PDS_'))
      const message = `the official PDS has no such variable; ${suggestion(name, official, 'it does nothing')}`
      reader.warnings.push({ key: name, place: variablePlace(sources, name), message })
    }
  }
  reportDevelopmentMode(sources, reader)
  for (const { path, content } of sources.envFiles) {
    for (const { name, line, taken, reason } of content.differences) {
      const message = `docker and a shell read this line differently, and it was read as ${taken === 'docker' ? 'docker' : 'a shell'} does: ${reason}`
      reader.warnings.push({ key: name, place: `${path}:${line}`, message })
    }
    for (const line of content.unreadable) {
      const message = 'this line sets nothing; write NAME=value'
      reader.warnings.push({ key: 'env-file', place: `${path}:${line}`, message })
    }
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
function unknownKeys({ toml }: Sources): ConfigFault[] {
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
function unknownFlags({ request }: Sources): ConfigFault[] {
  const keys = new Set(settingList.map(({ key }) => key))
  const unknown = Object.keys(request.flags.set ?? {}).filter((key) => !keys.has(key))
  return unknown.map((key) => {
    const remedy = suggestionOfKey(key, keys)
    return { key, place: `--set ${key}`, problem: 'there is no such setting', remedy }
  })
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value))
    return value
  for (const part of Object.values(value)) deepFreeze(part)
  return Object.freeze(value)
}
