/**
 * Where passwords and tokens come from: a file, standard input, systemd's credentials directory, a prompt. Never from the
 * argument list, which every process on the machine can read.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CommandError, exitCodes, usageError } from '#cli/errors.ts'
import { messageOf } from '#std/errors.ts'

const MAX_SECRET_BYTES = 4096

/** The first line of a file. @throws CommandError when it cannot be read or has none */
export function readSecretFile(path: string): string {
  try {
    return secretOf(readFileSync(path, 'utf8'), path)
  } catch (error) {
    if (error instanceof CommandError) throw error
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    throw new CommandError(
      `the secret in ${path} cannot be read: ${messageOf(error)}`,
      isMissing ? exitCodes.notFound : exitCodes.failed,
    )
  }
}

/** The first line of standard input. @throws CommandError when there is none */
export async function readSecretFromStdin(): Promise<string> {
  return secretOf(await Bun.stdin.text(), 'standard input')
}

/** A secret that systemd's `LoadCredential=` gives to the unit, or null. */
export function readCredential(name: string): string | null {
  const directory = process.env.CREDENTIALS_DIRECTORY
  if (!directory) return null
  const path = join(directory, name)
  try {
    return secretOf(readFileSync(path, 'utf8'), path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

function secretOf(text: string, place: string): string {
  const line = text.split(/\r?\n/, 1)[0] ?? ''
  if (line === '') throw usageError(`${place} has no first line to take a secret from`)
  if (Buffer.byteLength(line) > MAX_SECRET_BYTES)
    throw usageError(`the first line of ${place} is too long for a secret`)
  return line
}
