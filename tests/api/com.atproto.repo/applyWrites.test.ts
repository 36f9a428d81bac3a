import { NOBODY } from '#tests/support/answers.ts'
import {
  authMissing,
  type CallRow,
  COMMIT,
  calls,
  crash,
  deactivated,
  invalid,
  no,
  nobodyThere,
  notHers,
  type Reply,
  takenDown,
  tooLarge,
  unverifiable,
  type World,
} from '#tests/support/record-answers.ts'

const POST = 'app.bsky.feed.post'
const THING = 'com.example.thing'
const WRONG = 'bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm'
const post = { text: 'hello', createdAt: '2026-11-21T00:00:00.000Z' }
const LIKE = 'app.bsky.feed.like'
const like = {
  subject: { uri: `at://${NOBODY}/app.bsky.feed.post/3jzfcijpj2z2a`, cid: WRONG },
  createdAt: post.createdAt,
}

function create(rkey: string | undefined, value: object = {}, collection = THING) {
  return { $type: 'com.atproto.repo.applyWrites#create', collection, rkey, value }
}

function update(rkey: string, value: object = {}, collection = THING) {
  return { $type: 'com.atproto.repo.applyWrites#update', collection, rkey, value }
}

function remove(rkey: string, collection = THING) {
  return { $type: 'com.atproto.repo.applyWrites#delete', collection, rkey }
}

/** An input for alice's repository. */
function apply(writes: unknown, input: object = {}) {
  return ({ alice }: World) => ({ body: { repo: alice.did, writes, ...input } })
}

/** stands for numbers that take 9 bytes each, but 4 as JSON */
const LARGE = '#'

/** The same, where a text of `LARGE` becomes a list that takes 135 kB. */
function applyLarge(writes: unknown) {
  return (world: World) => ({
    raw: JSON.stringify(apply(writes)(world).body).replaceAll('"#"', `[${Array(15_000).fill('9e9').join()}]`),
  })
}

function applied(...results: readonly object[]): Reply {
  return { status: 200, body: { commit: COMMIT, results } }
}

function created(path: string, validationStatus?: string) {
  return {
    $type: 'com.atproto.repo.applyWrites#createResult',
    uri: `at://did:alice/${path}`,
    cid: 'CID',
    ...(validationStatus && { validationStatus }),
  }
}

function updated(path: string, validationStatus?: string) {
  return { ...created(path, validationStatus), $type: 'com.atproto.repo.applyWrites#updateResult' }
}

const deleted = { $type: 'com.atproto.repo.applyWrites#deleteResult' }

const who: readonly CallRow[] = [
  ['nobody', (world) => ({ ...apply([])(world), as: null }), authMissing],
  [
    'a refresh token',
    (world) => ({ ...apply([])(world), authorization: `Bearer ${world.alice.refreshJwt}` }),
    unverifiable,
  ],
  ['someone else by DID', (world) => apply([create('x')], { repo: world.bob.did })(world), notHers],
  ['someone else by handle', (world) => apply([create('x')], { repo: world.bob.handle })(world), notHers],
  ['an unknown DID', apply([create('x')], { repo: NOBODY }), nobodyThere],
  ['an unknown handle', apply([create('x')], { repo: 'nobody.test' }), nobodyThere],
  [
    'someone who is deactivated',
    (world) => apply([create('x')], { repo: world.dora.did })(world),
    deactivated,
  ],
  ['someone who is taken down', (world) => apply([create('x')], { repo: world.tim.did })(world), takenDown],
  [
    'by one who is deactivated',
    (world) => ({ ...apply([create('x')], { repo: world.dora.did })(world), as: world.dora }),
    deactivated,
  ],
  [
    'by one who is taken down',
    (world) => ({ ...apply([create('x')], { repo: world.tim.did })(world), as: world.tim }),
    takenDown,
  ],
  [
    'someone else, 201 writes',
    (world) =>
      apply(
        Array.from({ length: 201 }, (_, i) => create(`n${i}`)),
        { repo: world.bob.did },
      )(world),
    notHers,
  ],
]

