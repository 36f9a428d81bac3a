import { answers, invalid, ok, refused } from '#tests/support/answers.ts'

const DESCRIPTION = ok('availableUserDomains blobUploadLimit contact did inviteCodeRequired links')

answers('com.atproto.server.describeServer', [
  ['nothing', () => ({}), DESCRIPTION],
  ['an unknown parameter', () => ({ params: 'x=1' }), DESCRIPTION],
  ['a broken header', () => ({ auth: 'junk' }), DESCRIPTION],
  ['a bad token', () => ({ auth: 'Bearer junk' }), DESCRIPTION],
  ['a session', ({ alice }) => ({ auth: `Bearer ${alice.accessJwt}` }), DESCRIPTION],
  ['the admin password', ({ admin }) => ({ auth: admin }), DESCRIPTION],
  ['POST', () => ({ verb: 'POST' }), invalid('Incorrect HTTP method (POST) expected GET')],
  ['POST with a body', () => ({ body: {} }), invalid('Incorrect HTTP method (POST) expected GET')],
  ['PUT', () => ({ verb: 'PUT' }), invalid('XRPC requests only supports GET and POST')],
  [
    'DELETE',
    () => ({ verb: 'DELETE' }),
    refused(400, 'InvalidRequest', 'XRPC requests only supports GET and POST'),
  ],
])
