import type { Did } from '#lexicon/strings.ts'
import { DomainError } from '#std/errors.ts'

export type MailKind = 'confirm-email' | 'reset-password' | 'delete-account' | 'plc-operation'

export interface Mail {
  readonly kind: MailKind
  /** the account that it is about */
  readonly did: Did | null
  readonly to: string
  readonly subject: string
  /** plain text */
  readonly text: string
  /** the secret in the text, null when there is none */
  readonly code: string | null
  /** milliseconds after which it is not worth sending any more */
  readonly validForMs: number
}

/** A mail that could do harm on its way, or never arrive. */
export class InvalidMailError extends DomainError {
  override readonly name = 'InvalidMailError'
  readonly kind = 'invalid'
  readonly code = 'InvalidRequest'
}

const MAX_ADDRESS_LENGTH = 254
const MAX_LOCAL_PART_LENGTH = 64
/** The unquoted form of RFC 5322, and letters beyond ASCII: no space, quote, bracket or control character. */
const LOCAL_PART = /^[^\s\p{Cc}\p{Cf}"(),.:;<>@[\\\]]+(\.[^\s\p{Cc}\p{Cf}"(),.:;<>@[\\\]]+)*$/u
const HOST =
  /^([\p{L}\p{N}]([\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.)+[\p{L}\p{N}]([\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?$/u

/** Whether `text` is one address and nothing else, so that it can stand in a header or an SMTP command as it is. */
export function isMailAddress(text: string): boolean {
  const at = text.lastIndexOf('@')
  if (at < 1 || at > MAX_LOCAL_PART_LENGTH || text.length > MAX_ADDRESS_LENGTH) return false
  return LOCAL_PART.test(text.slice(0, at)) && HOST.test(text.slice(at + 1))
}

/**
 * Keeps what a stranger wrote from becoming a header of its own, or a second recipient.
 * @throws InvalidMailError
 */
export function checkMail(mail: Mail): void {
  if (!isMailAddress(mail.to)) throw new InvalidMailError('The mail address is not valid')
  if (/\p{Cc}/u.test(mail.subject))
    throw new InvalidMailError('The subject of a mail has a control character')
}