const fields: readonly CallRow[] = [
  ['an empty input', () => ({ body: {} }), invalid('Missing required key "repo" at $')],
  ['no repo', apply([], { repo: undefined }), invalid('Missing required key "repo" at $')],
  ['no writes', apply(undefined), invalid('Missing required key "writes" at $')],
  ['writes that are null', apply(null), invalid('Expected array value type (got null) at $.writes')],
  ['writes that are an object', apply({}), invalid('Expected array value type (got {}) at $.writes')],
  [
    'a write that is null',
    apply([null]),
    invalid('Expected an object which includes the "$type" property value type (got null) at $.writes[0]'),
  ],
  [
    'a write that is a list',
    apply([[]]),
    invalid('Expected an object which includes the "$type" property value type (got []) at $.writes[0]'),
  ],
  [
    'a write without type',
    apply([{ collection: THING, rkey: 'x', value: {} }]),
    invalid(
      'Expected an object which includes the "$type" property value type (got {"collection": ..., "rkey": ..., ...}) at $.writes[0]',
    ),
  ],
  [
    'a write of an unknown type',
    apply([{ ...create('x'), $type: 'com.example.thing' }]),
    invalid(
      'Expected one of "com.atproto.repo.applyWrites#create", "com.atproto.repo.applyWrites#update" or "com.atproto.repo.applyWrites#delete" (got "com.example.thing") at $.writes[0].$type',
    ),
  ],
  [
    'a write of a short type',
    apply([{ ...create('x'), $type: '#create' }]),
    invalid(
      'Expected one of "com.atproto.repo.applyWrites#create", "com.atproto.repo.applyWrites#update" or "com.atproto.repo.applyWrites#delete" (got "#create") at $.writes[0].$type',
    ),
  ],
  [
    'a write of the type of a result',
    apply([{ ...create('x'), $type: 'com.atproto.repo.applyWrites#createResult' }]),
    invalid(
      'Expected one of "com.atproto.repo.applyWrites#create", "com.atproto.repo.applyWrites#update" or "com.atproto.repo.applyWrites#delete" (got "com.atproto.repo.applyWrites#createResult") at $.writes[0].$type',
    ),
  ],
  [
    'a write of the type of the method',
    apply([{ ...create('x'), $type: 'com.atproto.repo.applyWrites' }]),
    invalid(
      'Expected one of "com.atproto.repo.applyWrites#create", "com.atproto.repo.applyWrites#update" or "com.atproto.repo.applyWrites#delete" (got "com.atproto.repo.applyWrites") at $.writes[0].$type',
    ),
  ],
  [
    'a creation without collection',
    apply([{ ...create('x'), collection: undefined }]),
    invalid('Missing required key "collection" at $.writes[0]'),
  ],
  [
    'a creation in a bad collection',
    apply([create('x', {}, 'thing')]),
    invalid('Invalid NSID (got "thing") at $.writes[0].collection'),
  ],
  [
    'a creation under a bad key',
    apply([create('a/b')]),
    invalid('Invalid record key (got "a/b") at $.writes[0].rkey'),
  ],
  [
    'a creation under a key of 513 characters',
    apply([create('k'.repeat(513))]),
    invalid('string too big (maximum 512, got 513) at $.writes[0].rkey'),
  ],
  [
    'a creation without value',
    apply([{ ...create('x'), value: undefined }]),
    invalid('Missing required key "value" at $.writes[0]'),
  ],
  [
    'a creation of a list',
    apply([{ ...create('x'), value: [] }]),
    invalid('Expected object value type (got []) at $.writes[0].value'),
  ],
  [
    'a creation of a link',
    apply([create('x', { $link: WRONG })]),
    invalid('Expected object value type (got cid) at $.writes[0].value'),
  ],
  [
    'a creation with record instead of value',
    apply([{ ...create('x'), value: undefined, record: {} }]),
    invalid('Missing required key "value" at $.writes[0]'),
  ],
  [
    'an update without key',
    apply([{ ...update('x'), rkey: undefined }]),
    invalid('Missing required key "rkey" at $.writes[0]'),
  ],
  [
    'an update without value',
    apply([{ ...update('x'), value: undefined }]),
    invalid('Missing required key "value" at $.writes[0]'),
  ],
  [
    'a deletion without key',
    apply([{ ...remove('x'), rkey: undefined }]),
    invalid('Missing required key "rkey" at $.writes[0]'),
  ],
  [
    'a deletion without collection',
    apply([{ ...remove('x'), collection: undefined }]),
    invalid('Missing required key "collection" at $.writes[0]'),
  ],
  [
    'a deletion under a bad key',
    apply([remove('.')]),
    invalid('Invalid record key (got ".") at $.writes[0].rkey'),
  ],
  [
    'a fault in the second write',
    apply([create('x'), create('..')]),
    invalid('Invalid record key (got "..") at $.writes[1].rkey'),
  ],
  [
    'validate that is a text',
    apply([], { validate: 'yes' }),
    invalid('Expected boolean value type (got "yes") at $.validate'),
  ],
  [
    'a swap that is null',
    apply([], { swapCommit: null }),
    invalid('Expected string value type (got null) at $.swapCommit'),
  ],
  [
    'a swap that is a word',
    apply([], { swapCommit: 'x' }),
    invalid('Invalid CID string (got "x") at $.swapCommit'),
  ],
  [
    'a swap of version 0',
    apply([], { swapCommit: 'QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n' }),
    invalid('swapCommit is not a CID of this protocol: QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n'),
    no(400, 'InvalidSwap', 'Commit was at CID'),
  ],
]

