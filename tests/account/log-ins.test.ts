import { expect, test } from 'bun:test'
import { BadLogInError } from '#account/errors.ts'
import { openService, type Service } from '#tests/support/service.ts'

const PASSWORD = 'correct horse battery'
const OFFICIAL_HASH =
  '00112233445566778899aabbccddeeff:ba9c3ef700b6de474b706aea98d13043eda61fb74744cfa3ddc2c124d41d72bbd9133a089140f0b26271c4d8d5d92dcf186b8f3451bcab31527466fff1000bf8'

async function withAlice(service: Service) {
  return service.addAccount('alice', { passwordHash: await service.passwords.hash(PASSWORD) })
}

function takeDown(service: Service, did: string): void {
  service.db.query('UPDATE account SET takedown_ref = ? WHERE did = ?').run('why', did)
}

test('an account logs in by DID, handle or address, in any case and with spaces around', async () => {
  using service = openService()
  const alice = await withAlice(service)

  for (const identifier of [
    alice,
    'alice.pds.test',
    'Alice.PDS.test',
    ' alice.pds.test ',
    'ALICE@example.com',
  ]) {
    const { account, accessJwt } = await service.logIns.logIn({ identifier, password: PASSWORD })
    expect(account.did).toBe(alice)
    expect(service.tokens.verifyAccess(accessJwt).scope).toBe('com.atproto.access')
  }
})

test('a wrong password and an unknown account give the same answer', async () => {
  using service = openService()
  await withAlice(service)
  const attempts = [
    { identifier: 'alice.pds.test', password: 'correct horse batterz' },
    { identifier: 'alice.pds.test', password: '' },
    { identifier: 'bob.pds.test', password: PASSWORD },
    { identifier: 'bob@example.com', password: PASSWORD },
    { identifier: 'did:plc:bobaaaaaaaaaaaaaaaaaaaaa', password: PASSWORD },
    { identifier: '', password: PASSWORD },
    { identifier: 'x'.repeat(100_000), password: PASSWORD },
    { identifier: 'no handle', password: '' },
    { identifier: 'alice.pds.test', password: 'x'.repeat(512) },
  ]

  for (const attempt of attempts) {
    const failed = service.logIns.logIn(attempt)
    await expect(failed).rejects.toMatchObject({
      kind: 'unauthenticated',
      code: 'AuthenticationRequired',
      message: 'Invalid identifier or password',
    })
  }
})

test('a password beyond 512 characters is not even hashed', async () => {
  using service = openService()

  const failed = service.logIns.logIn({ identifier: 'alice.pds.test', password: 'x'.repeat(513) })

  await expect(failed).rejects.toThrow('Password too long. Consider resetting your password.')
})

test('every log-in takes 350 ms at least, and an unknown account works as hard as a known one', async () => {
  using service = openService()
  await withAlice(service)
  const cases = [
    { identifier: 'alice.pds.test', password: PASSWORD },
    { identifier: 'alice.pds.test', password: 'wrong password' },
    { identifier: 'nobody.pds.test', password: 'wrong password' },
    { identifier: 'alice.pds.test', password: 'aaaa-bbbb-cccc-dddd' },
    { identifier: 'nobody.pds.test', password: 'aaaa-bbbb-cccc-dddd' },
  ]

  await service.passwords.verify('warm', null)
  const cpu: number[] = []
  for (const request of cases) {
    const before = process.cpuUsage()
    const start = performance.now()
    await service.logIns.logIn(request).catch(() => null)
    expect(performance.now() - start).toBeGreaterThanOrEqual(350)
    const { user, system } = process.cpuUsage(before)
    cpu.push(user + system)
  }

  const [, wrong, unknown, wrongApp, unknownApp] = cpu as [number, number, number, number, number]
  expect(unknown / wrong).toBeWithin(0.4, 2.5)
  expect(unknownApp / wrongApp).toBeWithin(0.4, 2.5)
})

test('a password of the official server logs in, and is hashed anew', async () => {
  using service = openService()
  const alice = service.addAccount('alice', { passwordHash: OFFICIAL_HASH })

  await service.logIns.logIn({ identifier: alice, password: PASSWORD })

  expect(service.accounts.passwordHash(alice)).toStartWith('$argon2id$')
  expect((await service.logIns.logIn({ identifier: alice, password: PASSWORD })).account.did).toBe(alice)
})

