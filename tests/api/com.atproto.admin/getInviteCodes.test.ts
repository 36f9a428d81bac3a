import { answers, invalid, ok, refused, unauthorized } from '#tests/support/answers.ts'

const PARAMS = 'Invalid com.atproto.admin.getInviteCodes params:'

answers('com.atproto.admin.getInviteCodes', [
  ['the newest', ({ admin }) => ({ auth: admin, params: 'cursor=1::a' }), ok('codes')],
  ['the most used', ({ admin }) => ({ auth: admin, params: 'sort=usage&cursor=0::a' }), ok('codes')],
  [
    'limit 0',
    ({ admin }) => ({ auth: admin, params: 'limit=0' }),
    invalid(`${PARAMS} integer too small (minimum 1, got 0)`),
  ],
  [
    'limit 501',
    ({ admin }) => ({ auth: admin, params: 'limit=501' }),
    invalid(`${PARAMS} integer too big (maximum 500, got 501)`),
  ],
  [
    'limit x',
    ({ admin }) => ({ auth: admin, params: 'limit=x' }),
    invalid(`${PARAMS} Expected integer value type (got "x")`),
  ],
  ['an unknown order', ({ admin }) => ({ auth: admin, params: 'sort=x' }), invalid('unknown sort method: x')],
  [
    'two orders',
    ({ admin }) => ({ auth: admin, params: 'sort=recent&sort=usage' }),
    invalid(`${PARAMS} Expected string value type (got ["recent", "usage"])`),
  ],
  ['a broken cursor', ({ admin }) => ({ auth: admin, params: 'cursor=x' }), invalid('Malformed cursor')],
  [
    'a cursor that is no time',
    ({ admin }) => ({ auth: admin, params: 'cursor=x::y' }),
    invalid('Malformed cursor'),
  ],
  [
    'a cursor of three parts',
    ({ admin }) => ({ auth: admin, params: 'cursor=1::a::b' }),
    invalid('Malformed cursor'),
  ],
  ['nobody asking', () => ({}), unauthorized],
  [
    'a session asking',
    ({ alice }) => ({ auth: `Bearer ${alice.accessJwt}` }),
    refused(401, 'UntrustedIss', 'Untrusted issuer'),
    refused(401, 'BadJwtType', 'Invalid jwt type "at+jwt"'), // it had a moderation service, ours has none
  ],
])
