import { answers, basic, invalid, NOBODY, ok, unauthorized } from '#tests/support/answers.ts'

answers('com.atproto.admin.deleteAccount', [
  ['nobody asking', ({ alice }) => ({ body: { did: alice.did } }), unauthorized],
  [
    'the account itself asking',
    ({ alice }) => ({ auth: `Bearer ${alice.accessJwt}`, body: { did: alice.did } }),
    unauthorized,
  ],
  [
    'a wrong password',
    ({ alice }) => ({ auth: basic('admin', 'x'), body: { did: alice.did } }),
    unauthorized,
  ],
  [
    'a handle',
    ({ admin }) => ({ auth: admin, body: { did: 'a.test' } }),
    invalid('Invalid DID (got "a.test") at $.did'),
  ],
  [
    'a number',
    ({ admin }) => ({ auth: admin, body: { did: 5 } }),
    invalid('Expected string value type (got 5) at $.did'),
  ],
  ['nothing', ({ admin }) => ({ auth: admin, body: {} }), invalid('Missing required key "did" at $')],
  [
    'no body',
    ({ admin }) => ({ auth: admin, verb: 'POST' }),
    invalid('Request encoding (Content-Type) required but not provided'),
  ],
  ['GET', ({ admin }) => ({ auth: admin }), invalid('Incorrect HTTP method (GET) expected POST')],
  ['nobody there', ({ admin }) => ({ auth: admin, body: { did: NOBODY } }), ok('')],
  ['an account', ({ admin, alice }) => ({ auth: admin, body: { did: alice.did } }), ok('')],
  ['the same again', ({ admin, alice }) => ({ auth: admin, body: { did: alice.did } }), ok('')],
])
