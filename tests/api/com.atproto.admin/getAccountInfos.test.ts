import { answers, basic, invalid, NOBODY, ok, unauthorized } from '#tests/support/answers.ts'

const PARAMS = 'Invalid com.atproto.admin.getAccountInfos params:'
const INFOS = ok('infos')

answers('com.atproto.admin.getAccountInfos', [
  ['an account', ({ admin, alice }) => ({ auth: admin, params: `dids=${alice.did}` }), INFOS],
  [
    'two accounts',
    ({ admin, alice, bob }) => ({ auth: admin, params: `dids=${alice.did}&dids=${bob.did}` }),
    INFOS,
  ],
  [
    'one account twice',
    ({ admin, alice }) => ({ auth: admin, params: `dids=${alice.did}&dids=${alice.did}` }),
    INFOS,
  ],
  ['nobody there', ({ admin }) => ({ auth: admin, params: `dids=${NOBODY}` }), INFOS],
  ['no DID', ({ admin }) => ({ auth: admin }), invalid(`${PARAMS} Missing required key "dids"`)],
  [
    'an empty DID',
    ({ admin }) => ({ auth: admin, params: 'dids=' }),
    invalid(`${PARAMS} Missing required key "dids"`),
  ],
  [
    'junk',
    ({ admin }) => ({ auth: admin, params: 'dids=junk' }),
    invalid(`${PARAMS} Invalid DID (got "junk")`),
  ],
  [
    'brackets',
    ({ admin }) => ({ auth: admin, params: `dids[]=${NOBODY}` }),
    invalid(`${PARAMS} Missing required key "dids"`),
  ],
  ['nobody asking', () => ({ params: `dids=${NOBODY}` }), unauthorized],
  ['a wrong password', () => ({ auth: basic('admin', 'x'), params: `dids=${NOBODY}` }), unauthorized],
  [
    'POST',
    ({ admin }) => ({ auth: admin, verb: 'POST' }),
    invalid('Incorrect HTTP method (POST) expected GET'),
  ],
])
