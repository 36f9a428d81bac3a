import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { Authenticator } from '#auth/authenticator.ts'
import type { Credentials } from '#auth/credentials.ts'
import {
  anyone,
  either,
  moderator,
  operator,
  optional,
  type Policy,
  publicOrOwner,
  refreshToken,
  serviceAuth,
  signedIn,
} from '#auth/policies.ts'
import type { Principal } from '#auth/principal.ts'
import { openDatabase } from '#db/database.ts'
import { createGenesis } from '#identity/plc-changes.ts'
import { PlcClient } from '#identity/plc-client.ts'
import { IdentityResolver } from '#identity/resolver.ts'
import { generateK256, type SigningKey } from '#keys/k256.ts'
import { cacheMigrations } from '#migrations/cache.ts'
import { RateLimitExceededError } from '#ratelimit/errors.ts'
import { HOUR, MINUTE } from '#std/clock.ts'
import { createSafeFetch } from '#std/safe-fetch.ts'
import { startPlc } from '#tests/support/plc.ts'
import { didNamed, handleOf, JWT_SECRET, openService, SERVICE_DID } from '#tests/support/service.ts'

const ADMIN_PASSWORD = 'admin:with:colons'
const METHOD = 'com.atproto.repo.uploadBlob'

async function openAuth() {
  const stack = new AsyncDisposableStack()
  const service = stack.use(openService())
  const plcHost = stack.use(await startPlc({ clock: service.clock }))
  const cache = stack.adopt(
    openDatabase(join(service.directory, 'cache.sqlite'), {
      migrations: cacheMigrations,
      synchronous: 'NORMAL',
    }),
    (db) => db.close(),
  )
  const settings = { protection: true, allowLoopback: true, ownHostname: 'pds.test' }
  const fetch = createSafeFetch({ userAgent: 'test', ...settings })
  const plc = new PlcClient({ url: plcHost.url, fetch, timeoutMs: 300 })
  const { clock, accounts, tokens } = service
  const identity = stack.use(new IdentityResolver({ cache, clock, plc, fetch, timeoutMs: 300, dev: true }))
  const open = (moderationServiceDid: string | null) =>
    new Authenticator({
      accounts,
      tokens,
      identity,
      clock,
      serviceDid: SERVICE_DID,
      adminPassword: ADMIN_PASSWORD,
      moderationServiceDid,
    })
  const auth = open(null)

  return {
    service,
    plc,
    plcHost,
    open,
    auth,
    /** What a policy makes of an Authorization header. */
    async ask<P extends Principal>(
      policy: Policy<P>,
      authorization: string | null,
      more: Partial<Credentials> & { auth?: Authenticator } = {},
    ): Promise<P> {
      return await policy.authenticate(more.auth ?? auth, credentials(authorization, more))
    },
    /** An identity at the directory, with the key that signs for it. */
    async stranger() {
      const { key } = generateK256()
      const { did, operation } = createGenesis(
        {
          signingKey: key.did,
          rotationKeys: [key.did],
          handle: handleOf('bob.elsewhere.test'),
          pds: 'https://elsewhere.test',
        },
        key,
      )
      await plc.submit(did, operation)
      return { did, key }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

function credentials(authorization: string | null, more: Partial<Credentials> = {}): Credentials {
  return { authorization, dpop: null, nsid: METHOD, door: 'network', ...more }
}

/** A service token that is good in all but what is given. */
async function serviceToken(
  { did, key }: { did: string; key: SigningKey },
  now: number,
  claims: object = {},
  header: object = {},
): Promise<string> {
  const iat = Math.floor(now / 1000)
  const jti = crypto.randomUUID()
  const payload = { iss: did, aud: SERVICE_DID, exp: iat + 60, iat, lxm: METHOD, jti, ...claims }
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part({ typ: 'JWT', alg: 'ES256K', ...header })}.${part(payload)}`
  return `${signed}.${Buffer.from(key.sign(Buffer.from(signed))).toString('base64url')}`
}

function basic(name: string, password: string): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
}

test('a session of an account is recognised, whatever the case of the scheme', async () => {
  await using opened = await openAuth()
  const alice = opened.service.addAccount('alice')
  const { accessJwt } = opened.service.sessions.start(alice, null)

  for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
    const principal = await opened.ask(signedIn(), `${scheme} ${accessJwt}`)
    expect(principal).toEqual({ type: 'account', did: alice, scope: 'com.atproto.access' })
  }
})

test.each([
  [null, 'unauthenticated', 'AuthMissing', 'Authentication Required'],
  ['', 'unauthenticated', 'AuthMissing', 'Authentication Required'],
  ['Bearer', 'invalid', 'InvalidToken', 'Malformed authorization header'],
  ['Bearer a b', 'invalid', 'InvalidToken', 'Malformed authorization header'],
  ['Bearer  a', 'invalid', 'InvalidToken', 'Malformed authorization header'],
  ['Foo a', 'invalid', 'InvalidToken', 'Unsupported authorization type: Foo'],
  ['Basic YTpi', 'invalid', 'InvalidToken', 'Unexpected authorization type'],
  ['Bearer a.b.c', 'invalid', 'InvalidToken', 'Token could not be verified'],
  ['constructor a', 'invalid', 'InvalidToken', 'Unsupported authorization type: constructor'],
  ['__proto__ a', 'invalid', 'InvalidToken', 'Unsupported authorization type: __proto__'],
  ['DPoP a.b.c', 'unauthenticated', 'invalid_token', 'Invalid token'],
])('a method for accounts refuses the header %p', async (header, kind, code, message) => {
  await using opened = await openAuth()

  await expect(opened.ask(signedIn(), header)).rejects.toMatchObject({ kind, code, message })
})

test('the operator at the socket is no account', async () => {
  await using opened = await openAuth()

  await expect(opened.ask(signedIn(), null, { door: 'socket' })).rejects.toMatchObject({
    code: 'AuthMissing',
  })
})

test('each policy takes the scopes that it names', async () => {
  await using opened = await openAuth()
  const { service } = opened
  const alice = service.addAccount('alice')
  const issue = (scope: Parameters<typeof service.tokens.issueAccess>[1]) =>
    `Bearer ${service.tokens.issueAccess(alice, scope)}`
  const sessions = {
    access: issue('com.atproto.access'),
    appPass: issue('com.atproto.appPass'),
    privileged: issue('com.atproto.appPassPrivileged'),
    takendown: issue('com.atproto.takendown'),
    queued: issue('com.atproto.signupQueued'),
  }
  const takes = async (policy: Policy) => {
    const taken: string[] = []
    for (const [name, header] of Object.entries(sessions)) {
      try {
        await opened.ask(policy, header)
        taken.push(name)
      } catch (error) {
        expect(error).toMatchObject({ code: 'InvalidToken', message: 'Bad token scope' })
      }
    }
    return taken
  }

  expect(await takes(signedIn())).toEqual(['access', 'appPass', 'privileged'])
  expect(await takes(signedIn({ scopes: 'privileged' }))).toEqual(['access', 'privileged'])
  expect(await takes(signedIn({ scopes: 'full' }))).toEqual(['access'])
  expect(await takes(signedIn({ scopes: 'full', takendown: 'accepted' }))).toEqual(['access', 'takendown'])
  expect(await takes(signedIn({ takendown: 'refused' }))).toEqual(['access', 'appPass', 'privileged'])
  expect(await takes(signedIn({ signupQueued: 'accepted' }))).toEqual([
    'access',
    'appPass',
    'privileged',
    'queued',
  ])
})

test('the state of the account is looked at where a policy asks for it, as it is now', async () => {
  await using opened = await openAuth()
  const { service } = opened
  const alice = service.addAccount('alice')
  const header = `Bearer ${service.sessions.start(alice, null).accessJwt}`
  const strict = signedIn({ takendown: 'refused', deactivated: 'refused' })
  await opened.ask(strict, header)

  service.accounts.setDeactivated(alice, { at: service.time.now, deleteAfter: null })
  await expect(opened.ask(strict, header)).rejects.toMatchObject({
    kind: 'unauthenticated',
    code: 'AccountDeactivated',
    message: 'Account is deactivated',
  })
  await opened.ask(signedIn({ takendown: 'refused' }), header)

  service.accounts.setTakedown(alice, 'a reason')
  await expect(opened.ask(strict, header)).rejects.toMatchObject({
    kind: 'unauthenticated',
    code: 'AccountTakedown',
    message: 'Account has been taken down',
  })
  await opened.ask(signedIn(), header)

  service.accounts.remove(alice)
  await expect(opened.ask(strict, header)).rejects.toMatchObject({
    kind: 'forbidden',
    code: 'AccountNotFound',
    message: 'Account not found',
  })
})

test('a refresh token is good for refreshing only, and an expired one only where that is allowed', async () => {
  await using opened = await openAuth()
  const { service } = opened
  const alice = service.addAccount('alice')
  const { accessJwt, refreshJwt } = service.sessions.start(alice, null)

  const principal = await opened.ask(refreshToken(), `Bearer ${refreshJwt}`)
  expect(principal).toMatchObject({ type: 'refresh', did: alice })
  for (const [header, code] of [
    [null, 'AuthMissing'],
    [basic('admin', ADMIN_PASSWORD), 'AuthMissing'],
    ['DPoP x', 'AuthMissing'],
    [`Bearer ${accessJwt}`, 'InvalidToken'],
  ] as const) {
    await expect(opened.ask(refreshToken(), header)).rejects.toMatchObject({ code })
  }
  await expect(opened.ask(signedIn(), `Bearer ${refreshJwt}`)).rejects.toMatchObject({ code: 'InvalidToken' })

  service.time.now += 91 * 24 * HOUR
  await expect(opened.ask(refreshToken(), `Bearer ${refreshJwt}`)).rejects.toMatchObject({
    code: 'ExpiredToken',
  })
  expect((await opened.ask(refreshToken({ expired: true }), `Bearer ${refreshJwt}`)).did).toBe(alice)
})

test('a refresh token without an id has its own error', async () => {
  await using opened = await openAuth()
  const alice = opened.service.addAccount('alice')
  const now = Math.floor(opened.service.time.now / 1000)
  const token = await new SignJWT({
    scope: 'com.atproto.refresh',
    aud: SERVICE_DID,
    sub: alice,
    exp: now + 60,
  })
    .setProtectedHeader({ typ: 'refresh+jwt', alg: 'HS256' })
    .sign(Buffer.from(JWT_SECRET))

  await expect(opened.ask(refreshToken(), `Bearer ${token}`)).rejects.toMatchObject({
    kind: 'unauthenticated',
    code: 'MissingTokenId',
  })
})

test('the operator is who knows the password, or has the socket or the process', async () => {
  await using opened = await openAuth()

  expect(await opened.ask(operator, basic('admin', ADMIN_PASSWORD))).toEqual({
    type: 'operator',
    via: 'password',
  })
  expect(await opened.ask(operator, null, { door: 'socket' })).toEqual({ type: 'operator', via: 'socket' })
  expect(await opened.ask(operator, null, { door: 'in-process' })).toEqual({
    type: 'operator',
    via: 'in-process',
  })
})

test.each([
  null,
  basic('admin', 'wrong'),
  basic('admin', ''),
  basic('Admin', ADMIN_PASSWORD),
  basic('', ADMIN_PASSWORD),
  `Basic ${Buffer.from(ADMIN_PASSWORD).toString('base64')}`,
  'Basic %%%',
  'Bearer a.b.c',
  'DPoP a.b.c',
])('%p does not make an operator', async (header) => {
  await using opened = await openAuth()

  await expect(opened.ask(operator, header)).rejects.toMatchObject({
    kind: 'unauthenticated',
    code: 'AuthenticationRequired',
    message: 'Authentication Required',
  })
})

test('a public method does not look at the header', async () => {
  await using opened = await openAuth()

  expect(await opened.ask(anyone, 'junk')).toEqual({ type: 'nobody' })
})

test('where credentials are optional, none is nobody and bad ones are refused', async () => {
  await using opened = await openAuth()
  const { service } = opened
  const alice = service.addAccount('alice')
  const { accessJwt } = service.sessions.start(alice, null)

  expect(await opened.ask(publicOrOwner, null)).toEqual({ type: 'nobody' })
  expect(await opened.ask(publicOrOwner, null, { door: 'socket' })).toMatchObject({ type: 'operator' })
  expect(await opened.ask(publicOrOwner, `Bearer ${accessJwt}`)).toMatchObject({
    type: 'account',
    did: alice,
  })
  expect(await opened.ask(publicOrOwner, basic('admin', ADMIN_PASSWORD))).toMatchObject({ type: 'operator' })
  await expect(opened.ask(publicOrOwner, 'Bearer x')).rejects.toMatchObject({ code: 'InvalidToken' })
  await expect(opened.ask(publicOrOwner, basic('admin', 'x'))).rejects.toMatchObject({
    kind: 'unauthenticated',
  })
  await expect(opened.ask(optional(serviceAuth), basic('admin', ADMIN_PASSWORD))).rejects.toMatchObject({
    kind: 'unauthenticated',
    code: 'AuthenticationRequired',
    message: 'Invalid authorization header',
  })
})

test('a method that takes sessions and service tokens tells them apart by what they claim', async () => {
  await using opened = await openAuth()
  const { service } = opened
  const policy = either(serviceAuth, signedIn())
  const alice = service.addAccount('alice')
  const bob = await opened.stranger()
  const { accessJwt } = service.sessions.start(alice, null)

  expect(await opened.ask(policy, `Bearer ${accessJwt}`)).toMatchObject({ type: 'account', did: alice })
  const token = await serviceToken(bob, service.time.now)
  expect(await opened.ask(policy, `Bearer ${token}`)).toMatchObject({ type: 'service', did: bob.did })
  await expect(opened.ask(policy, 'Bearer a.b.c')).rejects.toMatchObject({ code: 'InvalidToken' })
  await expect(opened.ask(policy, null)).rejects.toMatchObject({ code: 'AuthMissing' })
})

test('a service token proves the DID whose key signed it, for us and for one method', async () => {
  await using opened = await openAuth()
  const bob = await opened.stranger()

  for (const aud of [SERVICE_DID, `${SERVICE_DID}#atproto_pds`]) {
    const token = await serviceToken(bob, opened.service.time.now, { aud }, { kid: '#atproto' })
    const principal = await opened.ask(serviceAuth, `Bearer ${token}`)
    expect(principal).toEqual({ type: 'service', iss: bob.did, did: bob.did, lxm: METHOD })
  }
})

