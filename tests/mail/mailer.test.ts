import { afterEach, beforeEach, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, openDatabase, transact } from '#db/database.ts'
import type { Did, Handle } from '#lexicon/strings.ts'
import type { Mail } from '#mail/mail.ts'
import { MailCatcher } from '#mail/mail-catcher.ts'
import { Mailer } from '#mail/mailer.ts'
import { confirmEmailMail, deleteAccountMail, plcOperationMail, resetPasswordMail } from '#mail/templates.ts'
import { MailRefusedError, type MailTransport } from '#mail/transport.ts'
import { serviceMigrations } from '#migrations/service.ts'
import { DAY, MINUTE, SECOND } from '#std/clock.ts'
import { configureLog } from '#telemetry/log.ts'
import { TestClock } from '#tests/support/clock.ts'

let directory: string
let db: Database
let clock: TestClock
let logged: string[]

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'locus-mail-'))
  db = openDatabase(join(directory, 'service.sqlite'), { migrations: serviceMigrations, synchronous: 'FULL' })
  clock = new TestClock()
  logged = []
  configureLog({ level: 'info', write: (line) => void logged.push(line) })
})

afterEach(() => {
  configureLog({ level: 'error', write: (line) => void process.stderr.write(line) })
  db.close()
  rmSync(directory, { recursive: true })
})

/** A server that takes mails, or does not. */
class Recipient implements MailTransport {
  readonly got: Mail[] = []
  fault: Error | null = null

  async deliver(mail: Mail): Promise<void> {
    if (this.fault) throw this.fault
    this.got.push(mail)
  }
}

const about = {
  did: 'did:plc:ewvi7nxzyoun6zhxrhs64oiz' as Did,
  to: 'alice@example.com',
  handle: 'alice.test' as Handle,
  code: 'ABCDE-23456',
  hostname: 'pds.example.com',
}

function mailTo(to: string): Mail {
  return resetPasswordMail({ ...about, to })
}

function waiting(): number {
  return db.query<{ count: number }, []>('SELECT count(*) AS count FROM mail').get()!.count
}

test('a mail reaches the transport, and leaves the queue', async () => {
  const recipient = new Recipient()
  await using mailer = new Mailer({ db, clock, transport: recipient })

  mailer.send(mailTo('alice@example.com'))
  const queued = waiting()
  await mailer.flush()

  expect(queued).toBe(1)
  expect(recipient.got).toEqual([mailTo('alice@example.com')])
  expect(waiting()).toBe(0)
})

test('a mail goes out by itself', async () => {
  const recipient = new Recipient()
  const arrived = Promise.withResolvers<Mail>()
  recipient.deliver = async (mail) => arrived.resolve(mail)
  await using mailer = new Mailer({ db, clock, transport: recipient })

  mailer.send(mailTo('alice@example.com'))

  expect(await arrived.promise).toMatchObject({ to: 'alice@example.com' })
})

test('a mail belongs to the transaction that it is sent in', async () => {
  const recipient = new Recipient()
  await using mailer = new Mailer({ db, clock, transport: recipient })

  const undone = () =>
    transact(db, () => {
      mailer.send(mailTo('alice@example.com'))
      throw new Error('undo')
    })

  expect(undone).toThrow('undo')
  await mailer.flush()
  expect(recipient.got).toEqual([])
})

test('mails of before a restart go out after it, in order', async () => {
  const broken = new Recipient()
  broken.fault = new Error('no route')
  await using before = new Mailer({ db, clock, transport: broken })
  before.send(mailTo('a@example.com'))
  before.send(mailTo('b@example.com'))
  await before[Symbol.asyncDispose]()

  clock.advance(MINUTE)
  const recipient = new Recipient()
  await using after = new Mailer({ db, clock, transport: recipient })
  await after.flush()

  expect(recipient.got.map((mail) => mail.to)).toEqual(['a@example.com', 'b@example.com'])
})

test('a mail that fails is tried again, less and less often', async () => {
  const recipient = new Recipient()
  recipient.fault = new Error('busy')
  await using mailer = new Mailer({ db, clock, transport: recipient })
  mailer.send(mailTo('alice@example.com'))
  await mailer.flush()

  recipient.fault = null
  clock.advance(14 * SECOND)
  await mailer.flush()
  const tooEarly = recipient.got.length
  recipient.fault = new Error('busy')
  clock.advance(1 * SECOND)
  await mailer.flush()
  recipient.fault = null
  clock.advance(29 * SECOND)
  await mailer.flush()
  const stillTooEarly = recipient.got.length
  clock.advance(1 * SECOND)
  await mailer.flush()

  expect([tooEarly, stillTooEarly, recipient.got.length]).toEqual([0, 0, 1])
})

test('a mail that fails does not hold up the next', async () => {
  const recipient = new Recipient()
  const deliver = recipient.deliver.bind(recipient)
  recipient.deliver = async (mail) => {
    if (mail.to === 'slow@example.com') throw new Error('busy')
    await deliver(mail)
  }
  await using mailer = new Mailer({ db, clock, transport: recipient })

  mailer.send(mailTo('slow@example.com'))
  mailer.send(mailTo('alice@example.com'))
  await mailer.flush()

  expect(recipient.got.map((mail) => mail.to)).toEqual(['alice@example.com'])
  expect(waiting()).toBe(1)
})

