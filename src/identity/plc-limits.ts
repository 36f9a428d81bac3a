/** Limits that new did:plc operations keep to. Old logs hold operations that are over them, and stay valid. */
import { curveOf, isDidKey } from '#identity/did-key.ts'
import { InvalidPlcOperationError } from '#identity/errors.ts'
import { type AnyPlcOperation, dataOf, type PlcData } from '#identity/plc-operation.ts'
import { encode } from '#repo/dag-cbor.ts'

const MAX_OPERATION_BYTES = 4000
const MAX_ROTATION_KEYS = 5
const MAX_ENTRIES = 10
const MAX_ALIAS_LENGTH = 258
const MAX_NAME_LENGTH = 32
const MAX_SERVICE_TYPE_LENGTH = 256
const MAX_ENDPOINT_LENGTH = 512
const MAX_KEY_LENGTH = 256

/**
 * What a new operation must keep to besides being right: the tighter of the specification's limits and of those of
 * plc.directory. Old logs hold operations that are over them, and stay valid.
 * @throws InvalidPlcOperationError
 */
export function checkLimits(operation: AnyPlcOperation): void {
  const size = encode(operation).length
  if (size > MAX_OPERATION_BYTES) {
    throw new InvalidPlcOperationError(
      `Operation too large (${MAX_OPERATION_BYTES} bytes maximum in cbor encoding)`,
    )
  }
  const data = dataOf(operation)
  if (!data) return
  checkKeys(data)
  checkAliases(data.alsoKnownAs)
  checkServices(data.services)
}

function checkKeys({ rotationKeys, verificationMethods }: PlcData): void {
  const refuse = (why: string) => new InvalidPlcOperationError(why)
  if (rotationKeys.length === 0) throw refuse('At least one rotationKey is needed')
  if (rotationKeys.length > MAX_ROTATION_KEYS) {
    throw refuse(`Too many rotationKey entries (max ${MAX_ROTATION_KEYS})`)
  }
  for (const [i, key] of rotationKeys.entries()) {
    if (!curveOf(key)) throw refuse(`Invalid rotationKey: ${key}`)
    if (rotationKeys.indexOf(key) !== i) throw refuse(`duplicate rotationKey: ${key}`)
  }
  const methods = Object.entries(verificationMethods)
  if (methods.length > MAX_ENTRIES) throw refuse(`Too many Verification Method entries (max ${MAX_ENTRIES})`)
  for (const [name, key] of methods) {
    if (name.length > MAX_NAME_LENGTH) {
      throw refuse(`Verification Method id too long (max ${MAX_NAME_LENGTH}): ${name}`)
    }
    if (key.length > MAX_KEY_LENGTH) {
      throw refuse(`Verification Method key too long (max ${MAX_KEY_LENGTH}): ${key}`)
    }
    if (!isDidKey(key)) throw refuse(`Invalid verificationMethod key: ${key}`)
  }
}

function checkAliases(aliases: readonly string[]): void {
  const refuse = (why: string) => new InvalidPlcOperationError(why)
  if (aliases.length > MAX_ENTRIES) throw refuse(`Too many alsoKnownAs entries (max ${MAX_ENTRIES})`)
  for (const [i, alias] of aliases.entries()) {
    if (alias.length > MAX_ALIAS_LENGTH) {
      throw refuse(`alsoKnownAs entry too long (max ${MAX_ALIAS_LENGTH}): ${alias}`)
    }
    if (aliases.indexOf(alias) !== i) throw refuse(`duplicate alsoKnownAs entry: ${alias}`)
  }
}

function checkServices(services: PlcData['services']): void {
  const refuse = (why: string) => new InvalidPlcOperationError(why)
  const entries = Object.entries(services)
  if (entries.length > MAX_ENTRIES) throw refuse(`Too many service entries (max ${MAX_ENTRIES})`)
  for (const [name, { type, endpoint }] of entries) {
    if (name.length > MAX_NAME_LENGTH) throw refuse(`Service id too long (max ${MAX_NAME_LENGTH}): ${name}`)
    if (type.length > MAX_SERVICE_TYPE_LENGTH) {
      throw refuse(`Service type too long (max ${MAX_SERVICE_TYPE_LENGTH})`)
    }
    if (endpoint.length > MAX_ENDPOINT_LENGTH) {
      throw refuse(`Service endpoint too long (max ${MAX_ENDPOINT_LENGTH})`)
    }
  }
}
