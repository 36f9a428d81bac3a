/**
 * DID documents, as far as the network reads them: the handle that an account claims, the key that signs its
 * repository, the server that holds it. Documents are foreign JSON: what is not as the rules say is as if absent.
 * @see https://atproto.com/specs/did#did-documents
 */
import { fromMultikey, fromPoint } from '#identity/did-key.ts'
import { isJsonObject, type Json, type JsonObject } from '#lexicon/json.ts'
import { type Did, type Handle, normalizeHandle } from '#lexicon/strings.ts'

/** A document that is about `id`; the rest of it is not checked yet. */
export type DidDocument = JsonObject & { readonly id: Did }

/** `json` as the document of `did`, or null when it is none: a document speaks only for the DID that it names. */
export function asDidDocument(json: Json, did: Did): DidDocument | null {
  if (!isJsonObject(json) || json.id !== did) return null
  return { ...json, id: did }
}

/**
 * The handle that the account claims: its first `at://` alias. It holds only if the handle resolves to the DID as well.
 */
export function claimedHandle(document: DidDocument): Handle | null {
  const alias = listOf(document.alsoKnownAs).find(
    (entry) => typeof entry === 'string' && entry.startsWith('at://'),
  )
  return typeof alias === 'string' ? normalizeHandle(alias.slice('at://'.length)) : null
}

/** The `did:key` of the verification method named `#<fragment>`, if it is of a curve that the network uses. */
export function verificationKey(document: DidDocument, fragment = 'atproto'): string | null {
  const method = entryOf(document.verificationMethod, document.id, fragment)
  if (!method || typeof method.publicKeyMultibase !== 'string') return null
  if (method.controller !== undefined && method.controller !== document.id) return null
  switch (method.type) {
    case 'Multikey':
      return fromMultikey(method.publicKeyMultibase)
    case 'EcdsaSecp256k1VerificationKey2019':
      return fromPoint('K-256', method.publicKeyMultibase)
    case 'EcdsaSecp256r1VerificationKey2019':
      return fromPoint('P-256', method.publicKeyMultibase)
    default:
      return null
  }
}

/** The server of the account, as scheme, host and port without a slash at the end. */
export function pdsEndpoint(document: DidDocument): string | null {
  return serviceEndpoint(document, 'atproto_pds', 'AtprotoPersonalDataServer')
}

/**
 * Where the service named `#<fragment>` answers: scheme, host and port without a slash at the end. Null when there is
 * none of that type, or its endpoint is more than an origin or not https (http is for this machine only).
 */
export function serviceEndpoint(document: DidDocument, fragment: string, type: string): string | null {
  const service = entryOf(document.service, document.id, fragment)
  if (!service || service.type !== type || typeof service.serviceEndpoint !== 'string') return null
  const url = URL.parse(service.serviceEndpoint)
  if (!url) return null
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && LOOPBACK.has(url.hostname))) return null
  // `href` keeps what `origin` drops: user, path, and a bare `?` or `#`
  return url.href === `${url.origin}/` ? url.origin : null
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/** The first entry named `#<fragment>`, which may be written in full; a later one of the same name never counts. */
function entryOf(list: Json | undefined, did: Did, fragment: string): JsonObject | null {
  const found = listOf(list).find(
    (entry) => isJsonObject(entry) && (entry.id === `#${fragment}` || entry.id === `${did}#${fragment}`),
  )
  return found !== undefined && isJsonObject(found) ? found : null
}

function listOf(json: Json | undefined): readonly Json[] {
  return Array.isArray(json) ? json : []
}
