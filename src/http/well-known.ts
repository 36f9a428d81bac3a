/** What a server says of itself and of the handles under its domains, at fixed paths. */
import { activeAccount } from '#account/availability.ts'
import type { App } from '#app.ts'
import { normalizeHandle } from '#lexicon/strings.ts'
import { hostIn, hostOf } from './host-header.ts'
import { plain, publicJson } from './replies.ts'

/**
 * The DID of the account whose handle is the host that is asked for. A front end may say which that was.
 * @see https://atproto.com/specs/handle
 */
export function atprotoDid(app: App, request: Request, isFrontEnd: boolean): Response {
  const forwarded = isFrontEnd ? request.headers.get('x-forwarded-host')?.split(',')[0]?.trim() : null
  const handle = normalizeHandle(forwarded ? hostIn(forwarded) : hostOf(request))
  const { handleDomains } = app.config
  const isOurs = handle !== null && handleDomains.some((domain) => `.${handle}`.endsWith(domain))
  const account = isOurs ? activeAccount(app.accounts, handle) : null
  return account ? plain(account.did) : plain('User not found', 404)
}

/** The DID document of the server, where its DID is `did:web` of its host name. */
export function didDocument(app: App, request: Request): Response {
  const { hostname, serviceDid, publicUrl, dev } = app.config
  const host = hostOf(request)
  const isOurs = host === hostname || (dev && (host === '127.0.0.1' || host === 'localhost'))
  if (!isOurs || serviceDid !== `did:web:${hostname}`) return plain('Not Found', 404)
  return publicJson({
    '@context': ['https://www.w3.org/ns/did/v1'],
    id: serviceDid,
    service: [{ id: '#atproto_pds', type: 'AtprotoPersonalDataServer', serviceEndpoint: publicUrl }],
  })
}
