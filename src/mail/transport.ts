import type { Mail } from '#mail/mail.ts'
import { DomainError } from '#std/errors.ts'

/** Takes mails to where their recipients read them. */
export interface MailTransport {
  /**
   * Returns when the mail is in the hands of the next one on its way.
   * @throws MailRefusedError when trying again would not help; after any other error the mail is tried again
   */
  deliver(mail: Mail): Promise<void>
}

/** The mail will never be taken: no such recipient, too large, unwanted. */
export class MailRefusedError extends DomainError {
  override readonly name = 'MailRefusedError'
  readonly kind = 'upstream'
  readonly code = 'UpstreamFailure'
}
