/**
 * did:plc operations as they are: their three forms, read from foreign JSON, signed, named by their hash. What may
 * follow what is in `plc-log.ts`. Pure: no network, no storage.
 * @see https://web.plc.directory/spec/v0.1/did-plc
 */
import { curveOf, multikeyOf } from '#identity/did-key.ts'
import { InvalidPlcOperationError } from '#identity/errors.ts'
import type { SigningKey } from '#keys/k256.ts'
import { isJsonObject, type Json, type JsonObject } from '#lexicon/json.ts'
import { type Did, isDid } from '#lexicon/strings.ts'
import { cidOf, formatCid } from '#repo/cid.ts'
import { encode } from '#repo/dag-cbor.ts'
import { base32 } from '#std/base32.ts'

export interface PlcService {
  readonly type: string
  readonly endpoint: string
}

/** What a DID says at one point of its log. */
export interface PlcData {
  /** did:key, strongest first */
  readonly rotationKeys: readonly string[]
  /** did:key by name, without `#` */
  readonly verificationMethods: Readonly<Record<string, string>>
  readonly alsoKnownAs: readonly string[]
  /** by name, without `#` */
  readonly services: Readonly<Record<string, PlcService>>
}

export interface UnsignedPlcOperation extends PlcData {
  readonly type: 'plc_operation'
  /** CID of the operation before, null at the beginning */
  readonly prev: string | null
}

export interface UnsignedPlcTombstone {
  readonly type: 'plc_tombstone'
  readonly prev: string
}

/** How logs began before 2023; nothing new is made so. */
export interface UnsignedLegacyCreate {
  readonly type: 'create'
  readonly signingKey: string
  readonly recoveryKey: string
  readonly handle: string
  readonly service: string
  readonly prev: null
}

export type Signed<Unsigned> = Unsigned & { readonly sig: string }
export type PlcOperation = Signed<UnsignedPlcOperation>
export type PlcTombstone = Signed<UnsignedPlcTombstone>
export type LegacyPlcCreate = Signed<UnsignedLegacyCreate>
export type AnyPlcOperation = PlcOperation | PlcTombstone | LegacyPlcCreate
type Unsigned = UnsignedPlcOperation | UnsignedPlcTombstone | UnsignedLegacyCreate

/** Signs anything that a log takes. Signatures are deterministic, so doing it again gives the same operation. */
export function signOperation<T extends Unsigned>(unsigned: T, key: SigningKey): Signed<T> {
  return { ...unsigned, sig: Buffer.from(key.sign(encode(unsigned))).toString('base64url') }
}

/** CID of an operation, as the next one carries it. */
export function operationCid(operation: AnyPlcOperation): string {
  return formatCid(cidOf('dag-cbor', encode(operation)))
}

/** The DID whose log begins with this operation. */
export function genesisDid(genesis: AnyPlcOperation): Did {
  const hash = cidOf('dag-cbor', encode(genesis)).subarray(-32)
  const did = `did:plc:${base32(hash).slice(0, 24)}`
  if (!isDid(did)) throw new TypeError(`a hash gave ${did}`)
  return did
}

/** What is said of a DID after `operation`; null after a tombstone. */
export function dataOf(operation: AnyPlcOperation): PlcData | null {
  switch (operation.type) {
    case 'plc_tombstone':
      return null
    case 'create':
      return {
        rotationKeys: [operation.recoveryKey, operation.signingKey],
        verificationMethods: { atproto: operation.signingKey },
        alsoKnownAs: [legacyAlias(operation.handle)],
        services: {
          atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: legacyEndpoint(operation.service) },
        },
      }
    case 'plc_operation': {
      const { rotationKeys, verificationMethods, alsoKnownAs, services } = operation
      return { rotationKeys, verificationMethods, alsoKnownAs, services }
    }
  }
}

function legacyAlias(handle: string): string {
  return handle.startsWith('at://') ? handle : `at://${handle.replace('http://', '').replace('https://', '')}`
}

function legacyEndpoint(service: string): string {
  return /^https?:\/\//.test(service) ? service : `https://${service}`
}

