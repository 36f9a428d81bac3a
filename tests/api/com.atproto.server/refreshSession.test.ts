import { expect, test } from 'bun:test'
import { answers, authMissing, invalid, ok, unverifiable } from '#tests/support/answers.ts'
import { startPds } from '#tests/support/pds.ts'

const SESSION = ok('accessJwt active did email emailConfirmed handle refreshJwt')

answers('com.atproto.server.refreshSession', [
  ['a refresh token', ({ alice }) => ({ verb: 'POST', auth: `Bearer ${alice.refreshJwt}` }), SESSION],
  ['the same again', ({ alice }) => ({ verb: 'POST', auth: `Bearer ${alice.refreshJwt}` }), SESSION],
  ['scheme in capitals', ({ bob }) => ({ verb: 'POST', auth: `BEARER ${bob.refreshJwt}` }), SESSION],
  ['nothing', () => ({ verb: 'POST' }), authMissing],
  ['an access token', ({ alice }) => ({ verb: 'POST', auth: `Bearer ${alice.accessJwt}` }), unverifiable],
  ['junk', () => ({ verb: 'POST', auth: 'Bearer junk' }), unverifiable],
  [
    'an altered token',
    ({ alice }) => ({ verb: 'POST', auth: `Bearer ${alice.refreshJwt.slice(0, -4)}AAAA` }),
    unverifiable,
  ],
  ['the admin password', ({ admin }) => ({ verb: 'POST', auth: admin }), authMissing],
  ['DPoP', () => ({ verb: 'POST', auth: 'DPoP x' }), authMissing],
  [
    'a body',
    ({ alice }) => ({ body: {}, auth: `Bearer ${alice.refreshJwt}` }),
    invalid('A request body was provided when none was expected'),
  ],
  [
    'GET',
    ({ alice }) => ({ auth: `Bearer ${alice.refreshJwt}` }),
    invalid('Incorrect HTTP method (GET) expected POST'),
  ],
])

function tokenIdOf(refreshJwt: string): string {
  return JSON.parse(Buffer.from(refreshJwt.split('.')[1]!, 'base64url').toString()).jti
}

test('clients that refresh with one token at once all get the same next one', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const refresher = pds.as(`Bearer ${alice.refreshJwt}`)

  const sessions = await Promise.all(
    Array.from({ length: 20 }, () => refresher.call('com.atproto.server.refreshSession')),
  )

  const ids = new Set(sessions.map((session) => tokenIdOf(session.refreshJwt)))
  expect(ids.size).toBe(1)
  expect(ids.has(tokenIdOf(alice.refreshJwt))).toBe(false)
  const next = pds.as(`Bearer ${sessions[7]!.refreshJwt}`)
  expect(await next.call('com.atproto.server.refreshSession')).toMatchObject({ did: alice.did, active: true })
})

test('an ended session cannot be refreshed, its access token lives on', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const refresher = pds.as(`Bearer ${alice.refreshJwt}`)
  await refresher.call('com.atproto.server.deleteSession')

  await expect(refresher.call('com.atproto.server.refreshSession')).rejects.toMatchObject({
    status: 400,
    error: 'ExpiredToken',
    message: 'Token has been revoked',
  })
  expect(await alice.call('com.atproto.server.getSession')).toMatchObject({ did: alice.did })
})

test('an account that is taken down cannot refresh, one that is deactivated can', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const refresher = pds.as(`Bearer ${alice.refreshJwt}`)
  pds.app.accounts.setDeactivated(alice.did, { at: 1, deleteAfter: null })
  const refreshed = await refresher.call('com.atproto.server.refreshSession')
  pds.app.accounts.setTakedown(alice.did, 'why')

  expect(refreshed).toMatchObject({ active: false, status: 'deactivated' })
  await expect(refresher.call('com.atproto.server.refreshSession')).rejects.toMatchObject({
    status: 401,
    error: 'AccountTakedown',
    message: 'Account has been taken down',
  })
  await expect(alice.call('com.atproto.server.getSession')).rejects.toMatchObject({
    status: 400,
    error: 'InvalidRequest',
    message: `Could not find user info for account: ${alice.did}`,
  })
})

test('a new password ends the sessions of an account', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  await pds.admin.call('com.atproto.admin.updateAccountPassword', {
    did: alice.did,
    password: 'another-password',
  })

  const refreshed = pds.as(`Bearer ${alice.refreshJwt}`).call('com.atproto.server.refreshSession')

  await expect(refreshed).rejects.toMatchObject({ status: 400, error: 'ExpiredToken' })
  const session = { identifier: 'alice.test', password: 'another-password' }
  expect(await pds.call('com.atproto.server.createSession', session)).toMatchObject({ did: alice.did })
})

test("the session of a deleted account is nobody's", async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  await pds.admin.call('com.atproto.admin.deleteAccount', { did: alice.did })

  for (const call of [
    () => alice.call('com.atproto.server.getSession'),
    () => pds.as(`Bearer ${alice.refreshJwt}`).call('com.atproto.server.refreshSession'),
  ]) {
    await expect(call()).rejects.toMatchObject({
      status: 400,
      error: 'InvalidRequest',
      message: `Could not find user info for account: ${alice.did}`,
    })
  }
})
