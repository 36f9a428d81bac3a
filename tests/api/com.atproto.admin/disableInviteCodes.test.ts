import { answers, invalid, NOBODY, ok, refused, unauthorized } from '#tests/support/answers.ts'

answers('com.atproto.admin.disableInviteCodes', [
  ['an unknown code', ({ admin }) => ({ auth: admin, body: { codes: ['x'] } }), ok('')],
  ['nothing', ({ admin }) => ({ auth: admin, body: {} }), ok('')],
  [
    'those of an account',
    ({ admin, alice }) => ({ auth: admin, body: { accounts: [alice.did, NOBODY] } }),
    ok(''),
  ],
  ['those of what is no account', ({ admin }) => ({ auth: admin, body: { accounts: ['x'] } }), ok('')],
  [
    'those of the admin',
    ({ admin }) => ({ auth: admin, body: { accounts: ['admin'] } }),
    invalid('cannot disable admin invite codes'),
  ],
  [
    'text',
    ({ admin }) => ({ auth: admin, body: { codes: 'x' } }),
    invalid('Expected array value type (got "x") at $.codes'),
  ],
  [
    'numbers',
    ({ admin }) => ({ auth: admin, body: { codes: [1] } }),
    invalid('Expected string value type (got 1) at $.codes[0]'),
  ],
  [
    'an array',
    ({ admin }) => ({ auth: admin, body: [] }),
    invalid('Expected object value type (got []) at $'),
  ],
  ['nobody asking', () => ({ body: { codes: ['x'] } }), unauthorized],
  [
    'a session asking',
    ({ alice }) => ({ auth: `Bearer ${alice.accessJwt}`, body: { codes: ['x'] } }),
    refused(401, 'UntrustedIss', 'Untrusted issuer'),
    refused(401, 'BadJwtType', 'Invalid jwt type "at+jwt"'), // it had a moderation service, ours has none
  ],
])
