/**
 * A new data directory: what would be in it, and making it. Nothing else is touched, and a directory that holds something
 * is left alone.
 */
import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { createDataDirectory } from '#config/development.ts'
import { ConfigError, DataDirectoryExistsError } from '#config/errors.ts'
import { DataLayout, type SecretName } from '#config/layout.ts'
import type { ConfigReading } from '#config/load.ts'
import { createSecrets, requiredSecrets } from '#config/secret-files.ts'
import { settings } from '#config/settings.ts'
import { configFileOf } from '#config/template.ts'
import { writeFileAtomic } from '#std/atomic-file.ts'

const HEAD = `# Configuration of this server, made by locus init.
# \`locus config template\` explains every setting, \`locus config validate\` checks this file.`

/** What a new data directory will hold. */
export interface NewDirectory {
  readonly layout: DataLayout
  /** the text of locus.toml, without secrets */
  readonly configFile: string
  /** secrets to write: those that were given, and null for those to be made */
  readonly secrets: ReadonlyMap<SecretName, string | null>
}

/**
 * The data directory that `reading`, of its settings to be, asks for. Everything that flags and environment set goes into
 * its locus.toml, but secrets, which go into files of their own.
 * @throws ConfigError when the settings have faults, DataDirectoryExistsError when something is there
 */
export function planDirectory(reading: ConfigReading): NewDirectory {
  const layout = new DataLayout(reading.dataDirectory)
  refuseUsedDirectory(layout)
  const missing = new Set(reading.missingSecrets.map(({ fault }) => fault))
  const faults = reading.faults.filter((fault) => !missing.has(fault))
  if (faults.length > 0) throw new ConfigError(faults)
  const set = reading.settings.filter(
    ({ origin, setting }) => origin !== 'default' && setting !== settings.dataDirectory,
  )
  const values = set.flatMap(({ setting, value }) => {
    if (setting.secret) return value === null ? [] : [{ setting, value: `secrets/${setting.secret.file}` }]
    return value === null || value === undefined ? [] : [{ setting, value: setting.kind.plain(value) }]
  })
  const given = set.flatMap(({ setting: { secret }, value }) =>
    secret && typeof value === 'string' ? [[secret.file, value] as const] : [],
  )
  return {
    layout,
    configFile: configFileOf(
      HEAD,
      values.filter(({ setting }) => !setting.secret?.kept),
    ),
    secrets: new Map([...requiredSecrets.map((name) => [name, null] as const), ...given]),
  }
}

/** @throws DataDirectoryExistsError when something is at the place of a new data directory */
export function refuseUsedDirectory({ root, configFile, service }: DataLayout): void {
  if (!existsSync(root)) return
  const content = readdirSync(root).filter((name) => name !== 'lost+found')
  if (content.length > 0)
    throw new DataDirectoryExistsError(root, existsSync(configFile) || existsSync(service))
}

/** Makes the directory, on disk when this returns. What was made goes away again when a part of it fails. */
export function makeDirectory({ layout, configFile, secrets }: NewDirectory): void {
  const wasThere = existsSync(layout.root)
  try {
    createDataDirectory(layout)
    chmodSync(layout.root, 0o700)
    const given = [...secrets].flatMap(([name, value]) => (value === null ? [] : [[name, value] as const]))
    createSecrets(layout, [...secrets.keys()], Object.fromEntries(given))
    writeFileAtomic(layout.configFile, configFile, 0o600)
  } catch (error) {
    for (const made of wasThere ? [layout.secrets, layout.configFile] : [layout.root]) {
      rmSync(made, { recursive: true, force: true })
    }
    throw error
  }
}
