import { domainToASCII } from 'node:url'
import { InvalidRequestError } from '#std/errors.ts'
import { isDisposableDomain } from './disposable-domains.ts'

/** RFC 5321 */
const MAX_LENGTH = 254
const MAX_LOCAL_BYTES = 64

/** RFC 5322's atoms, and with RFC 6531 everything beyond ASCII; quoted strings are not taken */
const LOCAL = /^[\w!#$%&'*+\-/=?^`{|}~\u0080-\u{10ffff}]+(?:\.[\w!#$%&'*+\-/=?^`{|}~\u0080-\u{10ffff}]+)*$/u
const NAME = /^[\p{L}\p{M}\p{N}.-]+$/u
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const DOMAIN = new RegExp(`^(?:${LABEL}\\.)+(?!\\d)${LABEL}$`, 'i')

/** Whether mail could be addressed to `text`; that also keeps headers and line breaks out of what is sent. */
export function isEmailAddress(text: string): boolean {
  const at = text.lastIndexOf('@')
  if (at < 1 || text.length > MAX_LENGTH) return false
  const local = text.slice(0, at)
  if (Buffer.byteLength(local) > MAX_LOCAL_BYTES || /\p{C}|\p{Z}/u.test(text)) return false
  const domain = text.slice(at + 1)
  return LOCAL.test(local) && NAME.test(domain) && DOMAIN.test(domainToASCII(domain))
}

/**
 * The form of an address that is stored and compared: lower case.
 * @throws InvalidRequestError when it is none, or at a host whose addresses are thrown away after use
 */
export function checkEmailAddress(text: string): string {
  const address = text.toLowerCase()
  if (!isEmailAddress(address) || isDisposableDomain(address.slice(address.lastIndexOf('@') + 1))) {
    throw new InvalidRequestError('This email address is not supported, please use a different email.')
  }
  return address
}
