import { answers, invalid, NOBODY, ok, unauthorized } from '#tests/support/answers.ts'

const CODES = ok('codes')
const OUT_OF_RANGE = invalid('Between 1 and 10000 codes can be made at once')

answers('com.atproto.server.createInviteCodes', [
  ['two', ({ admin }) => ({ auth: admin, body: { codeCount: 2, useCount: 1 } }), CODES],
  [
    'for two accounts',
    ({ admin, alice }) => ({
      auth: admin,
      body: { codeCount: 2, useCount: 1, forAccounts: [alice.did, NOBODY] },
    }),
    CODES,
  ],
  ['as many as usual', ({ admin }) => ({ auth: admin, body: { useCount: 1 } }), CODES],
  [
    'for no accounts',
    ({ admin }) => ({ auth: admin, body: { codeCount: 2, useCount: 1, forAccounts: [] } }),
    CODES,
  ],
  ['none', ({ admin }) => ({ auth: admin, body: { codeCount: 0, useCount: 1 } }), OUT_OF_RANGE, CODES],
  [
    'less than none',
    ({ admin }) => ({ auth: admin, body: { codeCount: -1, useCount: 1 } }),
    OUT_OF_RANGE,
    CODES,
  ],
  [
    'no uses named',
    ({ admin }) => ({ auth: admin, body: { codeCount: 1 } }),
    invalid('Missing required key "useCount" at $'),
  ],
  [
    'text',
    ({ admin }) => ({ auth: admin, body: { codeCount: '2', useCount: 1 } }),
    invalid('Expected integer value type (got "2") at $.codeCount'),
  ],
  [
    'for junk',
    ({ admin }) => ({ auth: admin, body: { codeCount: 1, useCount: 1, forAccounts: ['junk'] } }),
    invalid('Invalid DID (got "junk") at $.forAccounts[0]'),
  ],
  [
    'for the admin',
    ({ admin }) => ({ auth: admin, body: { codeCount: 1, useCount: 1, forAccounts: ['admin'] } }),
    invalid('Invalid DID (got "admin") at $.forAccounts[0]'),
  ],
  ['nobody', () => ({ body: { codeCount: 1, useCount: 1 } }), unauthorized],
  [
    'a session',
    ({ alice }) => ({ auth: `Bearer ${alice.accessJwt}`, body: { codeCount: 1, useCount: 1 } }),
    unauthorized,
  ],
])
