import { answers, basic, invalid, NOBODY, ok, unauthorized } from '#tests/support/answers.ts'

const TOO_FEW = invalid('An invite code needs at least one use')

answers('com.atproto.server.createInviteCode', [
  ['one use', ({ admin }) => ({ auth: admin, body: { useCount: 1 } }), ok('code')],
  [
    'for an account',
    ({ admin, alice }) => ({ auth: admin, body: { useCount: 3, forAccount: alice.did } }),
    ok('code'),
  ],
  [
    'for an account elsewhere',
    ({ admin }) => ({ auth: admin, body: { useCount: 1, forAccount: NOBODY } }),
    ok('code'),
  ],
  ['no uses', ({ admin }) => ({ auth: admin, body: { useCount: 0 } }), TOO_FEW, ok('code')],
  ['less than none', ({ admin }) => ({ auth: admin, body: { useCount: -1 } }), TOO_FEW, ok('code')],
  ['nothing', ({ admin }) => ({ auth: admin, body: {} }), invalid('Missing required key "useCount" at $')],
  [
    'text',
    ({ admin }) => ({ auth: admin, body: { useCount: '1' } }),
    invalid('Expected integer value type (got "1") at $.useCount'),
  ],
  [
    'half a use',
    ({ admin }) => ({ auth: admin, body: { useCount: 1.5 } }),
    invalid('Expected integer value type (got 1.5) at $.useCount'),
  ],
  [
    'a number too large',
    ({ admin }) => ({ auth: admin, body: { useCount: 2 ** 53 } }),
    invalid('Expected integer value type (got 9007199254740992) at $.useCount'),
  ],
  [
    'for a handle',
    ({ admin }) => ({ auth: admin, body: { useCount: 1, forAccount: 'a.test' } }),
    invalid('Invalid DID (got "a.test") at $.forAccount'),
  ],
  ['nobody', () => ({ body: { useCount: 1 } }), unauthorized],
  ['a session', ({ alice }) => ({ auth: `Bearer ${alice.accessJwt}`, body: { useCount: 1 } }), unauthorized],
  ['a wrong password', () => ({ auth: basic('admin', 'x'), body: { useCount: 1 } }), unauthorized],
  [
    'a wrong name',
    ({ admin }) => ({
      auth: basic('root', Buffer.from(admin.slice(6), 'base64').toString().slice(6)),
      body: { useCount: 1 },
    }),
    unauthorized,
  ],
  [
    'no colon',
    () => ({ auth: `Basic ${Buffer.from('admin').toString('base64')}`, body: { useCount: 1 } }),
    unauthorized,
  ],
  ['no base64', () => ({ auth: 'Basic %%%', body: { useCount: 1 } }), unauthorized],
])
