/** What a development server makes for itself, so that it starts in an empty directory. */
import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DataLayout } from '#config/layout.ts'
import type { ConfigReading } from '#config/load.ts'
import { createSecrets } from '#config/secret-files.ts'
import type { Setting } from '#config/setting.ts'
import { settings } from '#config/settings.ts'
import { configFileOf, type TomlLine } from '#config/template.ts'
import { syncDirectory, writeFileAtomic } from '#std/atomic-file.ts'

const HEAD = `# The data of a development server, made by locus serve --dev.
# Commands and later starts find here that it is one, and where it listens, which its accounts' DID documents name.
# \`locus config template\` lists all settings.`

/**
 * Makes the data directory of a development server, the secrets that nothing gives, and a locus.toml that says what
 * the directory is and which name and ports it has, when nothing but these is lacking. True if it made any.
 */
export function prepareDevelopment(reading: ConfigReading): boolean {
  const { dev, dataDirectory, faults, missingSecrets, sources } = reading
  if (!dev || faults.length > 0) return false
  const layout = new DataLayout(dataDirectory)
  const marked = existsSync(layout.configFile) || sources.toml?.entries.get(settings.dev.key)?.value === true
  if (marked && missingSecrets.length === 0 && existsSync(layout.root)) return false
  createDataDirectory(layout)
  createSecrets(
    layout,
    missingSecrets.map(({ name }) => name),
  )
  if (!marked) writeFileAtomic(layout.configFile, configFileOf(HEAD, markOf(reading)), 0o600)
  return true
}

function markOf(reading: ConfigReading): TomlLine[] {
  const kept: readonly Setting<unknown>[] = [settings.hostname, settings.port, settings.dev, settings.plcPort]
  return reading.settings.flatMap(({ setting, value, origin }) => {
    if (!kept.includes(setting) || value === 0 || value === null || value === undefined) return []
    if (setting === settings.hostname && origin === 'default') return []
    return [{ setting, value: setting.kind.plain(value) }]
  })
}

/** Makes a data directory that only its owner can look into, unless it is there. */
export function createDataDirectory({ root }: DataLayout): void {
  if (existsSync(root)) return
  mkdirSync(root, { recursive: true, mode: 0o700 })
  syncDirectory(dirname(root))
}
