/**
 * The signing keys of the accounts: one file each, 32 raw bytes that only the owner may read, beside the account's
 * store. A key is on disk before anyone learns of it: a DID that names a lost key could never be used.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Did } from '#lexicon/strings.ts'
import { syncDirectory, writeFileAtomic } from '#std/atomic-file.ts'
import { Lru } from '#std/lru.ts'
import { InvalidKeyError, SigningKeyExistsError, SigningKeyUnavailableError } from './errors.ts'
import { generateK256, k256FromSecret, type SigningKey } from './k256.ts'

const MAX_LOADED = 1000

interface Layout {
  actor(did: Did): { readonly directory: string; readonly key: string }
}

export class SigningKeys {
  private readonly loaded = new Lru<Did, SigningKey>(MAX_LOADED)

  constructor(private readonly deps: { layout: Layout }) {}

  /**
   * Gives an account its key, and has it on disk when it returns. An account that has one keeps it.
   * @param secret the key, where the DID was made for it; else a new one
   * @throws SigningKeyExistsError when the account has another key than `secret`
   */
  create(did: Did, secret?: Uint8Array): SigningKey {
    const { directory, key: path } = this.deps.layout.actor(did)
    const stored = readKey(path)
    if (stored) return this.keep(did, path, stored, secret)
    const made = secret ?? generateK256().secret
    const key = k256FromSecret(made)
    makeDirectory(directory)
    writeFileAtomic(path, made, 0o600)
    this.loaded.set(did, key)
    return key
  }

  /** @throws SigningKeyUnavailableError */
  load(did: Did): SigningKey {
    const known = this.loaded.get(did)
    if (known) return known
    const { key: path } = this.deps.layout.actor(did)
    const secret = readKey(path)
    if (!secret) throw new SigningKeyUnavailableError(`${path} is missing`)
    return this.keep(did, path, secret)
  }

  /** Removes the key for good. Does nothing when there is none. */
  destroy(did: Did): void {
    this.loaded.delete(did)
    const { directory, key: path } = this.deps.layout.actor(did)
    if (!readKey(path)) return
    rmSync(path, { force: true })
    syncDirectory(directory)
  }

  private keep(did: Did, path: string, stored: Uint8Array, expected?: Uint8Array): SigningKey {
    const key = keyOf(path, stored)
    if (expected && k256FromSecret(expected).did !== key.did) {
      throw new SigningKeyExistsError(`${did} has another signing key already`)
    }
    this.loaded.set(did, key)
    return key
  }
}

function keyOf(path: string, secret: Uint8Array): SigningKey {
  try {
    return k256FromSecret(secret)
  } catch (cause) {
    if (!(cause instanceof InvalidKeyError)) throw cause
    throw new SigningKeyUnavailableError(`${path} does not hold a key`, { cause })
  }
}

function readKey(path: string): Uint8Array | null {
  try {
    return readFileSync(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

/** Makes a directory, and what is missing above it, so that they survive a power cut. */
function makeDirectory(directory: string): void {
  const first = mkdirSync(directory, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let made = directory; ; made = dirname(made)) {
    syncDirectory(dirname(made))
    if (made === first) return
  }
}
