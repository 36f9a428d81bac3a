import { answers, invalid, NOBODY, ok, refused, unauthorized } from '#tests/support/answers.ts'

const TOO_SHORT = invalid('Invalid password length. Minimum length is 8 characters.')

answers('com.atproto.admin.updateAccountPassword', [
  [
    'a new password',
    ({ admin, alice }) => ({ auth: admin, body: { did: alice.did, password: 'new-password' } }),
    ok(''),
  ],
  [
    'the same again',
    ({ admin, alice }) => ({ auth: admin, body: { did: alice.did, password: 'new-password' } }),
    ok(''),
  ],
  [
    'nobody there',
    ({ admin }) => ({ auth: admin, body: { did: NOBODY, password: 'new-password' } }),
    refused(400, 'NotFound', 'Account not found'),
    ok(''),
  ],
  [
    '257 characters',
    ({ admin, alice }) => ({ auth: admin, body: { did: alice.did, password: 'x'.repeat(257) } }),
    invalid('Invalid password length.'),
  ],
  [
    'an empty password',
    ({ admin, alice }) => ({ auth: admin, body: { did: alice.did, password: '' } }),
    TOO_SHORT,
    ok(''),
  ],
  [
    'no DID',
    ({ admin }) => ({ auth: admin, body: { password: 'new-password' } }),
    invalid('Missing required key "did" at $'),
  ],
  [
    'no password',
    ({ admin, alice }) => ({ auth: admin, body: { did: alice.did } }),
    invalid('Missing required key "password" at $'),
  ],
  [
    'a handle',
    ({ admin }) => ({ auth: admin, body: { did: 'a.test', password: 'new-password' } }),
    invalid('Invalid DID (got "a.test") at $.did'),
  ],
  [
    'a numeric password',
    ({ admin, alice }) => ({ auth: admin, body: { did: alice.did, password: 5 } }),
    invalid('Expected string value type (got 5) at $.password'),
  ],
  ['nobody asking', ({ alice }) => ({ body: { did: alice.did, password: 'new-password' } }), unauthorized],
  [
    'the account itself asking',
    ({ alice }) => ({
      auth: `Bearer ${alice.accessJwt}`,
      body: { did: alice.did, password: 'new-password' },
    }),
    unauthorized,
  ],
])