const NOW = Date.UTC(2026, 10, 21, 12) / 1000

test.each([
  ['an end in the past', { exp: NOW - 1 }, {}, 'JwtExpired'],
  ['an end far ahead', { exp: NOW + 2 * 3600 }, {}, 'BadJwt'],
  ['no end', { exp: undefined }, {}, 'BadJwt'],
  ['a time of issue in the future', { iat: NOW + 120 }, {}, 'BadJwt'],
  ['another audience', { aud: 'did:web:other.test' }, {}, 'BadJwtAudience'],
  ['the audience of another service of ours', { aud: `${SERVICE_DID}#bsky_appview` }, {}, 'BadJwtAudience'],
  ['another method', { lxm: 'com.atproto.server.createAccount' }, {}, 'BadJwtLexiconMethod'],
  ['no method', { lxm: undefined }, {}, 'BadJwtLexiconMethod'],
  ['an issuer that is no DID', { iss: 'bob.test' }, {}, 'BadJwtIss'],
  ['an issuer with an empty service', { iss: 'did:web:bob.test#' }, {}, 'BadJwtIss'],
  ['an issuer that is a service', { iss: `${didNamed('bob')}#atproto_labeler` }, {}, 'UntrustedIss'],
  ['the type of an access token', {}, { typ: 'at+jwt' }, 'BadJwtType'],
  ['the type of a refresh token', {}, { typ: 'refresh+jwt' }, 'BadJwtType'],
  ['the type of a DPoP proof', {}, { typ: 'dpop+jwt' }, 'BadJwtType'],
  ['no algorithm', {}, { alg: undefined }, 'BadJwt'],
  ['the algorithm of another curve', {}, { alg: 'ES256' }, 'BadJwtSignature'],
  ['no signature at all', {}, { alg: 'none' }, 'BadJwtSignature'],
  ["a key that is not the account's", {}, { kid: '#atproto_label' }, 'BadJwtSignature'],
])('a service token with %s is refused', async (_, claims, header, code) => {
  await using opened = await openAuth()
  const bob = await opened.stranger()
  const token = await serviceToken(bob, opened.service.time.now, claims, header)

  await expect(opened.ask(serviceAuth, `Bearer ${token}`)).rejects.toMatchObject({
    kind: 'unauthenticated',
    code,
  })
})

