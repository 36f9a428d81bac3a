/** A directory of a server to be: its locus.toml, its secrets, and the configuration that they give. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Config } from '#config/config.ts'
import { type ConfigReading, type LoadedConfig, loadConfigReading, readConfig } from '#config/load.ts'
import type { Flags } from '#config/sources.ts'
import { TemporaryDirectory } from '#tests/support/directory.ts'

/** Secrets as an environment gives them; no server uses these. */
export const secretVariables = {
  PDS_JWT_SECRET: '0123456789abcdef0123456789abcdef',
  PDS_ADMIN_PASSWORD: 'correct horse battery',
  PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: '11'.repeat(32),
} as const

export class ConfigDirectory extends TemporaryDirectory {
  /** Writes a file below the directory and returns its path. */
  write(name: string, content: string, mode = 0o600): string {
    const path = join(this.path, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content, { mode })
    return path
  }

  /** What a server in this directory would find, with the secrets that it needs. */
  read(env: Record<string, string> = {}, flags: Flags = {}): ConfigReading {
    return readConfig({ env: { ...secretVariables, ...env }, flags, cwd: this.path })
  }

  /** The configuration of a server in this directory that must be sound. */
  load(env: Record<string, string> = {}, flags: Flags = {}): Config {
    return this.loadReading(env, flags).config
  }

  loadReading(env: Record<string, string> = {}, flags: Flags = {}): LoadedConfig {
    const given = { LOCUS_HOSTNAME: 'pds.example.com', ...secretVariables, ...env }
    if (env.PDS_HOSTNAME) given.LOCUS_HOSTNAME = ''
    return loadConfigReading({ env: given, flags, cwd: this.path })
  }
}
