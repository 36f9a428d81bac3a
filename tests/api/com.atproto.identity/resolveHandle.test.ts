import { type Answer, answers, invalid, NOBODY, ok, refused } from '#tests/support/answers.ts'

const PARAMS = 'Invalid com.atproto.identity.resolveHandle params:'
const NOT_FOUND = refused(400, 'HandleNotFound', 'Unable to resolve handle')
/** The official server has no name for a handle that nobody answers for. */
const UNNAMED: Answer = invalid('Unable to resolve handle')

answers('com.atproto.identity.resolveHandle', [
  ['a handle of ours', ({ alice }) => ({ params: `handle=${alice.handle}` }), ok('did')],
  ['in capitals', ({ alice }) => ({ params: `handle=${alice.handle.toUpperCase()}` }), ok('did')],
  ['a broken header', ({ alice }) => ({ auth: 'junk', params: `handle=${alice.handle}` }), ok('did')],
  ['nobody of ours', () => ({ params: 'handle=nobody.test' }), NOT_FOUND],
  ['none', () => ({}), invalid(`${PARAMS} Missing required key "handle"`)],
  ['an empty one', () => ({ params: 'handle=' }), invalid(`${PARAMS} Missing required key "handle"`)],
  ['junk', () => ({ params: 'handle=junk' }), invalid(`${PARAMS} Invalid handle (got "junk")`)],
  ['a DID', () => ({ params: `handle=${NOBODY}` }), invalid(`${PARAMS} Invalid handle (got "${NOBODY}")`)],
  [
    'two',
    () => ({ params: 'handle=a.test&handle=b.test' }),
    invalid(`${PARAMS} Expected string value type (got ["a.test", "b.test"])`),
  ],
  ['one that cannot exist', () => ({ params: 'handle=alice.local' }), NOT_FOUND, UNNAMED],
  ['the invalid one', () => ({ params: 'handle=handle.invalid' }), NOT_FOUND, UNNAMED],
  [
    'POST',
    ({ alice }) => ({ verb: 'POST', params: `handle=${alice.handle}` }),
    invalid('Incorrect HTTP method (POST) expected GET'),
  ],
])
