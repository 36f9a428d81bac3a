import { expect, test } from 'bun:test'
import { answers, invalid, ok, refused } from '#tests/support/answers.ts'
import { startPds } from '#tests/support/pds.ts'

const SESSION = ok('accessJwt active did email emailConfirmed handle refreshJwt')
const WRONG = refused(401, 'AuthenticationRequired', 'Invalid identifier or password')

answers('com.atproto.server.createSession', [
  ['a handle', ({ alice }) => ({ body: { identifier: alice.handle, password: alice.password } }), SESSION],
  [
    'a handle in capitals',
    ({ alice }) => ({ body: { identifier: alice.handle.toUpperCase(), password: alice.password } }),
    SESSION,
  ],
  [
    'an address in capitals',
    ({ alice }) => ({ body: { identifier: alice.email.toUpperCase(), password: alice.password } }),
    SESSION,
  ],
  ['a DID', ({ alice }) => ({ body: { identifier: alice.did, password: alice.password } }), SESSION],
  [
    'a handle with a space',
    ({ alice }) => ({ body: { identifier: ` ${alice.handle}`, password: alice.password } }),
    SESSION,
    WRONG,
  ],
  [
    'a handle with @',
    ({ alice }) => ({ body: { identifier: `@${alice.handle}`, password: alice.password } }),
    WRONG,
  ],
  ['a wrong password', ({ alice }) => ({ body: { identifier: alice.handle, password: 'wrong' } }), WRONG],
  ['an empty password', ({ alice }) => ({ body: { identifier: alice.handle, password: '' } }), WRONG],
  [
    'the password of another',
    ({ alice, bob }) => ({ body: { identifier: alice.handle, password: bob.password } }),
    WRONG,
  ],
  ['nobody', ({ alice }) => ({ body: { identifier: 'nobody.test', password: alice.password } }), WRONG],
  ['no identifier', () => ({ body: { identifier: '', password: 'x' } }), WRONG],
  [
    'a password of 513 characters',
    ({ alice }) => ({ body: { identifier: alice.handle, password: 'x'.repeat(513) } }),
    refused(401, 'AuthenticationRequired', 'Password too long. Consider resetting your password.'),
  ],
  [
    'a factor that is not needed',
    ({ alice }) => ({ body: { identifier: alice.handle, password: alice.password, authFactorToken: 'x' } }),
    SESSION,
  ],
  [
    'allowTakendown',
    ({ alice }) => ({ body: { identifier: alice.handle, password: alice.password, allowTakendown: true } }),
    SESSION,
  ],
  [
    'a broken header',
    ({ alice }) => ({ auth: 'junk', body: { identifier: alice.handle, password: alice.password } }),
    SESSION,
  ],
  [
    'a numeric identifier',
    () => ({ body: { identifier: 7, password: 'x' } }),
    invalid('Expected string value type (got 7) at $.identifier'),
  ],
  [
    'a null password',
    () => ({ body: { identifier: 'x', password: null } }),
    invalid('Expected string value type (got null) at $.password'),
  ],
  [
    'a password too few',
    () => ({ body: { identifier: 'x' } }),
    invalid('Missing required key "password" at $'),
  ],
  [
    'an identifier too few',
    () => ({ body: { password: 'x' } }),
    invalid('Missing required key "identifier" at $'),
  ],
  ['GET', () => ({}), invalid('Incorrect HTTP method (GET) expected POST')],
])

test('an account that is taken down logs in only when it asks for the restricted session', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  pds.app.accounts.setTakedown(alice.did, 'why')
  const logIn = (more: object) =>
    pds.call('com.atproto.server.createSession', {
      identifier: alice.handle,
      password: alice.password,
      ...more,
    })

  await expect(logIn({})).rejects.toMatchObject({ status: 401, error: 'AccountTakedown' })
  await expect(logIn({ password: 'wrong' })).rejects.toMatchObject({
    status: 401,
    error: 'AuthenticationRequired',
  })
  const session = await logIn({ allowTakendown: true })

  expect(session).toMatchObject({ did: alice.did, active: false, status: 'takendown' })
  const refreshed = pds.as(`Bearer ${session.refreshJwt}`).call('com.atproto.server.refreshSession')
  await expect(refreshed).rejects.toMatchObject({ status: 401, error: 'AccountTakedown' })
  const seen = pds.as(`Bearer ${session.accessJwt}`).call('com.atproto.server.getSession')
  await expect(seen).rejects.toMatchObject({ status: 400, error: 'InvalidToken', message: 'Bad token scope' })
})

test('a deactivated account logs in, and is told what it is', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  pds.app.accounts.setDeactivated(alice.did, { at: 1, deleteAfter: null })

  const session = await pds.call('com.atproto.server.createSession', {
    identifier: alice.email,
    password: alice.password,
  })

  expect(session).toMatchObject({ did: alice.did, active: false, status: 'deactivated' })
})

test('an app password opens a session of its own scope', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const { password } = await pds.app.appPasswords.create(alice.did, 'phone', { privileged: false })

  const session = await pds.call('com.atproto.server.createSession', { identifier: alice.handle, password })

  const { scope } = JSON.parse(Buffer.from(session.accessJwt.split('.')[1]!, 'base64url').toString())
  expect(scope).toBe('com.atproto.appPass')
})

test('sessions carry the DID document where the settings ask for it', async () => {
  await using pds = await startPds({ settings: { 'identity.did_doc_with_session': true } })
  const alice = await pds.createAccount('alice')

  expect(await alice.call('com.atproto.server.getSession')).toMatchObject({ didDoc: { id: alice.did } })
})

test('the time of a log-in does not tell whether the account is there', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const timeOf = async (identifier: string) => {
    const start = performance.now()
    await pds.call('com.atproto.server.createSession', { identifier, password: 'wrong' }).catch(() => null)
    return performance.now() - start
  }

  for (const identifier of [alice.handle, alice.email, alice.did, 'nobody.test', 'nobody@example.com', 'x']) {
    expect(await timeOf(identifier)).toBeWithin(350, 450)
  }
}, 20_000)
