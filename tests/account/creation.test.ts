import { expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import type { Applicant, CreatedAccount, SignUp } from '#account/creation.ts'
import type { App } from '#app.ts'
import type { Database } from '#db/database.ts'
import { createGenesis } from '#identity/plc-changes.ts'
import { dataOf } from '#identity/plc-operation.ts'
import { generateK256, k256FromSecret } from '#keys/k256.ts'
import type { Did } from '#lexicon/strings.ts'
import { DAY } from '#std/clock.ts'
import { TestApp } from '#tests/support/app.ts'
import { handleOf } from '#tests/support/service.ts'

const STRANGER: Applicant = { isOperator: false, provenDid: null }
const OPERATOR: Applicant = { isOperator: true, provenDid: null }
const PASSWORD = 'alice-password'

function signUpOf(name: string, more: Partial<SignUp> = {}): SignUp {
  return { handle: `${name}.pds.example.com`, email: `${name}@example.com`, password: PASSWORD, ...more }
}

function eventsOf(app: App, did: Did): string[] {
  const { events } = app.sequencer.page(0, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
  return events.filter((event) => event.did === did).map((event) => event.kind)
}

/** What a service keeps to itself: tests make its disk full. */
function databaseIn(service: object, ...path: string[]): Database {
  return path.reduce((value, key) => Reflect.get(value, key), service) as Database
}

function rowsIn(app: App, table: string): number {
  const db = databaseIn(app.creation, 'deps', 'db')
  return db.query<{ n: number }, []>(`SELECT count(*) AS n FROM ${table}`).get()!.n
}

/** The DIDs that were registered at the directory, in order. */
function registered(test: TestApp): Did[] {
  const posts = test.plc.requests.filter((request) => request.startsWith('POST /'))
  return [...new Set(posts.map((request) => request.slice('POST /'.length) as Did))]
}

/** Nothing may be left of a sign-up that failed: the same one must succeed afterwards. */
async function expectNothingLeft(opened: TestApp, failed: readonly Did[]): Promise<void> {
  const { app } = opened
  expect(rowsIn(app, 'account')).toBe(0)
  expect(rowsIn(app, 'account_creation')).toBe(0)
  expect(rowsIn(app, 'refresh_token')).toBe(0)
  expect(rowsIn(app, 'invite_code_use')).toBe(0)
  for (const did of failed) {
    expect(existsSync(app.layout.actor(did).directory)).toBe(false)
    expect(eventsOf(app, did)).toEqual([])
  }
}

/** A server in front of the directory that holds registrations back until it is told to go on. */
function startGate(target: () => string) {
  const arrived = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<void>()
  const server = Bun.serve({
    port: 0,
    async fetch(request): Promise<Response> {
      const { pathname } = new URL(request.url)
      const body = request.method === 'POST' ? await request.text() : null
      if (body !== null) {
        arrived.resolve()
        await opened.promise
      }
      const headers = { 'content-type': 'application/json' }
      return await fetch(`${target()}${pathname}`, { method: request.method, body, headers })
    },
  })
  return {
    url: `http://localhost:${server.port}`,
    arrived: arrived.promise,
    open: opened.resolve,
    [Symbol.asyncDispose]: () => server.stop(true),
  }
}

async function fulfilled(attempts: Promise<CreatedAccount>[]) {
  const outcomes = await Promise.allSettled(attempts)
  const reasons = outcomes.filter((outcome) => outcome.status === 'rejected').map((outcome) => outcome.reason)
  const values = outcomes.filter((outcome) => outcome.status === 'fulfilled').map((outcome) => outcome.value)
  return { values, reasons }
}

test('a new account has a DID that names our key and server, a repository, four events and a session', async () => {
  const recovery = generateK256().key.did
  await using opened = await TestApp.open({ env: { PDS_RECOVERY_DID_KEY: generateK256().key.did } })
  const { app, plc } = opened

  const made = await app.creation.create(signUpOf('alice', { recoveryKey: recovery }), STRANGER)

  const last = await app.plc.lastOperation(made.did)
  const rotationKey = k256FromSecret(app.config.secrets.plcRotationKey).did
  expect(last && dataOf(last)).toEqual({
    rotationKeys: [recovery, app.config.recoveryDidKey!, rotationKey],
    verificationMethods: { atproto: app.keys.load(made.did).did },
    alsoKnownAs: ['at://alice.pds.example.com'],
    services: {
      atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: 'https://pds.example.com' },
    },
  })
  expect(plc.requests.filter((request) => request.startsWith('POST'))).toHaveLength(1)
  expect(made.didDocument?.id).toBe(made.did)
  expect(eventsOf(app, made.did)).toEqual(['identity', 'account', 'commit', 'sync'])
  expect((await app.repos.verify(made.did)).problems).toEqual([])
  expect(app.tokens.verifyAccess(made.accessJwt)).toEqual({ did: made.did, scope: 'com.atproto.access' })
  const { tokenId } = app.tokens.verifyRefresh(made.refreshJwt)
  expect(await app.sessions.refresh(made.did, tokenId!)).toBeDefined()
  expect((await app.logIns.logIn({ identifier: 'alice@example.com', password: PASSWORD })).account.did).toBe(
    made.did,
  )
  expect(rowsIn(app, 'account_creation')).toBe(0)
  expect(rowsIn(app, 'account_removal')).toBe(0)
})

test.each([
  ['an operation of the client', { plcOp: {} }, 'InvalidRequest', 'Unsupported input: "plcOp"'],
  [
    'a long password',
    { password: 'x'.repeat(257) },
    'InvalidPassword',
    'Password too long. Maximum length is 256 characters.',
  ],
  [
    'a short password',
    { password: 'seven77' },
    'InvalidPassword',
    'Password too short. Minimum length is 8 characters.',
  ],
  [
    'no password',
    { password: undefined },
    'InvalidPassword',
    'Password too short. Minimum length is 8 characters.',
  ],
  ['no address', { email: undefined }, 'InvalidRequest', 'Email is required'],
  ['an empty address', { email: '' }, 'InvalidRequest', 'Email is required'],
  [
    'an address that is none',
    { email: 'alice' },
    'InvalidRequest',
    'This email address is not supported, please use a different email.',
  ],
  [
    'a disposable address',
    { email: 'alice@mailinator.com' },
    'InvalidRequest',
    'This email address is not supported, please use a different email.',
  ],
  ['a short handle', { handle: 'al.pds.example.com' }, 'InvalidHandle', 'Handle too short'],
  ['a reserved handle', { handle: 'admin.pds.example.com' }, 'HandleNotAvailable', 'Reserved handle'],
  [
    'a handle elsewhere',
    { handle: 'alice.example.org' },
    'UnsupportedDomain',
    'Not a supported handle domain',
  ],
  ['an unknown code', { inviteCode: 'none' }, 'InvalidInviteCode', 'Provided invite code not available'],
  [
    'a taken handle',
    { handle: 'Bob.pds.example.com' },
    'InvalidRequest',
    'Handle already taken: bob.pds.example.com',
  ],
  ['a taken address', { email: 'BOB@example.com' }, 'InvalidRequest', 'Email already taken: bob@example.com'],
  ['a recovery key that is none', { recoveryKey: 'junk' }, 'InvalidRequest', null],
])('a sign-up with %s is refused before anything happens', async (_, wrong, code, message) => {
  await using opened = await TestApp.open()
  await opened.app.creation.create(signUpOf('bob'), STRANGER)
  opened.plc.requests.length = 0

  const failed = opened.app.creation.create(signUpOf('alice', wrong as Partial<SignUp>), STRANGER)

  await expect(failed).rejects.toMatchObject({ code, ...(message !== null && { message }) })
  expect(opened.plc.requests).toEqual([])
  expect(rowsIn(opened.app, 'account')).toBe(1)
})

test('where invites are required, a sign-up needs a code with a use left', async () => {
  await using opened = await TestApp.open({ env: { PDS_INVITE_REQUIRED: 'true' } })
  const { app } = opened
  const inviteCode = app.invites.createOne({ uses: 1 })

  await expect(app.creation.create(signUpOf('alice'), STRANGER)).rejects.toMatchObject({
    code: 'InvalidInviteCode',
    message: 'No invite code provided',
  })
  const { did } = await app.creation.create(signUpOf('alice', { inviteCode }), STRANGER)
  const second = app.creation.create(signUpOf('bob', { inviteCode }), STRANGER)

  await expect(second).rejects.toMatchObject({ code: 'InvalidInviteCode' })
  expect(app.invites.usedBy([did]).get(did)?.code).toBe(inviteCode)
})

test('the handle and the address of an account in any state are taken', async () => {
  await using opened = await TestApp.open()
  const { app } = opened
  const alice = await app.creation.create(signUpOf('alice'), STRANGER)
  const bob = await app.creation.create(signUpOf('bob'), STRANGER)
  app.accounts.setDeactivated(alice.did, { at: 1, deleteAfter: null })
  app.accounts.setTakedown(bob.did, 'why')

  for (const handle of ['alice.pds.example.com', 'bob.pds.example.com']) {
    await expect(app.creation.create(signUpOf('carol', { handle }), STRANGER)).rejects.toThrow(
      'Handle already taken',
    )
  }
  for (const email of ['alice@example.com', 'bob@example.com']) {
    await expect(app.creation.create(signUpOf('carol', { email }), STRANGER)).rejects.toThrow(
      'Email already taken',
    )
  }
})

test('the operator needs no code, address or password, and may use reserved words', async () => {
  await using opened = await TestApp.open({ env: { PDS_INVITE_REQUIRED: 'true' } })
  const { app } = opened

  const made = await app.creation.create({ handle: 'admin.pds.example.com' }, OPERATOR)

  expect(app.accounts.get(made.did)).toMatchObject({ handle: 'admin.pds.example.com', email: null })
  await expect(app.creation.create({ handle: 'ab.pds.example.com' }, OPERATOR)).rejects.toThrow(
    'Handle too short',
  )
  await expect(
    app.creation.create({ handle: 'bob.pds.example.com', password: 'short' }, OPERATOR),
  ).rejects.toThrow('Password too short')
})

test('of a hundred sign-ups with one code, one makes an account and the others leave no DID', async () => {
  await using opened = await TestApp.open({ env: { PDS_INVITE_REQUIRED: 'true' } })
  const { app } = opened
  const inviteCode = app.invites.createOne({ uses: 1 })

  const attempts = Array.from({ length: 100 }, (_, i) =>
    app.creation.create(signUpOf(`alice${i}`, { inviteCode }), STRANGER),
  )
  const { values, reasons } = await fulfilled(attempts)

  expect(values).toHaveLength(1)
  for (const reason of reasons) expect(reason).toMatchObject({ code: 'InvalidInviteCode' })
  expect(registered(opened)).toEqual([values[0]!.did])
  expect(rowsIn(app, 'account')).toBe(1)
  expect(rowsIn(app, 'account_creation')).toBe(0)
  expect(app.invites.list({ sort: 'recent', limit: 1 }).codes[0]?.uses).toHaveLength(1)
})

test.each([
  ['handle', { handle: 'same.pds.example.com' }, 'Handle already taken: same.pds.example.com'],
  ['address', { email: 'Same@example.com' }, 'Email already taken: same@example.com'],
])(
  'of sign-ups that want one %s at once, one gets it and the others leave no DID',
  async (_, same, message) => {
    await using opened = await TestApp.open()
    const { app } = opened

    const attempts = Array.from({ length: 20 }, (_, i) =>
      app.creation.create(signUpOf(`racer${i}`, same), STRANGER),
    )
    const { values, reasons } = await fulfilled(attempts)

    expect(values).toHaveLength(1)
    for (const reason of reasons) expect(reason).toMatchObject({ code: 'InvalidRequest', message })
    expect(registered(opened)).toEqual([values[0]!.did])
    expect(rowsIn(app, 'account_creation')).toBe(0)
  },
)

test.each([
  ['down', 'upstream', 'UpstreamFailure'],
  ['failing', 'upstream', 'UpstreamFailure'],
  ['refusing', 'invalid', 'InvalidRequest'],
] as const)(
  'with a directory that is %s, a sign-up fails and leaves nothing',
  async (condition, kind, code) => {
    await using opened = await TestApp.open({ env: { PDS_INVITE_REQUIRED: 'true' } })
    const { app, plc } = opened
    const inviteCode = app.invites.createOne({ uses: 1 })
    const signUp = signUpOf('alice', { inviteCode })
    await plc.become(condition)

    await expect(app.creation.create(signUp, STRANGER)).rejects.toMatchObject({ kind, code })

    await expectNothingLeft(opened, registered(opened))
    await plc.become('well')
    expect((await app.creation.create(signUp, STRANGER)).handle).toBe(handleOf('alice.pds.example.com'))
  },
)

test('a directory that does not answer is given up after ten seconds, and nothing is left', async () => {
  await using opened = await TestApp.open()
  const { app, plc } = opened
  await plc.become('slow')
  const start = performance.now()

  await expect(app.creation.create(signUpOf('alice'), STRANGER)).rejects.toMatchObject({
    code: 'UpstreamFailure',
  })

  expect(performance.now() - start).toBeWithin(5_000, 13_000)
  await expectNothingLeft(opened, registered(opened))
  await plc.become('well')
  await app.creation.create(signUpOf('alice'), STRANGER)
}, 30_000)

test('a code that is disabled while the directory is asked fails the sign-up and withdraws its DID', async () => {
  let target = ''
  await using gate = startGate(() => target)
  await using opened = await TestApp.open({ plcUrl: gate.url })
  target = opened.plc.url
  const { app } = opened
  const inviteCode = app.invites.createOne({ uses: 1 })

  const made = app.creation.create(signUpOf('alice', { inviteCode }), STRANGER)
  const outcome = made.catch((error: unknown) => error)
  await gate.arrived
  app.invites.disable({ codes: [inviteCode], accounts: [] })
  gate.open()

  expect(await outcome).toMatchObject({ code: 'InvalidInviteCode' })

  const [did] = registered(opened)
  expect((await app.plc.lastOperation(did!))?.type).toBe('plc_tombstone')
  await expectNothingLeft(opened, [did!])
  expect(rowsIn(app, 'account_removal')).toBe(0)
})

test('while a sign-up is under way its handle, address and code use are taken', async () => {
  let target = ''
  await using gate = startGate(() => target)
  await using opened = await TestApp.open({ plcUrl: gate.url })
  target = opened.plc.url
  const { app } = opened
  const inviteCode = app.invites.createOne({ uses: 1 })

  const made = app.creation.create(signUpOf('alice', { inviteCode }), STRANGER)
  await gate.arrived

  const other = (more: Partial<SignUp>) => app.creation.create(signUpOf('bob', more), STRANGER)
  await expect(other({ handle: 'alice.pds.example.com' })).rejects.toThrow('Handle already taken')
  await expect(other({ email: 'alice@example.com' })).rejects.toThrow('Email already taken')
  await expect(other({ inviteCode })).rejects.toMatchObject({ code: 'InvalidInviteCode' })
  gate.open()
  await made
})

test('when the event log cannot be written, the DID is withdrawn and nothing is left', async () => {
  await using opened = await TestApp.open()
  const { app } = opened
  const log = databaseIn(app.sequencer, 'db')
  const pages = log.query<{ page_count: number }, []>('PRAGMA page_count').get()!.page_count
  log.run(`PRAGMA max_page_count = ${pages}`)
  const signUp = signUpOf('alice')
  // the first ones may still fit in the pages that there are
  const made: Did[] = []
  let failure: unknown = null
  for (let i = 0; i < 40 && failure === null; i++) {
    await app.creation.create(signUpOf(`alice${i}`), STRANGER).then(
      ({ did }) => made.push(did),
      (error: unknown) => {
        failure = error
      },
    )
  }

  expect(failure).toMatchObject({ kind: 'unavailable', code: 'NotEnoughResources' })
  const [failed] = registered(opened).filter((did) => !made.includes(did))
  expect((await app.plc.lastOperation(failed!))?.type).toBe('plc_tombstone')
  expect(existsSync(app.layout.actor(failed!).directory)).toBe(false)
  expect(rowsIn(app, 'account')).toBe(made.length)
  log.run('PRAGMA max_page_count = 1000000')
  await app.creation.create(signUp, STRANGER)
})

test('when the accounts cannot be written, sign-ups fail, and succeed when there is space again', async () => {
  await using opened = await TestApp.open()
  const { app } = opened
  const db = databaseIn(app.creation, 'deps', 'db')
  await app.creation.create(signUpOf('first'), STRANGER)
  const pages = db.query<{ page_count: number }, []>('PRAGMA page_count').get()!.page_count
  db.run(`PRAGMA max_page_count = ${pages}`)
  const made: string[] = []
  let failure: unknown = null
  for (let i = 0; i < 100 && failure === null; i++) {
    await app.creation.create(signUpOf(`alice${i}`), STRANGER).then(
      ({ handle }) => made.push(handle),
      (error: unknown) => {
        failure = error
      },
    )
  }

  expect(failure).toMatchObject({ kind: 'unavailable', code: 'NotEnoughResources' })
  db.run('PRAGMA max_page_count = 1000000')
  await app.creation.create(signUpOf(`alice${made.length}`), STRANGER)
  expect(rowsIn(app, 'account')).toBe(made.length + 2)
  expect(rowsIn(app, 'account_creation')).toBe(0)
  for (const did of registered(opened)) {
    const isHere = app.accounts.get(did) !== null
    const last = await app.plc.lastOperation(did)
    expect(isHere).toBe(last?.type === 'plc_operation')
    expect(existsSync(app.layout.actor(did).directory)).toBe(isHere)
  }
}, 30_000)

/** An identity that lives elsewhere. */
async function identityElsewhere(app: App, handle: string): Promise<Did> {
  const { key } = generateK256()
  const account = {
    signingKey: key.did,
    rotationKeys: [key.did],
    handle: handleOf(handle),
    pds: 'https://old.example.com',
  }
  const { did, operation } = createGenesis(account, key)
  await app.plc.submit(did, operation)
  return did
}

test('an identity that moves in gets a deactivated account, silently and without a change of its DID', async () => {
  await using opened = await TestApp.open()
  const { app, plc } = opened
  const did = await identityElsewhere(app, 'alice.pds.example.com')
  plc.requests.length = 0

  const made = await app.creation.create(signUpOf('alice', { did }), { isOperator: false, provenDid: did })

  const account = app.accounts.get(did)
  expect(made.did).toBe(did)
  expect(account?.deactivatedAt).not.toBeNull()
  expect(account!.deleteAfter! - account!.deactivatedAt!).toBe(3 * DAY)
  expect(eventsOf(app, did)).toEqual([])
  expect((await app.repos.verify(did)).problems).toEqual([])
  expect(plc.requests.filter((request) => request.startsWith('POST'))).toEqual([])
  expect(app.tokens.verifyAccess(made.accessJwt)).toEqual({ did, scope: 'com.atproto.access' })
  expect(made.didDocument?.id).toBe(did)
})

test('an identity cannot be moved in without proof, by the proof of another, or twice', async () => {
  await using opened = await TestApp.open()
  const { app } = opened
  const did = await identityElsewhere(app, 'alice.pds.example.com')
  const other = await identityElsewhere(app, 'bob.pds.example.com')

  for (const provenDid of [null, other]) {
    const stolen = app.creation.create(signUpOf('alice', { did }), { isOperator: false, provenDid })
    await expect(stolen).rejects.toMatchObject({
      kind: 'unauthenticated',
      code: 'AuthenticationRequired',
      message: `Missing auth to create account with did: ${did}`,
    })
  }
  const proven: Applicant = { isOperator: false, provenDid: did }
  const { values, reasons } = await fulfilled([
    app.creation.create(signUpOf('alice', { did }), proven),
    app.creation.create(signUpOf('alice2', { did }), proven),
  ])
  expect(values).toHaveLength(1)
  expect(reasons).toMatchObject([{ code: 'AlreadyExists' }])
  const again = app.creation.create(signUpOf('alice3', { did }), proven)
  await expect(again).rejects.toMatchObject({ code: 'AlreadyExists' })
})

test('a failed move in does not touch the DID', async () => {
  await using opened = await TestApp.open()
  const { app } = opened
  const did = await identityElsewhere(app, 'alice.pds.example.com')
  const inviteCode = app.invites.createOne({ uses: 1 })
  app.passwords.hash = async () => {
    app.invites.disable({ codes: [inviteCode], accounts: [] })
    return ''
  }

  const failed = app.creation.create(signUpOf('alice', { did, inviteCode }), {
    isOperator: false,
    provenDid: did,
  })

  await expect(failed).rejects.toMatchObject({ code: 'InvalidInviteCode' })
  expect((await app.plc.lastOperation(did))?.type).toBe('plc_operation')
  await expectNothingLeft(opened, [did])
})

test('an account of a DID method that the network does not know is refused', async () => {
  await using opened = await TestApp.open()
  const did = 'did:example:alice' as Did

  const failed = opened.app.creation.create(signUpOf('alice', { did }), { isOperator: false, provenDid: did })

  await expect(failed).rejects.toMatchObject({ code: 'InvalidRequest' })
})
