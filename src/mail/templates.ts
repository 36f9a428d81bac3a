/** What our mails say. Plain text: nothing in it can be more than text. */
import type { Did, Handle } from '#lexicon/strings.ts'
import type { Mail, MailKind } from '#mail/mail.ts'
import { MINUTE } from '#std/clock.ts'

/** A mail that proves, by the code in it, that its recipient reads the account's mail. */
export interface CodeMail {
  readonly did: Did
  readonly to: string
  /** null when the account has none */
  readonly handle: Handle | null
  readonly code: string
  /** the server's public name */
  readonly hostname: string
}

const CODE_VALID_MS = 15 * MINUTE

/** @param link a page that confirms at one click, null for none */
export function confirmEmailMail(about: CodeMail, link: string | null): Mail {
  return codeMail('confirm-email', about, 'Confirm your email address', [
    `Please confirm that this is the email address of ${nameOf(about)}.`,
    `Your code is:\n\n    ${about.code}`,
    ...(link === null ? [] : [`Or open this page:\n\n    ${link}`]),
    'The code is valid for 15 minutes. If you did not ask for it, you can ignore this mail.',
  ])
}

export function resetPasswordMail(about: CodeMail): Mail {
  return codeMail('reset-password', about, 'Reset your password', [
    `Somebody, probably you, asked to set a new password for ${nameOf(about)}.`,
    `Your code is:\n\n    ${about.code}`,
    'The code is valid for 15 minutes. If you did not ask for it, ignore this mail: your password stays as it is.',
  ])
}

export function deleteAccountMail(about: CodeMail): Mail {
  return codeMail('delete-account', about, 'Delete your account', [
    `Somebody, probably you, asked to delete ${nameOf(about)} for good, with all that it holds.`,
    `Your code is:\n\n    ${about.code}`,
    'The code is valid for 15 minutes. If you did not ask for it, give the code to nobody and change your password.',
  ])
}

export function plcOperationMail(about: CodeMail): Mail {
  return codeMail('plc-operation', about, 'Change the identity of your account', [
    `Somebody, probably you, asked to change the identity of ${nameOf(about)}, as is done to move it to another server.`,
    `Your code is:\n\n    ${about.code}`,
    'The code is valid for 15 minutes. Whoever has it can take the account away from you: give it to nobody. ' +
      'If you did not ask for it, change your password.',
  ])
}

function codeMail(kind: MailKind, about: CodeMail, subject: string, paragraphs: readonly string[]): Mail {
  const { did, to, code, hostname } = about
  const text = `${['Hello,', ...paragraphs].join('\n\n')}\n\n-- \n${hostname}\n`
  return { kind, did, to, subject, text, code, validForMs: CODE_VALID_MS }
}

function nameOf({ handle, did, hostname }: CodeMail): string {
  return `the account ${handle ?? did} on ${hostname}`
}
