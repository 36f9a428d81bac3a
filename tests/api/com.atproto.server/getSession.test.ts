import { answers, authMissing, invalid, ok, refused, unverifiable } from '#tests/support/answers.ts'

const SESSION = ok('active did email emailConfirmed handle')
const MALFORMED = refused(400, 'InvalidToken', 'Malformed authorization header')

answers('com.atproto.server.getSession', [
  ['a session', ({ alice }) => ({ auth: `Bearer ${alice.accessJwt}` }), SESSION],
  ['a session, scheme in small letters', ({ alice }) => ({ auth: `bearer ${alice.accessJwt}` }), SESSION],
  ['an unknown parameter', ({ alice }) => ({ auth: `Bearer ${alice.accessJwt}`, params: 'x=1' }), SESSION],
  ['nothing', () => ({}), authMissing],
  ['a refresh token', ({ alice }) => ({ auth: `Bearer ${alice.refreshJwt}` }), unverifiable],
  ['junk', () => ({ auth: 'Bearer junk' }), unverifiable],
  ['an altered token', ({ alice }) => ({ auth: `Bearer ${alice.accessJwt.slice(0, -4)}AAAA` }), unverifiable],
  ['a scheme only', () => ({ auth: 'Bearer' }), MALFORMED],
  ['two tokens', () => ({ auth: 'Bearer a b' }), MALFORMED],
  [
    'the admin password',
    ({ admin }) => ({ auth: admin }),
    refused(400, 'InvalidToken', 'Unexpected authorization type'),
  ],
  [
    'an unknown scheme',
    () => ({ auth: 'Foo x' }),
    refused(400, 'InvalidToken', 'Unsupported authorization type: Foo'),
  ],
  [
    'DPoP',
    () => ({ auth: 'DPoP x' }),
    refused(401, 'invalid_token', 'Invalid token'),
    refused(401, 'invalid_token', 'Malformed token'),
  ],
  [
    'POST',
    ({ alice }) => ({ verb: 'POST', auth: `Bearer ${alice.accessJwt}` }),
    invalid('Incorrect HTTP method (POST) expected GET'),
  ],
])
