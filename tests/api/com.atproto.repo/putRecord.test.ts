import { NOBODY } from '#tests/support/answers.ts'
import {
  authMissing,
  type CallRow,
  calls,
  crash,
  deactivated,
  invalid,
  no,
  nobodyThere,
  notHers,
  takenDown,
  tooLarge,
  unverifiable,
  type World,
  wrote,
} from '#tests/support/record-answers.ts'

const POST = 'app.bsky.feed.post'
const THING = 'com.example.thing'
const post = { text: 'hello', createdAt: '2026-11-21T00:00:00.000Z' }

/** An input for alice's repository: a thing without content, unless it says otherwise. */
function put(input: object) {
  return ({ alice }: World) => ({
    body: { repo: alice.did, collection: THING, rkey: 'self', record: {}, ...input },
  })
}

const who: readonly CallRow[] = [
  ['nobody', (world) => ({ ...put({})(world), as: null }), authMissing],
  [
    'a refresh token',
    (world) => ({ ...put({})(world), authorization: `Bearer ${world.alice.refreshJwt}` }),
    unverifiable,
  ],
  ['someone else by DID', (world) => put({ repo: world.bob.did })(world), notHers],
  ['someone else by handle', (world) => put({ repo: world.bob.handle })(world), notHers],
  ['an unknown DID', put({ repo: NOBODY }), nobodyThere],
  ['an unknown handle', put({ repo: 'nobody.test' }), nobodyThere],
  ['someone who is deactivated', (world) => put({ repo: world.dora.did })(world), deactivated],
  ['someone who is taken down', (world) => put({ repo: world.tim.did })(world), takenDown],
  [
    'by one who is deactivated',
    (world) => ({ ...put({ repo: world.dora.did })(world), as: world.dora }),
    deactivated,
  ],
  [
    'by one who is taken down',
    (world) => ({ ...put({ repo: world.tim.did })(world), as: world.tim }),
    takenDown,
  ],
  ['someone else, by one who is taken down', (world) => ({ ...put({})(world), as: world.tim }), notHers],
  [
    'a bad input, by one who is taken down',
    (world) => ({ ...put({ rkey: undefined })(world), as: world.tim }),
    invalid('Missing required key "rkey" at $'),
  ],
]

