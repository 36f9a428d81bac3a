/** The operations that this server makes: a DID's first, its changes, its end. */
import { InvalidPlcOperationError } from '#identity/errors.ts'
import { checkLimits } from '#identity/plc-limits.ts'
import {
  type AnyPlcOperation,
  dataOf,
  genesisDid,
  operationCid,
  type PlcData,
  type PlcOperation,
  type PlcTombstone,
  signOperation,
} from '#identity/plc-operation.ts'
import type { SigningKey } from '#keys/k256.ts'
import type { Did, Handle } from '#lexicon/strings.ts'

export interface NewPlcAccount {
  /** did:key that will sign the repository */
  signingKey: string
  /** did:key, strongest first; the signer's among them */
  rotationKeys: readonly string[]
  handle: Handle
  /** the server's public URL, without a slash at the end */
  pds: string
}

/**
 * The first operation of a new account, and the DID that follows from it. The same input always gives the same DID.
 * @throws InvalidPlcOperationError when a rotation key is none, given twice, or one too many
 */
export function createGenesis(
  account: NewPlcAccount,
  signer: SigningKey,
): { did: Did; operation: PlcOperation } {
  const operation = signOperation(
    {
      type: 'plc_operation',
      rotationKeys: account.rotationKeys,
      verificationMethods: { atproto: account.signingKey },
      alsoKnownAs: [`at://${account.handle}`],
      services: { atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: account.pds } },
      prev: null,
    },
    signer,
  )
  checkLimits(operation)
  return { did: genesisDid(operation), operation }
}

/**
 * The operation that changes what `last` says. It names `last` as it was stored: in an old log that is the legacy form.
 * @throws InvalidPlcOperationError when `last` is a tombstone, or the result is over a limit
 */
export function createUpdate(
  last: AnyPlcOperation,
  change: (now: PlcData) => Partial<PlcData>,
  signer: SigningKey,
): PlcOperation {
  const now = dataOf(last)
  if (!now) throw new InvalidPlcOperationError('Did is tombstoned')
  const operation = signOperation(
    { type: 'plc_operation', ...now, ...change(now), prev: operationCid(last) },
    signer,
  )
  checkLimits(operation)
  return operation
}

/**
 * The operation that ends a DID for good.
 * @throws InvalidPlcOperationError when `last` did that already
 */
export function createTombstone(last: AnyPlcOperation, signer: SigningKey): PlcTombstone {
  if (last.type === 'plc_tombstone') throw new InvalidPlcOperationError('Did is tombstoned')
  return signOperation({ type: 'plc_tombstone', prev: operationCid(last) }, signer)
}

/** The aliases with `handle` in the place of the handle that was claimed; all others stay. */
export function withHandle(alsoKnownAs: readonly string[], handle: Handle): string[] {
  const alias = `at://${handle}`
  const at = alsoKnownAs.findIndex((entry) => entry.startsWith('at://'))
  return at < 0 ? [alias, ...alsoKnownAs] : alsoKnownAs.with(at, alias)
}