test('a refused mail is dropped, and the log says so without the address or the code', async () => {
  const recipient = new Recipient()
  recipient.fault = new MailRefusedError('550 no such user')
  await using mailer = new Mailer({ db, clock, transport: recipient })

  mailer.send(mailTo('alice@example.com'))
  await mailer.flush()

  expect(waiting()).toBe(0)
  expect(logged.join()).toContain('mail refused')
  expect(logged.join()).not.toMatch(/alice@example\.com|ABCDE/)
})

test('a code that has expired is not mailed any more', async () => {
  const recipient = new Recipient()
  recipient.fault = new Error('busy')
  await using mailer = new Mailer({ db, clock, transport: recipient })
  mailer.send(mailTo('alice@example.com'))
  await mailer.flush()

  recipient.fault = null
  clock.advance(15 * MINUTE)
  await mailer.flush()

  expect(recipient.got).toEqual([])
  expect(waiting()).toBe(0)
  expect(logged.join()).toContain('mail given up')
})

test.each([
  'alice@example.com\r\nBcc: mallory@example.com',
  'alice@example.com, mallory@example.com',
  'alice@example.com mallory@example.com',
  '<alice@example.com>',
  'Alice <alice@example.com>',
  'alice@example.com>',
  '"alice smith"@example.com',
  'alice;mallory@example.com',
  'alice@exam\u0000ple.com',
  'alice\u202e@example.com',
  'alice@-example.com',
  'alice@localhost',
  'alice.@example.com',
  'alice@[127.0.0.1]',
  '@example.com',
  'alice@',
  'alice',
  '',
  `${'a'.repeat(65)}@example.com`,
  `a@${'b.'.repeat(130)}com`,
])('an address that is not just an address is refused: %j', (to) => {
  const mailer = new Mailer({ db, clock, transport: new Recipient() })

  expect(() => mailer.send(mailTo(to))).toThrow(
    expect.objectContaining({ name: 'InvalidMailError', kind: 'invalid' }),
  )
  expect(waiting()).toBe(0)
})

test.each([
  'alice@example.com',
  "o'hara+tag@mail.example.co.uk",
  'a.b_c-d@xn--bcher-kva.example',
  'jörg@bücher.example',
])('an ordinary address is taken: %s', async (to) => {
  await using mailer = new Mailer({ db, clock, transport: new Recipient() })

  mailer.send(mailTo(to))

  expect(waiting()).toBe(1)
})

test('a subject cannot bring a header of its own', () => {
  const mailer = new Mailer({ db, clock, transport: new Recipient() })

  const send = () =>
    mailer.send({ ...mailTo('alice@example.com'), subject: 'Hello\r\nBcc: mallory@example.com' })

  expect(send).toThrow(expect.objectContaining({ name: 'InvalidMailError' }))
})

test('on a development server mails are caught, listed, and the log shows the code', async () => {
  const catcher = new MailCatcher({ db, clock, showSecrets: true })
  await using mailer = new Mailer({ db, clock, transport: catcher })

  mailer.send(mailTo('alice@example.com'))
  clock.advance(SECOND)
  mailer.send(plcOperationMail({ ...about, to: 'bob@example.com' }))
  await mailer.flush()

  const caught = catcher.list()
  expect(caught.map((mail) => [mail.kind, mail.to])).toEqual([
    ['plc-operation', 'bob@example.com'],
    ['reset-password', 'alice@example.com'],
  ])
  expect(catcher.get(caught[1]!.id)).toMatchObject({ code: 'ABCDE-23456', caughtAt: clock.now() })
  expect(catcher.get(999)).toBeNull()
  expect(logged.join()).toContain('ABCDE-23456')
})

test('elsewhere the log of a kept mail holds neither address nor code', async () => {
  const catcher = new MailCatcher({ db, clock, showSecrets: false })
  await using mailer = new Mailer({ db, clock, transport: catcher })

  mailer.send(mailTo('alice@example.com'))
  await mailer.flush()

  expect(catcher.list()).toHaveLength(1)
  expect(logged.join()).toContain('mail kept')
  expect(logged.join()).not.toMatch(/alice@example\.com|ABCDE/)
})

test('only the last 200 caught mails are kept', async () => {
  const catcher = new MailCatcher({ db, clock, showSecrets: false })

  for (let i = 1; i <= 205; i++) await catcher.deliver(mailTo(`a${i}@example.com`))

  const caught = catcher.list()
  expect(caught).toHaveLength(200)
  expect([caught[0]!.to, caught[199]!.to]).toEqual(['a205@example.com', 'a6@example.com'])
})

test.each([
  confirmEmailMail(about, 'https://pds.example.com/confirm?code=ABCDE-23456'),
  resetPasswordMail(about),
  deleteAccountMail(about),
  plcOperationMail(about),
])('a $kind mail says for which account it is, shows the code and for how long', (mail) => {
  expect(mail.to).toBe('alice@example.com')
  expect(mail.validForMs).toBeLessThan(DAY)
  expect(mail.text).toContain('alice.test on pds.example.com')
  expect(mail.text).toContain('\n    ABCDE-23456\n')
  expect(mail.text).toContain('15 minutes')
  expect(mail.text.split('\n').every((line) => line.length < 998)).toBe(true)
})

test('an account without a handle is called by its DID, and a link is only there when given', () => {
  const mail = confirmEmailMail({ ...about, handle: null }, null)

  expect(mail.text).toContain(about.did)
  expect(mail.text).not.toContain('http')
})