test('text that is no service token is refused', async () => {
  await using opened = await openAuth()

  for (const token of [
    '',
    'x',
    'a.b',
    'a.b.c',
    'a.b.c.d',
    'e30.e30.e30',
    'bnVsbA.bnVsbA.x',
    `${'x'.repeat(9000)}.a.b`,
  ]) {
    await expect(opened.ask(serviceAuth, `Bearer ${token}`)).rejects.toMatchObject({
      kind: 'unauthenticated',
    })
  }
  await expect(opened.ask(serviceAuth, null)).rejects.toMatchObject({ code: 'MissingJwt' })
})

test('a service token of an issuer whom nobody knows is refused', async () => {
  await using opened = await openAuth()
  const { key } = generateK256()

  for (const did of [didNamed('nobody'), 'did:web:localhost%3A1', 'did:web:10.0.0.1', 'did:example:bob']) {
    const token = await serviceToken({ did, key }, opened.service.time.now)
    await expect(opened.ask(serviceAuth, `Bearer ${token}`)).rejects.toMatchObject({
      kind: 'unauthenticated',
      message: 'could not resolve iss did',
    })
  }
})

test('a service token is good once', async () => {
  await using opened = await openAuth()
  const bob = await opened.stranger()
  const token = await serviceToken(bob, opened.service.time.now)
  const withoutId = await serviceToken(bob, opened.service.time.now, { jti: undefined })

  for (const header of [`Bearer ${token}`, `Bearer ${withoutId}`]) {
    await opened.ask(serviceAuth, header)
    await expect(opened.ask(serviceAuth, header)).rejects.toMatchObject({ message: 'jwt was used before' })
  }
})