/** The document that a directory answers with. */
export function plcDocument(did: Did, data: PlcData): JsonObject {
  const keys = Object.entries(data.verificationMethods)
  const curves = keys.flatMap(([, key]) => curveOf(key) ?? [])
  return {
    '@context': [
      'https://www.w3.org/ns/did/v1',
      'https://w3id.org/security/multikey/v1',
      ...new Set(curves.map((curve) => SUITES[curve])),
    ],
    id: did,
    alsoKnownAs: data.alsoKnownAs,
    verificationMethod: keys.map(([name, key]) => ({
      id: `${did}#${name}`,
      type: 'Multikey',
      controller: did,
      publicKeyMultibase: multikeyOf(key),
    })),
    service: Object.entries(data.services).map(([name, { type, endpoint }]) => ({
      id: `#${name}`,
      type,
      serviceEndpoint: endpoint,
    })),
  }
}

const SUITES = {
  'K-256': 'https://w3id.org/security/suites/secp256k1-2019/v1',
  'P-256': 'https://w3id.org/security/suites/ecdsa-2019/v1',
} as const

const FIELDS: Readonly<Record<AnyPlcOperation['type'], readonly string[]>> = {
  plc_operation: ['type', 'rotationKeys', 'verificationMethods', 'alsoKnownAs', 'services', 'prev', 'sig'],
  plc_tombstone: ['type', 'prev', 'sig'],
  create: ['type', 'signingKey', 'recoveryKey', 'handle', 'service', 'prev', 'sig'],
}

/**
 * Foreign JSON as an operation: exactly its fields, each of its type.
 * @throws InvalidPlcOperationError
 */
export function asPlcOperation(json: Json): AnyPlcOperation {
  if (!isJsonObject(json)) throw invalid('it is not an object')
  const { type, prev, sig } = json
  if (type !== 'plc_operation' && type !== 'plc_tombstone' && type !== 'create') {
    throw invalid('type is not plc_operation or plc_tombstone')
  }
  const missing = FIELDS[type].find((name) => !Object.hasOwn(json, name))
  if (missing) throw invalid(`${missing} is missing`)
  const unknown = Object.keys(json).find((name) => !FIELDS[type].includes(name))
  if (unknown !== undefined) throw invalid(`${unknown} is not one of its fields`)
  if (!isText(sig)) throw invalid('sig is not a string')
  switch (type) {
    case 'plc_tombstone':
      if (!isText(prev)) throw invalid('prev is not a string')
      return { type, prev, sig }
    case 'create':
      if (prev !== null) throw invalid('prev is not null')
      return { type, ...asLegacyFields(json), prev, sig }
    case 'plc_operation':
      if (prev !== null && !isText(prev)) throw invalid('prev is not a string or null')
      return { type, ...asPlcData(json), prev, sig }
  }
}

function asLegacyFields({ signingKey, recoveryKey, handle, service }: JsonObject) {
  if (!isText(signingKey) || !isText(recoveryKey)) throw invalid('a key is not a string')
  if (!isText(handle) || !isText(service)) throw invalid('handle or service is not a string')
  return { signingKey, recoveryKey, handle, service }
}

/**
 * The data in foreign JSON, whatever else there is.
 * @throws InvalidPlcOperationError
 */
export function asPlcData(json: Json): PlcData {
  if (!isJsonObject(json)) throw invalid('it is not an object')
  const { rotationKeys, verificationMethods, alsoKnownAs, services } = json
  if (!isListOf(rotationKeys, isText)) throw invalid('rotationKeys is not a list of strings')
  if (!isListOf(alsoKnownAs, isText)) throw invalid('alsoKnownAs is not a list of strings')
  if (!isMapOf(verificationMethods, isText)) throw invalid('verificationMethods is not a map of strings')
  if (!isMapOf(services, isService)) throw invalid('services is not a map of types and endpoints')
  return { rotationKeys, verificationMethods, alsoKnownAs, services }
}

function invalid(why: string): InvalidPlcOperationError {
  return new InvalidPlcOperationError(`Not a valid operation: ${why}`)
}

/** Half of a surrogate pair has no bytes, so nothing could be signed that holds one. */
function isText(json: Json | undefined): json is string {
  return typeof json === 'string' && json.isWellFormed()
}

function isListOf<T extends Json>(
  json: Json | undefined,
  is: (entry: Json) => entry is T,
): json is readonly T[] {
  return Array.isArray(json) && json.every(is)
}

function isMapOf<T>(
  json: Json | undefined,
  is: (entry: Json) => entry is Json & T,
): json is JsonObject & Readonly<Record<string, T>> {
  return (
    isJsonObject(json) &&
    Object.entries(json).every(([key, entry]) => isText(key) && key !== '__proto__' && is(entry))
  )
}

function isService(json: Json): json is JsonObject & PlcService {
  return isJsonObject(json) && Object.keys(json).length === 2 && isText(json.type) && isText(json.endpoint)
}
