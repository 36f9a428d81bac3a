import { expect, test } from 'bun:test'
import { SignJWT } from 'jose'
import { ExpiredTokenError, InvalidTokenError } from '#account/errors.ts'
import { SessionTokens } from '#account/session-tokens.ts'
import { type Did, isDid } from '#lexicon/strings.ts'
import { DAY, HOUR, MINUTE } from '#std/clock.ts'

const SECRET = 'a secret of this test, long enough'
const SERVICE = 'did:web:pds.test'
const ALICE = did('did:plc:aliceaaaaaaaaaaaaaaaaaaa')
const START = Date.UTC(2026, 10, 21, 12)

function did(text: string): Did {
  if (!isDid(text)) throw new Error(text)
  return text
}

function tokensAt(start: number) {
  const time = { now: start }
  const clock = { now: () => time.now }
  return { time, tokens: new SessionTokens({ secret: SECRET, serviceDid: SERVICE, clock }) }
}

function partsOf(token: string) {
  const [header, payload] = token.split('.').map((part) => Buffer.from(part, 'base64url').toString())
  return { header, payload: JSON.parse(payload!) }
}

/** A token signed with the server's secret, good in all but what is given. */
function forge(claims: object = {}, header: object = {}, secret = SECRET): Promise<string> {
  const now = Math.floor(START / 1000)
  const good = { scope: 'com.atproto.access', aud: SERVICE, sub: ALICE, iat: now, exp: now + 60 }
  return new SignJWT({ ...good, ...claims })
    .setProtectedHeader({ typ: 'at+jwt', alg: 'HS256', ...header })
    .sign(new TextEncoder().encode(secret))
}

test('an access token has the header and claims of the official server', () => {
  const { tokens } = tokensAt(START)

  const { header, payload } = partsOf(tokens.issueAccess(ALICE, 'com.atproto.appPass'))

  const iat = START / 1000
  expect(header).toBe('{"typ":"at+jwt","alg":"HS256"}')
  expect(payload).toEqual({ scope: 'com.atproto.appPass', aud: SERVICE, sub: ALICE, iat, exp: iat + 7200 })
})

test('a refresh token has the header and claims of the official server', () => {
  const { tokens } = tokensAt(START)

  const { header, payload } = partsOf(tokens.issueRefresh(ALICE, 'id='))

  const iat = START / 1000
  expect(header).toBe('{"typ":"refresh+jwt","alg":"HS256"}')
  expect(payload).toEqual({
    scope: 'com.atproto.refresh',
    aud: SERVICE,
    sub: ALICE,
    jti: 'id=',
    iat,
    exp: iat + 90 * 86_400,
  })
})

test('tokens of the official server, signed with the same secret, are accepted', async () => {
  const { tokens } = tokensAt(START)

  const claims = tokens.verifyAccess(await forge())

  expect(claims).toEqual({ did: ALICE, scope: 'com.atproto.access' })
})

test('a token expires when its time is over, also one that was seen before', () => {
  const { tokens, time } = tokensAt(START)
  const access = tokens.issueAccess(ALICE, 'com.atproto.access')
  const refresh = tokens.issueRefresh(ALICE, 'id')
  tokens.verifyAccess(access)
  tokens.verifyRefresh(refresh)

  time.now = START + 2 * HOUR - 1
  expect(tokens.verifyAccess(access).did).toBe(ALICE)
  time.now = START + 2 * HOUR
  expect(() => tokens.verifyAccess(access)).toThrow(ExpiredTokenError)
  time.now = START + 90 * DAY
  expect(() => tokens.verifyRefresh(refresh)).toThrow('Token has expired')
  expect(tokens.verifyRefresh(refresh, { expired: true })).toEqual({ did: ALICE, tokenId: 'id' })
  expect(() => tokens.verifyRefresh(refresh)).toThrow(ExpiredTokenError)
})

test('tokens of one kind are refused in the place of the other, also ones that were seen before', () => {
  const { tokens } = tokensAt(START)
  const access = tokens.issueAccess(ALICE, 'com.atproto.access')
  const refresh = tokens.issueRefresh(ALICE, 'id')
  tokens.verifyAccess(access)
  tokens.verifyRefresh(refresh)

  expect(() => tokens.verifyRefresh(access)).toThrow('Token could not be verified')
  expect(() => tokens.verifyAccess(refresh)).toThrow('Token could not be verified')
})

