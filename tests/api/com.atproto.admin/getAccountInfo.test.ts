import { answers, basic, invalid, NOBODY, ok, refused, unauthorized } from '#tests/support/answers.ts'

const PARAMS = 'Invalid com.atproto.admin.getAccountInfo params:'
const INFO = ok('did email handle indexedAt invites invitesDisabled')

answers('com.atproto.admin.getAccountInfo', [
  ['an account', ({ admin, alice }) => ({ auth: admin, params: `did=${alice.did}` }), INFO],
  ['an unknown parameter', ({ admin, bob }) => ({ auth: admin, params: `did=${bob.did}&x=1` }), INFO],
  [
    'nobody there',
    ({ admin }) => ({ auth: admin, params: `did=${NOBODY}` }),
    refused(400, 'NotFound', 'Account not found'),
  ],
  ['no DID', ({ admin }) => ({ auth: admin }), invalid(`${PARAMS} Missing required key "did"`)],
  [
    'an empty DID',
    ({ admin }) => ({ auth: admin, params: 'did=' }),
    invalid(`${PARAMS} Missing required key "did"`),
  ],
  [
    'junk',
    ({ admin }) => ({ auth: admin, params: 'did=junk' }),
    invalid(`${PARAMS} Invalid DID (got "junk")`),
  ],
  [
    'a handle',
    ({ admin }) => ({ auth: admin, params: 'did=a.test' }),
    invalid(`${PARAMS} Invalid DID (got "a.test")`),
  ],
  [
    'two DIDs',
    ({ admin }) => ({ auth: admin, params: `did=${NOBODY}&did=${NOBODY}` }),
    invalid(`${PARAMS} Expected string value type (got ["${NOBODY}", "${NOBODY}"])`),
  ],
  [
    'a wrong password',
    ({ alice }) => ({ auth: basic('admin', 'x'), params: `did=${alice.did}` }),
    unauthorized,
  ],
  ['nobody asking', ({ alice }) => ({ params: `did=${alice.did}` }), unauthorized],
  [
    'a session asking',
    ({ alice }) => ({ auth: `Bearer ${alice.accessJwt}`, params: `did=${alice.did}` }),
    refused(401, 'UntrustedIss', 'Untrusted issuer'),
    refused(401, 'BadJwtType', 'Invalid jwt type "at+jwt"'), // it had a moderation service, ours has none
  ],
  [
    'POST',
    ({ admin }) => ({ auth: admin, verb: 'POST' }),
    invalid('Incorrect HTTP method (POST) expected GET'),
  ],
])