const batches: readonly CallRow[] = [
  ['no write', apply([]), applied()],
  ['one', apply([create('one')]), applied(created('com.example.thing/one', 'unknown'))],
  [
    'one by handle',
    (world) => apply([create('by-handle')], { repo: world.alice.handle })(world),
    applied(created('com.example.thing/by-handle', 'unknown')),
  ],
  ['one without key', apply([create(undefined)]), applied(created('com.example.thing/TID', 'unknown'))],
  [
    'two without key',
    apply([create(undefined), create(undefined)]),
    applied(created('com.example.thing/TID', 'unknown'), created('com.example.thing/TID', 'unknown')),
  ],
  [
    'one of each kind',
    apply([create('two'), update('one', { a: 1 }), remove('by-handle')]),
    applied(
      created('com.example.thing/two', 'unknown'),
      updated('com.example.thing/one', 'unknown'),
      deleted,
    ),
  ],
  [
    'the other way round',
    apply([remove('two'), update('one', { a: 2 }), create('by-handle')]),
    applied(
      deleted,
      updated('com.example.thing/one', 'unknown'),
      created('com.example.thing/by-handle', 'unknown'),
    ),
  ],
  [
    'an update that changes nothing',
    apply([update('one', { a: 2 })]),
    applied(updated('com.example.thing/one', 'unknown')),
  ],
  [
    'a creation where there is one',
    apply([create('one', { a: 3 })]),
    invalid('Record already exists: at://did:alice/com.example.thing/one'),
    crash,
  ],
  [
    'a creation of what there is',
    apply([create('one', { a: 2 })]),
    invalid('Record already exists: at://did:alice/com.example.thing/one'),
    crash,
  ],
  [
    'an update of what is not there',
    apply([update('none', {})]),
    invalid('Could not find record: at://did:alice/com.example.thing/none'),
    crash,
  ],
  [
    'a deletion of what is not there',
    apply([remove('none')]),
    invalid('Could not find record: at://did:alice/com.example.thing/none'),
    crash,
  ],
  [
    'a good one and an update of what is not there',
    apply([create('good'), update('none')]),
    invalid('Could not find record: at://did:alice/com.example.thing/none'),
    crash,
  ],
  ['the good one alone', apply([create('good')]), applied(created('com.example.thing/good', 'unknown'))],
  [
    '200 writes',
    apply(Array.from({ length: 200 }, (_, i) => create(`n${i}`))),
    applied(...Array.from({ length: 200 }, (_, i) => created(`com.example.thing/n${i}`, 'unknown'))),
  ],
  [
    '201 writes',
    apply(Array.from({ length: 201 }, (_, i) => create(`m${i}`))),
    invalid('Too many writes. Max: 200'),
  ],
  [
    '200 deletions',
    apply(Array.from({ length: 200 }, (_, i) => remove(`n${i}`))),
    applied(...Array(200).fill(deleted)),
  ],
  [
    'two creations of one path',
    apply([create('twice'), create('twice')]),
    invalid('Two writes of one request name the same record: com.example.thing/twice'),
    crash,
  ],
  [
    'a creation and a deletion of one path',
    apply([create('passing'), remove('passing')]),
    invalid('Two writes of one request name the same record: com.example.thing/passing'),
    applied(created('com.example.thing/passing', 'unknown'), deleted),
  ],
  [
    'a deletion and a creation of one path',
    apply([remove('one'), create('one', { a: 9 })]),
    invalid('Two writes of one request name the same record: com.example.thing/one'),
    applied(deleted, created('com.example.thing/one', 'unknown')),
  ],
  [
    'two updates of one path',
    apply([update('good', { a: 1 }), update('good', { a: 2 })]),
    invalid('Two writes of one request name the same record: com.example.thing/good'),
    applied(updated('com.example.thing/good', 'unknown'), updated('com.example.thing/good', 'unknown')),
  ],
  [
    'two deletions of one path',
    apply([remove('good'), remove('good')]),
    invalid('Two writes of one request name the same record: com.example.thing/good'),
    crash,
  ],
  [
    'one content under two keys',
    apply([create('same1', { same: 1 }), create('same2', { same: 1 })]),
    applied(created('com.example.thing/same1', 'unknown'), created('com.example.thing/same2', 'unknown')),
  ],
  [
    'the last commit',
    async (world) => apply([create('swapped')], { swapCommit: await world.head() })(world),
    applied(created('com.example.thing/swapped', 'unknown')),
  ],
  [
    'another commit',
    apply([create('unswapped')], { swapCommit: WRONG }),
    no(400, 'InvalidSwap', 'Commit was at CID'),
  ],
  [
    'another commit and no write',
    apply([], { swapCommit: WRONG }),
    no(400, 'InvalidSwap', 'Commit was at CID'),
  ],
  [
    'another commit and a bad record',
    apply([create('x', { $type: POST })], { swapCommit: WRONG }),
    invalid('Invalid $type: expected com.example.thing, got app.bsky.feed.post'),
  ],
  [
    'fields that the lexicon does not name',
    apply([{ ...create('more'), swapRecord: WRONG }], { more: 1 }),
    applied(created('com.example.thing/more', 'unknown')),
  ],
  [
    'two likes of one post',
    apply([create('3jzfcijpj2z22', like, LIKE), create('3jzfcijpj2z23', like, LIKE)]),
    applied(
      created('app.bsky.feed.like/3jzfcijpj2z22', 'valid'),
      created('app.bsky.feed.like/3jzfcijpj2z23', 'valid'),
    ),
  ],
]