test('a key that changed is looked up again, a forged signature not more than once a minute', async () => {
  await using opened = await openAuth()
  const { service, plc, plcHost } = opened
  const bob = await opened.stranger()
  await opened.ask(serviceAuth, `Bearer ${await serviceToken(bob, service.time.now)}`)
  const { key } = generateK256()
  service.time.now += 1000
  await plc.update(bob.did, () => ({ verificationMethods: { atproto: key.did } }), bob.key)

  const rotated = await serviceToken({ did: bob.did, key }, service.time.now)
  expect(await opened.ask(serviceAuth, `Bearer ${rotated}`)).toMatchObject({ did: bob.did })

  plcHost.requests.length = 0
  const forger = { did: bob.did, key: generateK256().key }
  for (let i = 0; i < 5; i++) {
    const forged = await serviceToken(forger, service.time.now)
    await expect(opened.ask(serviceAuth, `Bearer ${forged}`)).rejects.toMatchObject({
      code: 'BadJwtSignature',
    })
  }
  expect(plcHost.requests).toEqual([])
  service.time.now += MINUTE
  const forged = await serviceToken(forger, service.time.now)
  await expect(opened.ask(serviceAuth, `Bearer ${forged}`)).rejects.toMatchObject({ code: 'BadJwtSignature' })
  expect(plcHost.requests).toHaveLength(1)
})

