/**
 * From flags, environment and locus.toml to a Config. This room alone reads the environment; everything that is wrong is
 * found in one go. Reading changes nothing, but for `loadConfig` of a development server, which makes what it lacks.
 */
import { assemble } from '#config/assemble.ts'
import type { Config } from '#config/config.ts'
import { prepareDevelopment } from '#config/development.ts'
import { ConfigError, type ConfigFault } from '#config/errors.ts'
import { type ConfigWarning, type MissingSecret, type ReadSetting, SettingReader } from '#config/reader.ts'
import { settingList } from '#config/settings.ts'
import { type Flags, type SourceRequest, Sources } from '#config/sources.ts'
import { reportVariables, unknownFlags, unknownKeys } from '#config/unknown-names.ts'

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

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value))
    return value
  for (const part of Object.values(value)) deepFreeze(part)
  return Object.freeze(value)
}