const validation: readonly CallRow[] = [
  [
    'a post',
    apply([create('3jzfcijpj2z2a', post, POST)]),
    applied(created('app.bsky.feed.post/3jzfcijpj2z2a', 'valid')),
  ],
  [
    'a post that must be good',
    apply([update('3jzfcijpj2z2a', { ...post, text: 'b' }, POST)], { validate: true }),
    applied(updated('app.bsky.feed.post/3jzfcijpj2z2a', 'valid')),
  ],
  [
    'a bad post, unchecked',
    apply([update('3jzfcijpj2z2a', {}, POST)], { validate: false }),
    applied(updated('app.bsky.feed.post/3jzfcijpj2z2a')),
  ],
  [
    'a bad post',
    apply([create('3jzfcijpj2z2b', {}, POST)]),
    invalid('Invalid app.bsky.feed.post record: Missing required key "text" at $.writes[0].record'),
  ],
  [
    'a bad post, the second of two',
    apply([create('ok'), create('3jzfcijpj2z2b', { text: 1 }, POST)]),
    invalid(
      'Invalid app.bsky.feed.post record: Expected string value type (got 1) at $.writes[1].record.text',
    ),
  ],
  [
    'a bad update',
    apply([update('3jzfcijpj2z2a', { text: 'x' }, POST)]),
    invalid('Invalid app.bsky.feed.post record: Missing required key "createdAt" at $.writes[0].record'),
  ],
  [
    'a post under a key that is no TID',
    apply([create('x', post, POST)]),
    invalid('Invalid record key for app.bsky.feed.post: Invalid TID string (got "x") at $'),
  ],
  [
    'a post under a key that is no TID, unchecked',
    apply([create('x', post, POST)], { validate: false }),
    applied(created('app.bsky.feed.post/x')),
  ],
  [
    'another type',
    apply([create('x', { $type: POST })]),
    invalid('Invalid $type: expected com.example.thing, got app.bsky.feed.post'),
  ],
  [
    'an unknown lexicon that must be known',
    apply([create('x')], { validate: true }),
    invalid('Unknown lexicon type: com.example.thing'),
  ],
  [
    'a known one and an unknown one',
    apply([create('3jzfcijpj2z2c', post, POST), create('unknown')]),
    applied(
      created('app.bsky.feed.post/3jzfcijpj2z2c', 'valid'),
      created('com.example.thing/unknown', 'unknown'),
    ),
  ],
  [
    'a fraction',
    apply([create('x', { a: 1.5 })]),
    invalid(
      'Expected one of null, boolean, integer, string, cid, bytes, array or object value type (got 1.5) at $.writes[0].value.a',
    ),
  ],
  [
    'a fraction in an update',
    apply([create('y'), update('x', { a: { b: 1.5 } })]),
    invalid(
      'Expected one of null, boolean, integer, string, cid, bytes, array or object value type (got 1.5) at $.writes[1].value.a.b',
    ),
  ],
  [
    '2^53',
    apply([create('x', { a: 2 ** 53 })]),
    invalid('record.a is beyond the integers from -(2^53 - 1) to 2^53 - 1 (9007199254740992)'),
    crash,
  ],
  [
    'a blob that nobody uploaded',
    apply([
      create('x', {
        a: {
          $type: 'blob',
          ref: { $link: 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku' },
          mimeType: 'text/plain',
          size: 0,
        },
      }),
    ]),
    no(400, 'BlobNotFound', 'Could not find blob: CID'),
  ],
  [
    'a blob of the old form',
    apply([
      create('x', {
        a: { cid: 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku', mimeType: 'text/plain' },
      }),
    ]),
    invalid('Legacy blobs are not allowed (CID)'),
  ],
  ['a body of more than 1 MB', apply([create('x', { a: 'x'.repeat(1_000_000) })]), tooLarge],
  [
    'records of almost 2 MB',
    applyLarge(Array.from({ length: 14 }, (_, i) => create(`large${i}`, { a: LARGE, i }))),
    applied(...Array.from({ length: 14 }, (_, i) => created(`com.example.thing/large${i}`, 'unknown'))),
  ],
  [
    'records of one content, of which more than 2 MB are not sent',
    applyLarge(Array.from({ length: 16 }, (_, i) => create(`alike${i}`, { a: LARGE }))),
    applied(...Array.from({ length: 16 }, (_, i) => created(`com.example.thing/alike${i}`, 'unknown'))),
  ],
  [
    'records of more than 2 MB',
    applyLarge(Array.from({ length: 16 }, (_, i) => create(`larger${i}`, { a: LARGE, i }))),
    invalid('Too many writes. Max event size: 2MB'),
  ],
]

calls('com.atproto.repo.applyWrites', [...who, ...fields, ...batches, ...validation])