test('moderators are the operator and the moderation service of the settings', async () => {
  await using opened = await openAuth()
  const { service } = opened
  const bob = await opened.stranger()
  const eve = await opened.stranger()
  const auth = opened.open(bob.did)

  expect(await opened.ask(moderator, basic('admin', ADMIN_PASSWORD), { auth })).toMatchObject({
    type: 'operator',
  })
  const bobs = await serviceToken(bob, service.time.now)
  expect(await opened.ask(moderator, `Bearer ${bobs}`, { auth })).toMatchObject({
    type: 'service',
    did: bob.did,
  })
  const eves = await serviceToken(eve, service.time.now)
  await expect(opened.ask(moderator, `Bearer ${eves}`, { auth })).rejects.toMatchObject({
    code: 'UntrustedIss',
  })
  const unset = await serviceToken(bob, service.time.now)
  await expect(opened.ask(moderator, `Bearer ${unset}`)).rejects.toMatchObject({ code: 'UntrustedIss' })
  await expect(opened.ask(moderator, null, { auth })).rejects.toMatchObject({
    code: 'AuthenticationRequired',
  })
  const labeler = await serviceToken(bob, service.time.now, { iss: `${bob.did}#atproto_labeler` })
  await expect(opened.ask(moderator, `Bearer ${labeler}`, { auth })).rejects.toMatchObject({
    message: 'missing or bad key in did doc',
  })
})