test('a wrong password leaves the hash of the official server as it is', async () => {
  using service = openService()
  const alice = service.addAccount('alice', { passwordHash: OFFICIAL_HASH })

  await expect(service.logIns.logIn({ identifier: alice, password: 'wrong password' })).rejects.toThrow(
    BadLogInError,
  )

  expect(service.accounts.passwordHash(alice)).toBe(OFFICIAL_HASH)
})

test('an app password logs in to a session of its own scope', async () => {
  using service = openService()
  const alice = await withAlice(service)
  const { password } = await service.appPasswords.create(alice, 'phone', { privileged: false })

  const { accessJwt } = await service.logIns.logIn({ identifier: alice, password })

  expect(password).toMatch(/^[a-z2-7]{4}(-[a-z2-7]{4}){3}$/)
  expect(service.tokens.verifyAccess(accessJwt).scope).toBe('com.atproto.appPass')
})

test('an account without a password can only log in by app passwords', async () => {
  using service = openService()
  const alice = service.addAccount('alice')
  const { password } = await service.appPasswords.create(alice, 'phone', { privileged: false })

  await expect(service.logIns.logIn({ identifier: alice, password: 'anything' })).rejects.toThrow(
    BadLogInError,
  )
  expect((await service.logIns.logIn({ identifier: alice, password })).account.did).toBe(alice)
})

test('an account that is taken down logs in by its main password, and only if it asks for that', async () => {
  using service = openService()
  const alice = await withAlice(service)
  const { password } = await service.appPasswords.create(alice, 'phone', { privileged: false })
  takeDown(service, alice)

  const [wrong, app, plain, asked] = await Promise.allSettled([
    service.logIns.logIn({ identifier: alice, password: 'wrong password' }),
    service.logIns.logIn({ identifier: alice, password, allowTakendown: true }),
    service.logIns.logIn({ identifier: alice, password: PASSWORD }),
    service.logIns.logIn({ identifier: alice, password: PASSWORD, allowTakendown: true }),
  ])

  expect(wrong).toMatchObject({ reason: { code: 'AuthenticationRequired' } })
  expect(app).toMatchObject({ reason: { code: 'AuthenticationRequired' } })
  expect(plain).toMatchObject({ reason: { code: 'AccountTakedown' } })
  expect(asked.status).toBe('fulfilled')
  if (asked.status !== 'fulfilled') return
  expect(service.tokens.verifyAccess(asked.value.accessJwt).scope).toBe('com.atproto.takendown')
})

test('a deactivated account may log in', async () => {
  using service = openService()
  const passwordHash = await service.passwords.hash(PASSWORD)
  const alice = service.addAccount('alice', { passwordHash, deactivatedAt: service.time.now })

  const { accessJwt } = await service.logIns.logIn({ identifier: alice, password: PASSWORD })

  expect(service.tokens.verifyAccess(accessJwt).scope).toBe('com.atproto.access')
})

test('a new password ends all sessions and the old password', async () => {
  using service = openService()
  const alice = await withAlice(service)
  const { refreshJwt } = await service.logIns.logIn({ identifier: alice, password: PASSWORD })

  await service.logIns.changePassword(alice, 'another password')

  const { tokenId } = service.tokens.verifyRefresh(refreshJwt)
  await expect(service.logIns.refresh(alice, tokenId!)).rejects.toThrow('Token has been revoked')
  await expect(service.logIns.logIn({ identifier: alice, password: PASSWORD })).rejects.toThrow(BadLogInError)
  const { account } = await service.logIns.logIn({ identifier: alice, password: 'another password' })
  expect(account.did).toBe(alice)
})

test('a new password must be of a length that can be used', async () => {
  using service = openService()
  const alice = await withAlice(service)

  await expect(service.logIns.changePassword(alice, 'x'.repeat(257))).rejects.toThrow(
    'Invalid password length.',
  )
  await expect(service.logIns.changePassword(alice, 'seven77')).rejects.toThrow('Minimum length is 8')
  await service.logIns.changePassword(alice, 'x'.repeat(256))
})
