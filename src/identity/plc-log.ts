/**
 * What may follow what in the log of a did:plc. The embedded directory and whoever checks a directory share these rules.
 *
 * A log is a chain: each operation names the one before it and is signed by one of that one's rotation keys, strongest
 * first. A stronger key may, within 72 hours, fork the chain before an operation of a weaker one, and so nullify it and
 * all that followed:
 *
 *     genesis (keys a b) <- handle change by b <- new keys by b
 *           ^------------ handle change by a, at most 72 h after the first of b's: both of b's are nullified
 *
 * @see https://web.plc.directory/spec/v0.1/did-plc
 */
import { InvalidPlcOperationError } from '#identity/errors.ts'
import {
  type AnyPlcOperation,
  dataOf,
  genesisDid,
  operationCid,
  type PlcData,
} from '#identity/plc-operation.ts'
import { verifySignature } from '#keys/k256.ts'
import type { Did } from '#lexicon/strings.ts'
import { encode } from '#repo/dag-cbor.ts'
import { HOUR } from '#std/clock.ts'

/** An operation in its log. */
export interface LoggedOperation {
  readonly operation: AnyPlcOperation
  readonly cid: string
  /** when the directory took it, Unix milliseconds */
  readonly createdAt: number
  readonly nullified: boolean
}

const RECOVERY_WINDOW_MS = 72 * HOUR

const misordered = () => new InvalidPlcOperationError('Operations not correctly ordered')

/**
 * Whether `proposed` may follow in the log of `did`, at `time` (Unix milliseconds).
 * @returns CIDs of the operations that it nullifies, mostly none
 * @throws InvalidPlcOperationError
 */
export function judgeOperation(
  did: Did,
  log: readonly LoggedOperation[],
  proposed: AnyPlcOperation,
  time: number,
): string[] {
  const active = log.filter((entry) => !entry.nullified)
  const latest = active.at(-1)
  if (!latest) {
    judgeGenesis(did, proposed)
    return []
  }
  const at = active.findIndex((entry) => entry.cid === proposed.prev)
  const previous = active[at]
  const before = previous ? dataOf(previous.operation) : null
  if (!before) throw misordered() // unknown, nullified, or a tombstone
  const newest = log.at(-1)
  if (newest && time <= newest.createdAt) throw misordered()

  const [firstNullified, ...rest] = active.slice(at + 1)
  if (!firstNullified) {
    signerOf(before.rotationKeys, proposed)
    return []
  }
  const disputed = signerOf(before.rotationKeys, firstNullified.operation)
  signerOf(before.rotationKeys.slice(0, before.rotationKeys.indexOf(disputed)), proposed)
  const elapsed = time - firstNullified.createdAt
  if (elapsed > RECOVERY_WINDOW_MS) {
    throw new InvalidPlcOperationError(
      `Recovery operation occurred outside of the allowed 72 hr recovery window. Time lapsed: ${elapsed}`,
    )
  }
  return [firstNullified, ...rest].map((entry) => entry.cid)
}

function judgeGenesis(did: Did, genesis: AnyPlcOperation): void {
  const data = dataOf(genesis)
  if (!data) throw misordered()
  signerOf(data.rotationKeys, genesis)
  const expected = genesisDid(genesis)
  if (expected !== did) {
    throw new InvalidPlcOperationError(`Hash of genesis operation does not match DID identifier: ${expected}`)
  }
  if (genesis.prev !== null) {
    throw new InvalidPlcOperationError('Improperly formatted operation, expected null prev on create')
  }
}

/** 64 bytes in base64url have one spelling: no padding, and nothing in the four bits that the last letter has left. */
const SIGNATURE = /^[A-Za-z0-9_-]{85}[AQgw]$/

/** The first of `keys` that made the signature. */
function signerOf(keys: readonly string[], operation: AnyPlcOperation): string {
  const { sig, ...unsigned } = operation
  if (SIGNATURE.test(sig)) {
    const signature = Buffer.from(sig, 'base64url')
    const bytes = encode(unsigned)
    const signer = keys.find((key) => verifySignature(key, bytes, signature))
    if (signer) return signer
  }
  throw new InvalidPlcOperationError(`Invalid signature on op: ${JSON.stringify(operation)}`)
}

/**
 * Checks a whole log as a directory tells it, nullified operations and times included.
 * @returns what the DID says now; null after a tombstone
 * @throws InvalidPlcOperationError when an operation is not right, or the log says something else of it than it should
 */
export function verifyLog(did: Did, log: readonly LoggedOperation[]): PlcData | null {
  const replayed: LoggedOperation[] = []
  for (const { operation, cid, createdAt } of log) {
    const nullified = new Set(judgeOperation(did, replayed, operation, createdAt))
    for (const [i, entry] of replayed.entries()) {
      if (nullified.has(entry.cid)) replayed[i] = { ...entry, nullified: true }
    }
    if (operationCid(operation) !== cid)
      throw new InvalidPlcOperationError(`The log names an operation ${cid} that it is not`)
    replayed.push({ operation, cid, createdAt, nullified: false })
  }
  const wrong = log.find((entry, i) => entry.nullified !== replayed[i]?.nullified)
  if (wrong) {
    throw new InvalidPlcOperationError(`The log says wrongly whether ${wrong.cid} is nullified`)
  }
  const last = replayed.findLast((entry) => !entry.nullified)
  if (!last) throw new InvalidPlcOperationError('The log is empty')
  return dataOf(last.operation)
}