test('the labeler of the moderation service signs with its own key', async () => {
  await using opened = await openAuth()
  const { service, plc } = opened
  const bob = await opened.stranger()
  const { key } = generateK256()
  service.time.now += 1000
  await plc.update(
    bob.did,
    () => ({ verificationMethods: { atproto: bob.key.did, atproto_label: key.did } }),
    bob.key,
  )
  const auth = opened.open(bob.did)
  const iss = `${bob.did}#atproto_labeler`

  const good = await serviceToken({ did: bob.did, key }, service.time.now, { iss })
  expect(await opened.ask(moderator, `Bearer ${good}`, { auth })).toMatchObject({ type: 'service', iss })
  const crossed = await serviceToken(bob, service.time.now, { iss })
  await expect(opened.ask(moderator, `Bearer ${crossed}`, { auth })).rejects.toMatchObject({
    code: 'BadJwtSignature',
  })
})

test('unknown issuers of service tokens are looked up only with leave, known ones without', async () => {
  await using opened = await openAuth()
  const now = opened.service.clock.now()
  const state = { limit: 1, remaining: 0, resetAt: now, windowMs: MINUTE }
  const beforeLookUp = () => {
    throw new RateLimitExceededError(state, MINUTE)
  }
  const known = await opened.stranger()
  const unknown = await opened.stranger()
  await opened.ask(serviceAuth, `Bearer ${await serviceToken(known, now)}`)
  const ask = async (issuer: { did: string; key: SigningKey }) =>
    await opened.ask(serviceAuth, `Bearer ${await serviceToken(issuer, now)}`, { beforeLookUp })

  expect(await ask(known)).toMatchObject({ type: 'service', iss: known.did })
  await expect(ask(unknown)).rejects.toMatchObject({ kind: 'rate-limited' })
  await expect(ask({ did: known.did, key: unknown.key })).rejects.toMatchObject({ kind: 'rate-limited' })
})
