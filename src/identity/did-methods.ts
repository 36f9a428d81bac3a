/**
 * The two kinds of DID that the network accepts, and what their text alone tells.
 * @see https://atproto.com/specs/did#blessed-did-methods
 */
import { type Did, isDid, isHandle } from '#lexicon/strings.ts'

const DID_PLC = /^did:plc:[a-z2-7]{24}$/
const DID_WEB_LOCALHOST = /^did:web:localhost(?:%3A(\d{1,5}))?$/i

export function isDidPlc(text: string): text is Did {
  return DID_PLC.test(text)
}

/** Whether `text` is a DID that an account may have. */
export function isAccountDid(text: string): text is Did {
  return isDidPlc(text) || (isDid(text) && didWebUrl(text, { allowLoopback: false }) !== null)
}

/**
 * Where the document of a did:web is. Null for any other DID, and for the forms of did:web that the network does not
 * take: with a path, or with a port. `allowLoopback` adds this machine, by http, for development.
 */
export function didWebUrl(did: Did, { allowLoopback }: { allowLoopback: boolean }): string | null {
  const local = DID_WEB_LOCALHOST.exec(did)
  if (local) {
    if (!allowLoopback) return null
    return `http://localhost${local[1] ? `:${local[1]}` : ''}/.well-known/did.json`
  }
  if (!did.startsWith('did:web:')) return null
  const hostname = did.slice('did:web:'.length).toLowerCase()
  return isHandle(hostname) ? `https://${hostname}/.well-known/did.json` : null
}
