/** What a PLC directory says of a DID. */

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
  if (method?.type !== 'Multikey' || method.controller !== did || !method.publicKeyMultibase) {
    throw new DidDocumentError(`the document of ${did} has no usable #atproto key`)
  }
  return `did:key:${method.publicKeyMultibase}`
}
