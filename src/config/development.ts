/** What a development server makes for itself, so that it starts in an empty directory. */
import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DataLayout } from '#config/layout.ts'
import type { ConfigReading } from '#config/load.ts'
import { createSecrets } from '#config/secret-files.ts'
import { syncDirectory, writeFileAtomic } from '#std/atomic-file.ts'

const MARK = `# The data of a development server, made by locus serve --dev.
# Commands and later starts find here that it is one. \`locus config template\` lists all settings.
dev = true
`

/**
 * Makes the data directory of a development server, the secrets that nothing gives, and a locus.toml that says what
 * the directory is, when nothing but these is lacking. True if it made any.
 */
export function prepareDevelopment(reading: ConfigReading): boolean {
  const { dev, dataDirectory, faults, missingSecrets, sources } = reading
  if (!dev || faults.length > 0) return false
  const layout = new DataLayout(dataDirectory)
  const marked = sources.configFile !== null
  if (marked && missingSecrets.length === 0 && existsSync(layout.root)) return false
  createDataDirectory(layout)
  createSecrets(
    layout,
    missingSecrets.map(({ name }) => name),
  )
  if (!marked) writeFileAtomic(layout.configFile, MARK, 0o600)
  return true
}

/** Makes a data directory that only its owner can look into, unless it is there. */
export function createDataDirectory({ root }: DataLayout): void {
  if (existsSync(root)) return
  mkdirSync(root, { recursive: true, mode: 0o700 })
  syncDirectory(dirname(root))
}
