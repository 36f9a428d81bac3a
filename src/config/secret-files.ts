/** Makes the secrets of a server, each once, in files that only their owner can read. */
import { existsSync, mkdirSync } from 'node:fs'
import type { DataLayout, SecretName } from '#config/layout.ts'
import { privateKeyHex } from '#config/secret-kinds.ts'
import { syncDirectory, writeFileAtomic } from '#std/atomic-file.ts'
import { randomHex } from '#std/bytes.ts'

/** Without these no server runs. */
export const requiredSecrets: readonly SecretName[] = ['jwt-secret', 'admin-password', 'plc-rotation-key']

/**
 * Writes those of `names` that are not there yet, on disk when it returns, and names the ones it wrote.
 * `given` are values to use instead of random ones.
 */
export function createSecrets(
  layout: DataLayout,
  names: readonly SecretName[] = requiredSecrets,
  given: Partial<Record<SecretName, string>> = {},
): readonly SecretName[] {
  const missing = names.filter((name) => !existsSync(layout.secret(name)))
  if (missing.length === 0) return []
  mkdirSync(layout.secrets, { recursive: true, mode: 0o700 })
  syncDirectory(layout.root)
  for (const name of missing) {
    writeFileAtomic(layout.secret(name), `${given[name] ?? randomSecret(name)}\n`, 0o600)
  }
  return missing
}

/** A new secret, as its file holds it. */
export function randomSecret(name: SecretName): string {
  if (name === 'admin-password') return randomHex(16)
  if (name !== 'plc-rotation-key') return randomHex(32)
  for (;;) {
    const key = randomHex(32)
    if ('value' in privateKeyHex.parse(key, '')) return key
  }
}
