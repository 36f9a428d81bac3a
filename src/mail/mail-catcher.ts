import type { Database } from '#db/database.ts'
import type { Did } from '#lexicon/strings.ts'
import type { Mail, MailKind } from '#mail/mail.ts'
import type { MailTransport } from '#mail/transport.ts'
import type { Clock } from '#std/clock.ts'
import { logger } from '#telemetry/log.ts'

const log = logger('mail')

const MAX_CAUGHT = 200

export interface CaughtMail {
  readonly id: number
  readonly kind: MailKind
  readonly did: Did | null
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly code: string | null
  /** Unix milliseconds */
  readonly caughtAt: number
}

const COLUMNS = 'id, kind, did, recipient AS "to", subject, body AS text, code, caught_at AS caughtAt'

/**
 * Keeps the last 200 mails instead of sending them: for development, and for the operator of a server that cannot send
 * mail. With `showSecrets` the log says what is in them.
 */
export class MailCatcher implements MailTransport {
  constructor(private readonly deps: { db: Database; clock: Clock; showSecrets: boolean }) {}

  async deliver({ kind, did, to, subject, text, code }: Mail): Promise<void> {
    const { db, clock, showSecrets } = this.deps
    const { lastInsertRowid: id } = db
      .query(
        `INSERT INTO caught_mail (kind, did, recipient, subject, body, code, caught_at)
         VALUES ($kind, $did, $to, $subject, $text, $code, $now)`,
      )
      .run({ kind, did, to, subject, text, code, now: clock.now() })
    db.query('DELETE FROM caught_mail WHERE id <= $id - $max').run({ id, max: MAX_CAUGHT })
    if (showSecrets) log.info('mail caught', { id, kind, to, subject, code })
    else log.info('mail kept, there is no way to send it', { id, kind, did })
  }

  /** All that are kept, newest first. */
  list(): CaughtMail[] {
    return this.deps.db.query<CaughtMail, []>(`SELECT ${COLUMNS} FROM caught_mail ORDER BY id DESC`).all()
  }

  get(id: number): CaughtMail | null {
    return this.deps.db
      .query<CaughtMail, { id: number }>(`SELECT ${COLUMNS} FROM caught_mail WHERE id = $id`)
      .get({ id })
  }
}
