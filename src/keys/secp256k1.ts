/**
 * Where secp256k1 is computed: by libsecp256k1 as a native addon (41 µs a signature), else by @noble/curves (200 µs).
 * Both make the same signatures (RFC 6979, low S).
 *
 * The addon's prebuilt files are named one by one, so that the bundler puts them into the executable; at run time Bun
 * writes the one that is asked for to the temporary directory and loads it. That fails where this directory may not
 * hold programs, where libstdc++ is missing, or where there is no prebuilt file (linux-arm64), and then noble takes over.
 */
import { logger } from '#telemetry/log.ts'

const log = logger('keys')

export interface Secp256k1 {
  readonly name: 'native' | 'noble'
  isSecret(secret: Uint8Array): boolean
  /** @returns the compressed point */
  publicKey(secret: Uint8Array): Uint8Array
  /** @returns r and s, 64 bytes */
  sign(hash: Uint8Array, secret: Uint8Array): Uint8Array
  /** Takes signatures of low S only. */
  verify(signature: Uint8Array, hash: Uint8Array, point: Uint8Array): boolean
}

let chosen: Secp256k1 | null = null

/** The better one that works here; chosen when it is first needed. */
export function secp256k1(): Secp256k1 {
  chosen ??= native() ?? noble()
  return chosen
}

/** What the package makes of its addon. */
interface NativeApi {
  privateKeyVerify(secret: Uint8Array): boolean
  publicKeyCreate(secret: Uint8Array, compressed: boolean): Uint8Array
  ecdsaSign(hash: Uint8Array, secret: Uint8Array): { signature: Uint8Array }
  ecdsaVerify(signature: Uint8Array, hash: Uint8Array, point: Uint8Array): boolean
}

interface Addon {
  Secp256k1: new () => unknown
}

/** libsecp256k1, or null where it cannot be loaded. */
export function native(): Secp256k1 | null {
  const faults: string[] = []
  for (const load of prebuilt()) {
    try {
      const addon: Addon = load()
      const wrap: (methods: unknown) => NativeApi = require('secp256k1/lib')
      return fromNative(wrap(new addon.Secp256k1()))
    } catch (error) {
      faults.push(error instanceof Error ? error.message : String(error))
    }
  }
  if (faults.length > 0) log.warn('native secp256k1 cannot be loaded, signing takes longer', { faults })
  return null
}

/** The files for this platform; which C library it has shows only when they are loaded. */
function prebuilt(): (() => Addon)[] {
  if (process.platform === 'linux' && process.arch === 'x64') {
    return [
      () => require('secp256k1/prebuilds/linux-x64/secp256k1.glibc.node'),
      () => require('secp256k1/prebuilds/linux-x64/secp256k1.musl.node'),
    ]
  }
  if (process.platform === 'darwin' && process.arch === 'arm64') {
    return [() => require('secp256k1/prebuilds/darwin-arm64/secp256k1.node')]
  }
  return []
}

function fromNative(api: NativeApi): Secp256k1 {
  return {
    name: 'native',
    isSecret: (secret) => secret.length === 32 && api.privateKeyVerify(secret),
    publicKey: (secret) => api.publicKeyCreate(secret, true),
    sign: (hash, secret) => api.ecdsaSign(hash, secret).signature,
    verify(signature, hash, point) {
      try {
        return api.ecdsaVerify(signature, hash, point)
      } catch {
        return false // r, s or the point is out of range
      }
    },
  }
}

/** Loaded only where it is needed: it takes 16 ms and 17 MB. */
export function noble(): Secp256k1 {
  const { secp256k1: curve }: typeof import('@noble/curves/secp256k1') = require('@noble/curves/secp256k1')
  return {
    name: 'noble',
    isSecret: (secret) => secret.length === 32 && curve.utils.isValidPrivateKey(secret),
    publicKey: (secret) => curve.getPublicKey(secret, true),
    sign: (hash, secret) => curve.sign(hash, secret, { lowS: true }).toCompactRawBytes(),
    verify(signature, hash, point) {
      try {
        return curve.verify(signature, hash, point, { lowS: true, format: 'compact' })
      } catch {
        return false
      }
    },
  }
}
