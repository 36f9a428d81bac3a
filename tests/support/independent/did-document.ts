/** What a PLC directory says of a DID. */
import { formatDidKey, multibaseToBytes } from '@atproto/crypto'

/** Their keys are not compressed and do not say of what kind they are. Old directories give no others. */
const LEGACY_TYPES: Record<string, string> = {
  EcdsaSecp256k1VerificationKey2019: 'ES256K',
  EcdsaSecp256r1VerificationKey2019: 'ES256',
}

export class DidDocumentError extends Error {
  override readonly name = 'DidDocumentError'
}

interface DidDocument {
  id: string
  alsoKnownAs?: string[]
  verificationMethod?: { id: string; type: string; controller: string; publicKeyMultibase?: string }[]
  service?: { id: string; type: string; serviceEndpoint: string }[]
}

/** @throws DidDocumentError */
export async function fetchDidDocument(plcUrl: string, did: string): Promise<DidDocument> {
  const response = await fetch(`${plcUrl}/${did}`, { signal: AbortSignal.timeout(10_000) })
  if (!response.ok) throw new DidDocumentError(`the directory answers ${response.status} for ${did}`)
  const document = (await response.json()) as DidDocument
  if (document.id !== did) throw new DidDocumentError(`the document of ${did} is that of ${document.id}`)
  return document
}

/** The key, as did:key, with which the repository of `did` has to be signed. @throws DidDocumentError */
export async function signingKeyOf(plcUrl: string, did: string): Promise<string> {
  const { verificationMethod = [] } = await fetchDidDocument(plcUrl, did)
  const method = verificationMethod.find(({ id }) => id === '#atproto' || id === `${did}#atproto`)
  if (!method?.publicKeyMultibase || method.controller !== did) {
    throw new DidDocumentError(`the document of ${did} has no #atproto key`)
  }
  if (method.type === 'Multikey') return `did:key:${method.publicKeyMultibase}`
  const algorithm = LEGACY_TYPES[method.type]
  if (!algorithm) throw new DidDocumentError(`the key of ${did} is of the type ${method.type}`)
  return formatDidKey(algorithm, multibaseToBytes(method.publicKeyMultibase))
}
