/**
 * Mails on their way out. `send` writes a mail to the queue in `service.sqlite`, together with whatever else the
 * caller's transaction writes, and returns; the transport gets it right after. What fails is tried again, less and
 * less often, until the mail is too old to be of use. After a crash the queue goes on where it was; a mail whose
 * delivery was under way may then go out twice.
 */
import type { Database } from '#db/database.ts'
import type { Did } from '#lexicon/strings.ts'
import { checkMail, type Mail, type MailKind } from '#mail/mail.ts'
import { MailRefusedError, type MailTransport } from '#mail/transport.ts'
import { type Clock, MINUTE, SECOND } from '#std/clock.ts'
import { messageOf } from '#std/errors.ts'
import { Semaphore } from '#std/semaphore.ts'
import { logger } from '#telemetry/log.ts'

const log = logger('mail')

const FIRST_RETRY_MS = 15 * SECOND
const LAST_RETRY_MS = 30 * MINUTE
/** Longest wait of one timer, so that a clock that was set does not keep the queue waiting. */
const MAX_WAIT_MS = 5 * MINUTE

interface Row {
  id: number
  kind: MailKind
  did: Did | null
  to: string
  subject: string
  text: string
  code: string | null
  queuedAt: number
  expiresAt: number
  attempts: number
}

export class Mailer implements AsyncDisposable {
  private readonly turn = new Semaphore(1)
  private timer: ReturnType<typeof setTimeout> | undefined
  private closed = false

  constructor(private readonly deps: { db: Database; clock: Clock; transport: MailTransport }) {}

  /** Goes on with the mails that the last run left. */
  start(): void {
    this.wake(0)
  }

  /**
   * Queues a mail. Inside a transaction it is queued if the transaction commits.
   * @throws InvalidMailError
   */
  send(mail: Mail): void {
    checkMail(mail)
    const { db, clock } = this.deps
    const { kind, did, to, subject, text, code } = mail
    const now = clock.now()
    db.query(
      `INSERT INTO mail (kind, did, recipient, subject, body, code, queued_at, expires_at, next_attempt_at)
       VALUES ($kind, $did, $to, $subject, $text, $code, $now, $expiresAt, $now)`,
    ).run({ kind, did, to, subject, text, code, now, expiresAt: now + mail.validForMs })
    this.wake(0)
  }

  /** Delivers every mail that is due; returns when each was tried once. */
  async flush(): Promise<void> {
    await this.turn.run(async () => {
      try {
        await this.deliverDue()
        this.wake(this.untilNext())
      } catch (error) {
        log.error('cannot work on the mail queue', { error })
        this.wake(MAX_WAIT_MS)
      }
    })
  }

  /** Waits for the delivery that is under way, if any; the rest stays queued. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.closed = true
    clearTimeout(this.timer)
    await this.turn.run(async () => {})
  }

  /** Looks at the queue after a while, rather than when it was told before. */
  private wake(afterMs: number | null): void {
    clearTimeout(this.timer)
    if (this.closed || afterMs === null) return
    this.timer = setTimeout(() => void this.flush(), afterMs)
    this.timer.unref()
  }

  /** Milliseconds until a mail is due, null when none waits. */
  private untilNext(): number | null {
    const { db, clock } = this.deps
    const next = db.query<{ at: number | null }, []>('SELECT min(next_attempt_at) AS at FROM mail').get()?.at
    return next == null ? null : Math.min(Math.max(next - clock.now(), 0), MAX_WAIT_MS)
  }

  private async deliverDue(): Promise<void> {
    const due = this.deps.db.query<Row, { now: number }>(
      `SELECT id, kind, did, recipient AS "to", subject, body AS text, code, queued_at AS queuedAt,
              expires_at AS expiresAt, attempts
       FROM mail WHERE next_attempt_at <= $now ORDER BY next_attempt_at, id LIMIT 1`,
    )
    while (!this.closed) {
      const row = due.get({ now: this.deps.clock.now() })
      if (!row) return
      await this.deliver(row)
    }
  }

  private async deliver(row: Row): Promise<void> {
    const { id, kind, did, queuedAt, expiresAt, attempts, ...content } = row
    const { clock, transport } = this.deps
    if (clock.now() >= expiresAt) {
      log.warn('mail given up, it came too late', { id, kind, did, attempts })
      return this.remove(id)
    }
    try {
      await transport.deliver({ kind, did, ...content, validForMs: expiresAt - queuedAt })
    } catch (error) {
      if (error instanceof MailRefusedError) {
        log.error('mail refused', { id, kind, did, error: error.message })
        return this.remove(id)
      }
      const retryInMs = Math.min(FIRST_RETRY_MS * 2 ** attempts, LAST_RETRY_MS)
      log.warn('mail not delivered, trying again', { id, kind, did, retryInMs, error: messageOf(error) })
      return this.postpone(id, clock.now() + retryInMs)
    }
    this.remove(id)
  }

  private remove(id: number): void {
    this.deps.db.query('DELETE FROM mail WHERE id = $id').run({ id })
  }

  private postpone(id: number, until: number): void {
    this.deps.db
      .query('UPDATE mail SET attempts = attempts + 1, next_attempt_at = $until WHERE id = $id')
      .run({ id, until })
  }
}