test.each([
  ['another secret', {}, {}, 'another secret, long enough too', 'Token could not be verified'],
  ['another algorithm', {}, { alg: 'HS512' }, SECRET, 'Token could not be verified'],
  ['no typ', {}, { typ: undefined }, SECRET, 'Token could not be verified'],
  ['typ JWT', {}, { typ: 'JWT' }, SECRET, 'Token could not be verified'],
  ['typ dpop+jwt', {}, { typ: 'dpop+jwt' }, SECRET, 'Token could not be verified'],
  ['another audience', { aud: 'did:web:other.test' }, {}, SECRET, 'Token could not be verified'],
  ['no audience', { aud: undefined }, {}, SECRET, 'Token could not be verified'],
  ['several audiences', { aud: [SERVICE] }, {}, SECRET, 'Malformed token'],
  ['no end', { exp: undefined }, {}, SECRET, 'Token could not be verified'],
  ['a later start', { nbf: START / 1000 + 60 }, {}, SECRET, 'Token could not be verified'],
  ['the mark of a service token', { lxm: 'com.atproto.repo.uploadBlob' }, {}, SECRET, 'Malformed token'],
  ['the mark of a key-bound token', { cnf: { jkt: 'x' } }, {}, SECRET, 'Malformed token'],
  ['no subject', { sub: undefined }, {}, SECRET, 'Malformed token'],
  ['a subject that is no DID', { sub: 'alice.test' }, {}, SECRET, 'Malformed token'],
  ['a numeric id', { jti: 7 }, {}, SECRET, 'Malformed token'],
  ['no scope', { scope: undefined }, {}, SECRET, 'Bad token scope'],
  ['an unknown scope', { scope: 'atproto' }, {}, SECRET, 'Bad token scope'],
  ["a refresh token's scope", { scope: 'com.atproto.refresh' }, {}, SECRET, 'Bad token scope'],
])('an access token with %s is refused', async (_, claims, header, secret, message) => {
  const { tokens } = tokensAt(START)
  const token = await forge(claims, header, secret)

  const verify = () => tokens.verifyAccess(token)

  expect(verify).toThrow(InvalidTokenError)
  expect(verify).toThrow(message)
})

test('a refresh token with an access scope is refused', async () => {
  const { tokens } = tokensAt(START)
  const token = await forge({}, { typ: 'refresh+jwt' })

  expect(() => tokens.verifyRefresh(token)).toThrow('Bad token scope')
})

test('a refresh token without an id has none to give', async () => {
  const { tokens } = tokensAt(START)
  const token = await forge({ scope: 'com.atproto.refresh' }, { typ: 'refresh+jwt' })

  expect(tokens.verifyRefresh(token).tokenId).toBeNull()
})

test('text that is no token is refused', async () => {
  const { tokens } = tokensAt(START)
  const good = await forge()
  const [header, payload, signature] = good.split('.')
  const none = `${Buffer.from('{"typ":"at+jwt","alg":"none"}').toString('base64url')}.${payload}.`

  const texts = [
    '',
    '.',
    '..',
    'a.b.c',
    'x'.repeat(100_000),
    `${header}.${payload}`,
    `${header}.${payload}.`,
    `${good}.${signature}`,
    `${header}.${payload}.${signature?.slice(0, -2)}`,
    `${header}.${payload}x.${signature}`,
    none,
  ]
  for (const text of texts) expect(() => tokens.verifyAccess(text)).toThrow(InvalidTokenError)
})

test('the clock decides, not the time of the first look', () => {
  const { tokens, time } = tokensAt(START)
  const token = tokens.issueAccess(ALICE, 'com.atproto.access')
  time.now = START + 3 * HOUR
  expect(() => tokens.verifyAccess(token)).toThrow(ExpiredTokenError)

  time.now = START + MINUTE

  expect(tokens.verifyAccess(token).did).toBe(ALICE)
})
