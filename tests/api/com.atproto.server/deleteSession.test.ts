import { answers, authMissing, invalid, ok, refused, unverifiable } from '#tests/support/answers.ts'

answers('com.atproto.server.deleteSession', [
  ['nothing', () => ({ verb: 'POST' }), authMissing],
  ['an access token', ({ alice }) => ({ verb: 'POST', auth: `Bearer ${alice.accessJwt}` }), unverifiable],
  ['junk', () => ({ verb: 'POST', auth: 'Bearer junk' }), unverifiable],
  [
    'a malformed header',
    () => ({ verb: 'POST', auth: 'Bearer a b' }),
    refused(400, 'InvalidToken', 'Malformed authorization header'),
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
  ['a refresh token', ({ alice }) => ({ verb: 'POST', auth: `Bearer ${alice.refreshJwt}` }), ok('')],
  ['the same again', ({ alice }) => ({ verb: 'POST', auth: `Bearer ${alice.refreshJwt}` }), ok('')],
])
