import { expect, test } from 'bun:test'
import { createGenesis } from '#identity/plc-changes.ts'
import { generateK256 } from '#keys/k256.ts'
import { type Ask, answers, invalid, NOBODY, ok, refused, type World } from '#tests/support/answers.ts'
import { type Pds, startPds } from '#tests/support/pds.ts'
import { handleOf } from '#tests/support/service.ts'

const MADE = ok('accessJwt did didDoc handle refreshJwt')
const BAD_EMAIL = invalid('This email address is not supported, please use a different email.')

let serial = 0

/** A sign-up that is good in all but what is given. */
function signUp(more: object) {
  return ({ unique }: World): Ask => {
    const name = `${unique}${serial++}`
    return {
      body: { handle: `${name}.test`, email: `${name}@example.com`, password: 'good-password', ...more },
    }
  }
}

answers('com.atproto.server.createAccount', [
  ['a good one', signUp({}), MADE],
  ['an unknown field', signUp({ extra: 1 }), MADE],
  [
    'a handle in capitals',
    ({ unique }) => signUp({ handle: `${unique}CAP.TEST` })({ unique } as World),
    MADE,
  ],
  ['no body', () => ({ verb: 'POST' }), invalid('Request encoding (Content-Type) required but not provided')],
  ['GET', () => ({}), invalid('Incorrect HTTP method (GET) expected POST')],
  [
    'text',
    () => ({ raw: 'x', type: 'text/plain' }),
    invalid('Wrong request encoding (Content-Type): text/plain'),
  ],
  ['an empty object', () => ({ body: {} }), invalid('Missing required key "handle" at $')],
  ['an array', () => ({ body: [] }), invalid('Expected object value type (got []) at $')],
  ['a numeric handle', signUp({ handle: 7 }), invalid('Expected string value type (got 7) at $.handle')],
  [
    'a malformed handle',
    signUp({ handle: 'not_a handle' }),
    invalid('Invalid handle (got "not_a handle") at $.handle'),
  ],
  [
    'a handle without a dot',
    signUp({ handle: 'alice' }),
    invalid('Invalid handle (got "alice") at $.handle'),
  ],
  ['a short handle', signUp({ handle: 'al.test' }), refused(400, 'InvalidHandle', 'Handle too short')],
  [
    'a long handle',
    signUp({ handle: 'abcdefghijklmnopqrs.test' }),
    refused(400, 'InvalidHandle', 'Handle too long'),
  ],
  [
    'a handle two labels deep',
    signUp({ handle: 'a.lice.test' }),
    refused(400, 'InvalidHandle', 'Invalid characters in handle'),
  ],
  [
    'a reserved handle',
    signUp({ handle: 'admin.test' }),
    refused(400, 'HandleNotAvailable', 'Reserved handle'),
  ],
  [
    'a slur',
    signUp({ handle: 'faggot.test' }),
    refused(400, 'InvalidHandle', 'Inappropriate language in handle'),
  ],
  [
    'a handle elsewhere',
    signUp({ handle: 'alice.example.com' }),
    refused(400, 'UnsupportedDomain', 'Not a supported handle domain'),
  ],
  [
    'a handle of a forbidden TLD',
    signUp({ handle: 'alice.local' }),
    refused(400, 'InvalidHandle', 'Handle TLD is invalid or disallowed'),
  ],
  ['no address', signUp({ email: undefined }), invalid('Email is required')],
  ['a null address', signUp({ email: null }), invalid('Expected string value type (got null) at $.email')],
  ['an address that is none', signUp({ email: 'nope' }), BAD_EMAIL],
  ['a disposable address', signUp({ email: 'x@mailinator.com' }), BAD_EMAIL],
  [
    'a numeric password',
    signUp({ password: 5 }),
    invalid('Expected string value type (got 5) at $.password'),
  ],
  [
    'a password of 257 characters',
    signUp({ password: 'x'.repeat(257) }),
    refused(400, 'InvalidPassword', 'Password too long. Maximum length is 256 characters.'),
    invalid('Password too long. Maximum length is 256 characters.'),
  ],
  [
    'an empty password',
    signUp({ password: '' }),
    refused(400, 'InvalidPassword', 'Password too short. Minimum length is 8 characters.'),
    MADE,
  ],
  [
    'no password',
    signUp({ password: undefined }),
    refused(400, 'InvalidPassword', 'Password too short. Minimum length is 8 characters.'),
    MADE,
  ],
  [
    'an unknown code',
    signUp({ inviteCode: 'nope' }),
    refused(400, 'InvalidInviteCode', 'Provided invite code not available'),
  ],
  ['an operation', signUp({ plcOp: {} }), invalid('Unsupported input: "plcOp"')],
  [
    'an operation that is text',
    signUp({ plcOp: 'x' }),
    invalid('Expected object value type (got "x") at $.plcOp'),
  ],
  [
    'a DID without proof',
    signUp({ did: NOBODY }),
    refused(401, 'AuthenticationRequired', `Missing auth to create account with did: ${NOBODY}`),
  ],
  ['a DID that is none', signUp({ did: 'nope' }), invalid('Invalid DID (got "nope") at $.did')],
  [
    'a DID and a handle elsewhere',
    signUp({ did: NOBODY, handle: 'alice.example.com' }),
    invalid('External handle did not resolve to DID'),
  ],
  [
    'a session in the place of a service token',
    (world) => ({ ...signUp({ did: NOBODY })(world), auth: `Bearer ${world.alice.accessJwt}` }),
    refused(401, 'BadJwtType', 'Invalid jwt type "at+jwt"'),
  ],
  [
    'a token that is none',
    (world) => ({ ...signUp({})(world), auth: 'Bearer x' }),
    refused(401, 'BadJwt', 'poorly formatted jwt'),
  ],
  [
    'a recovery key that is none',
    signUp({ recoveryKey: 'junk' }),
    invalid('Invalid rotationKey: junk'),
    invalid('Unsupported key type junk: Error: Incorrect prefix for did:key: junk'),
  ],
])