const fields: readonly CallRow[] = [
  ['an empty input', () => ({ body: {} }), invalid('Missing required key "repo" at $')],
  ['no repo', put({ repo: undefined }), invalid('Missing required key "repo" at $')],
  ['no collection', put({ collection: undefined }), invalid('Missing required key "collection" at $')],
  ['no key', put({ rkey: undefined }), invalid('Missing required key "rkey" at $')],
  ['a key that is null', put({ rkey: null }), invalid('Expected string value type (got null) at $.rkey')],
  ['an empty key', put({ rkey: '' }), invalid('Invalid record key (got "") at $.rkey')],
  ['a dot as key', put({ rkey: '.' }), invalid('Invalid record key (got ".") at $.rkey')],
  [
    'a key of 513 characters',
    put({ rkey: 'k'.repeat(513) }),
    invalid('string too big (maximum 512, got 513) at $.rkey'),
  ],
  ['a key beyond ASCII', put({ rkey: 'ключ' }), invalid('Invalid record key (got "ключ") at $.rkey')],
  [
    'a collection with a star',
    put({ collection: 'com.example.*' }),
    invalid('Invalid NSID (got "com.example.*") at $.collection'),
  ],
  ['no record', put({ record: undefined }), invalid('Missing required key "record" at $')],
  [
    'a record that is a list',
    put({ record: [1] }),
    invalid('Expected object value type (got [1]) at $.record'),
  ],
  [
    'a record that is a link',
    put({ record: { $link: 'bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm' } }),
    invalid('Expected object value type (got cid) at $.record'),
  ],
  [
    'validate that is a number',
    put({ validate: 1 }),
    invalid('Expected boolean value type (got 1) at $.validate'),
  ],
  [
    'a record of another type',
    put({ record: { $type: POST } }),
    invalid('Invalid $type: expected com.example.thing, got app.bsky.feed.post'),
  ],
  [
    'an unknown lexicon that must be known',
    put({ validate: true }),
    invalid('Unknown lexicon type: com.example.thing'),
  ],
  [
    'a bad post',
    put({ collection: POST, rkey: '3jzfcijpj2z2a' }),
    invalid('Invalid app.bsky.feed.post record: Missing required key "text" at $.record'),
  ],
  [
    'a post under a key that is no TID',
    put({ collection: POST, record: post }),
    invalid('Invalid record key for app.bsky.feed.post: Invalid TID string (got "self") at $'),
  ],
  [
    'a profile under another key',
    put({ collection: 'app.bsky.actor.profile', rkey: 'me' }),
    invalid('Invalid record key for app.bsky.actor.profile: Expected "self" (got "me") at $'),
  ],
  [
    'a fraction',
    put({ record: { a: 1.5 } }),
    invalid(
      'Expected one of null, boolean, integer, string, cid, bytes, array or object value type (got 1.5) at $.record.a',
    ),
  ],
  [
    '2^53',
    put({ record: { a: 2 ** 53 } }),
    invalid('record.a is beyond the integers from -(2^53 - 1) to 2^53 - 1 (9007199254740992)'),
    crash,
  ],
  [
    'a blob that nobody uploaded',
    put({
      record: {
        a: {
          $type: 'blob',
          ref: { $link: 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku' },
          mimeType: 'text/plain',
          size: 0,
        },
      },
    }),
    no(400, 'BlobNotFound', 'Could not find blob: CID'),
  ],
  [
    'a blob of the old form',
    put({
      record: {
        a: { cid: 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku', mimeType: 'text/plain' },
      },
    }),
    invalid('Legacy blobs are not allowed (CID)'),
  ],
  ['a body of more than 1 MB', put({ record: { a: 'x'.repeat(1_000_000) } }), tooLarge],
]

const WRONG = 'bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm'
const PATH = 'com.example.thing/self'

const writes: readonly CallRow[] = [
  ['a new record', put({}), wrote('com.example.thing/self', 'unknown')],
  [
    'the same again',
    put({}),
    {
      status: 200,
      body: { uri: 'at://did:alice/com.example.thing/self', cid: 'CID', validationStatus: 'unknown' },
    },
  ],
  [
    'the same with its type',
    put({ record: { $type: THING } }),
    {
      status: 200,
      body: { uri: 'at://did:alice/com.example.thing/self', cid: 'CID', validationStatus: 'unknown' },
    },
  ],
  [
    'the same, unchecked',
    put({ validate: false }),
    { status: 200, body: { uri: 'at://did:alice/com.example.thing/self', cid: 'CID' } },
  ],
  [
    'the same, that must be known',
    put({ validate: true }),
    invalid('Unknown lexicon type: com.example.thing'),
  ],
  [
    'the same with wrong swaps',
    put({ swapRecord: WRONG, swapCommit: WRONG }),
    {
      status: 200,
      body: { uri: 'at://did:alice/com.example.thing/self', cid: 'CID', validationStatus: 'unknown' },
    },
  ],
  [
    'the same where nothing should be',
    put({ swapRecord: null }),
    {
      status: 200,
      body: { uri: 'at://did:alice/com.example.thing/self', cid: 'CID', validationStatus: 'unknown' },
    },
  ],
  ['other content', put({ record: { a: 1 } }), wrote('com.example.thing/self', 'unknown')],
  ['other content, unchecked', put({ record: { a: 2 }, validate: false }), wrote('com.example.thing/self')],
  [
    'other content, by handle',
    (world) => put({ repo: world.alice.handle, record: { a: 3 } })(world),
    wrote('com.example.thing/self', 'unknown'),
  ],
  [
    'the same with its keys in another order',
    put({ rkey: 'order', record: { b: 1, a: 2 } }),
    wrote('com.example.thing/order', 'unknown'),
  ],
  [
    'the same with its keys in order',
    put({ rkey: 'order', record: { a: 2, b: 1 } }),
    {
      status: 200,
      body: { uri: 'at://did:alice/com.example.thing/order', cid: 'CID', validationStatus: 'unknown' },
    },
  ],
  [
    'a profile',
    put({ collection: 'app.bsky.actor.profile', record: { displayName: 'Alice' } }),
    wrote('app.bsky.actor.profile/self', 'valid'),
  ],
  [
    'another profile',
    put({ collection: 'app.bsky.actor.profile', record: { displayName: 'Alice of Locus' } }),
    wrote('app.bsky.actor.profile/self', 'valid'),
  ],
  [
    'a bad profile',
    put({ collection: 'app.bsky.actor.profile', record: { displayName: 1 } }),
    invalid(
      'Invalid app.bsky.actor.profile record: Expected string value type (got 1) at $.record.displayName',
    ),
  ],
  [
    'a post',
    put({ collection: POST, rkey: '3jzfcijpj2z2a', record: post, validate: true }),
    wrote('app.bsky.feed.post/3jzfcijpj2z2a', 'valid'),
  ],
]

const swaps: readonly CallRow[] = [
  [
    'on the right record',
    async (world) => put({ swapRecord: await world.cidOf(PATH), record: { a: 4 } })(world),
    wrote('com.example.thing/self', 'unknown'),
  ],
  [
    'on another record',
    put({ swapRecord: WRONG, record: { a: 5 } }),
    no(400, 'InvalidSwap', 'Record was at CID'),
  ],
  [
    'on no record, where there is one',
    put({ swapRecord: null, record: { a: 5 } }),
    no(400, 'InvalidSwap', 'Record was at CID'),
  ],
  [
    'on no record, where there is none',
    put({ rkey: 'new', swapRecord: null }),
    wrote('com.example.thing/new', 'unknown'),
  ],
  [
    'on a record, where there is none',
    put({ rkey: 'none', swapRecord: WRONG }),
    no(400, 'InvalidSwap', 'Record was at null'),
  ],
  [
    'on the right commit',
    async (world) => put({ swapCommit: await world.head(), record: { a: 6 } })(world),
    wrote('com.example.thing/self', 'unknown'),
  ],
  [
    'on another commit',
    put({ swapCommit: WRONG, record: { a: 7 } }),
    no(400, 'InvalidSwap', 'Commit was at CID'),
  ],
  [
    'on another commit and another record',
    put({ swapCommit: WRONG, swapRecord: WRONG, record: { a: 7 } }),
    no(400, 'InvalidSwap', 'Commit was at CID'),
  ],
  [
    'on the right commit and another record',
    async (world) => put({ swapCommit: await world.head(), swapRecord: WRONG, record: { a: 7 } })(world),
    no(400, 'InvalidSwap', 'Record was at CID'),
  ],
  [
    'on the right commit and the right record',
    async (world) =>
      put({ swapCommit: await world.head(), swapRecord: await world.cidOf(PATH), record: { a: 7 } })(world),
    wrote('com.example.thing/self', 'unknown'),
  ],
  [
    'on a record that is a blob',
    put({ swapRecord: 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku', record: { a: 8 } }),
    no(400, 'InvalidSwap', 'Record was at CID'),
  ],
  [
    'on a record that is a word',
    put({ swapRecord: 'x', record: { a: 8 } }),
    invalid('Invalid CID string (got "x") at $.swapRecord'),
  ],
  [
    'on a record that is empty',
    put({ swapRecord: '', record: { a: 8 } }),
    invalid('Invalid CID string (got "") at $.swapRecord'),
  ],
  [
    'on a record that is false',
    put({ swapRecord: false, record: { a: 8 } }),
    invalid('Expected string value type (got false) at $.swapRecord'),
  ],
  [
    'on a record of version 0',
    put({ swapRecord: 'QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n', record: { a: 8 } }),
    invalid('swapRecord is not a CID of this protocol: QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n'),
    no(400, 'InvalidSwap', 'Record was at CID'),
  ],
  [
    'on a commit that is null',
    put({ swapCommit: null, record: { a: 8 } }),
    invalid('Expected string value type (got null) at $.swapCommit'),
  ],
  [
    'on a commit that is a word',
    put({ swapCommit: 'x', record: { a: 8 } }),
    invalid('Invalid CID string (got "x") at $.swapCommit'),
  ],
  [
    'a bad record on another commit',
    put({ swapCommit: WRONG, record: { $type: POST } }),
    invalid('Invalid $type: expected com.example.thing, got app.bsky.feed.post'),
  ],
]

calls('com.atproto.repo.putRecord', [...who, ...fields, ...writes, ...swaps])