/** An identity that lives on another server, and what signs service tokens for it. */
async function identityElsewhere(pds: Pds) {
  const { key } = generateK256()
  const account = {
    signingKey: key.did,
    rotationKeys: [key.did],
    handle: handleOf('alice.test'),
    pds: 'https://old.example.com',
  }
  const { did, operation } = createGenesis(account, key)
  await pds.app.plc.submit(did, operation)
  const token = (more: object = {}) => {
    const iat = Math.floor(Date.now() / 1000)
    const lxm = 'com.atproto.server.createAccount'
    const claims = {
      iss: did,
      aud: pds.app.config.serviceDid,
      lxm,
      iat,
      exp: iat + 60,
      jti: crypto.randomUUID(),
      ...more,
    }
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const signed = `${part({ typ: 'JWT', alg: 'ES256K' })}.${part(claims)}`
    return `Bearer ${signed}.${Buffer.from(key.sign(Buffer.from(signed))).toString('base64url')}`
  }
  return { did, token }
}

const MOVING = { handle: 'alice.test', email: 'alice@example.com', password: 'alice-password' }

test('an identity moves in by a service token, into an account that is deactivated and silent', async () => {
  await using pds = await startPds()
  const { did, token } = await identityElsewhere(pds)
  const before = pds.app.sequencer.lastSeq

  const made = await pds.as(token()).call('com.atproto.server.createAccount', { ...MOVING, did })

  expect(made).toMatchObject({ did, handle: 'alice.test', didDoc: { id: did } })
  const session = await pds.as(`Bearer ${made.accessJwt}`).call('com.atproto.server.getSession')
  expect(session).toMatchObject({ did, active: false, status: 'deactivated' })
  expect(pds.app.sequencer.lastSeq).toBe(before)
})

test.each([
  ['for another server', { aud: 'did:web:other.example.com' }, 'BadJwtAudience'],
  ['for another method', { lxm: 'com.atproto.repo.uploadBlob' }, 'BadJwtLexiconMethod'],
  ['that is over', { exp: 1 }, 'JwtExpired'],
])('an identity cannot be moved in by a token %s', async (_, claims, error) => {
  await using pds = await startPds()
  const { did, token } = await identityElsewhere(pds)

  const failed = pds.as(token(claims)).call('com.atproto.server.createAccount', { ...MOVING, did })

  await expect(failed).rejects.toMatchObject({ status: 401, error })
})

test('an identity cannot be moved in by the token of another, and not twice', async () => {
  await using pds = await startPds()
  const alice = await identityElsewhere(pds)
  const bob = await identityElsewhere(pds)

  const stolen = pds.as(bob.token()).call('com.atproto.server.createAccount', { ...MOVING, did: alice.did })
  await expect(stolen).rejects.toMatchObject({
    status: 401,
    error: 'AuthenticationRequired',
    message: `Missing auth to create account with did: ${alice.did}`,
  })
  await pds.as(alice.token()).call('com.atproto.server.createAccount', { ...MOVING, did: alice.did })
  const again = { ...MOVING, did: alice.did, handle: 'alice2.test', email: 'alice2@example.com' }
  await expect(pds.as(alice.token()).call('com.atproto.server.createAccount', again)).rejects.toMatchObject({
    status: 400,
    error: 'AlreadyExists',
  })
})

test('the operator makes accounts without a code, with reserved handles and without a password', async () => {
  await using pds = await startPds({ settings: { 'invites.required': true } })

  const refused = pds.call('com.atproto.server.createAccount', { ...MOVING })
  await expect(refused).rejects.toMatchObject({
    status: 400,
    error: 'InvalidInviteCode',
    message: 'No invite code provided',
  })
  const made = await pds.admin.call('com.atproto.server.createAccount', { handle: 'support.test' })

  expect(await pds.call('com.atproto.identity.resolveHandle', { handle: 'support.test' })).toEqual({
    did: made.did,
  })
})

test('a code that the operator made lets one account in, which is listed with it', async () => {
  await using pds = await startPds({ settings: { 'invites.required': true } })
  const { code } = await pds.admin.call('com.atproto.server.createInviteCode', { useCount: 1 })

  const alice = await pds.createAccount('alice', { inviteCode: code })
  const second = pds.createAccount('bob', { inviteCode: code })

  await expect(second).rejects.toMatchObject({ status: 400, error: 'InvalidInviteCode' })
  const { codes } = await pds.admin.call('com.atproto.admin.getInviteCodes', {})
  expect(codes).toMatchObject([{ code, available: 1, disabled: false, uses: [{ usedBy: alice.did }] }])
  const info = await pds.admin.call('com.atproto.admin.getAccountInfo', { did: alice.did })
  expect(info).toMatchObject({
    handle: 'alice.test',
    email: 'alice@example.com',
    invitedBy: { code },
    invites: [],
  })
})
