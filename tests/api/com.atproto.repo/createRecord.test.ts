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
  unverifiable,
  type World,
  wrote,
} from '#tests/support/record-answers.ts'

const POST = 'app.bsky.feed.post'
const THING = 'com.example.thing'
const WRONG = 'bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm'
const post = { text: 'hello', createdAt: '2026-11-21T00:00:00.000Z' }

/** An input for alice's repository: a thing without content, unless it says otherwise. */
function create(input: object) {
  return ({ alice }: World) => ({ body: { repo: alice.did, collection: THING, record: {}, ...input } })
}

const who: readonly CallRow[] = [
  ['nobody', (world) => ({ ...create({})(world), as: null }), authMissing],
  ['a token that is none', (world) => ({ ...create({})(world), authorization: 'Bearer x' }), unverifiable],
  [
    'a header that is none',
    (world) => ({ ...create({})(world), authorization: 'x' }),
    no(400, 'InvalidToken', 'Malformed authorization header'),
  ],
  [
    'a refresh token',
    (world) => ({ ...create({})(world), authorization: `Bearer ${world.alice.refreshJwt}` }),
    unverifiable,
  ],
  [
    'the operator',
    (world) => ({ ...create({})(world), authorization: 'Basic YWRtaW46YWRtaW4tcGFzcw==' }),
    no(400, 'InvalidToken', 'Unexpected authorization type'),
  ],
  ['her own by DID', create({ rkey: 'by-did' }), wrote('com.example.thing/by-did', 'unknown')],
  [
    'her own by handle',
    (world) => create({ repo: world.alice.handle, rkey: 'by-handle' })(world),
    wrote('com.example.thing/by-handle', 'unknown'),
  ],
  [
    'her own by handle in capitals',
    (world) => create({ repo: world.alice.handle.toUpperCase(), rkey: 'by-capitals' })(world),
    wrote('com.example.thing/by-capitals', 'unknown'),
    nobodyThere,
  ],
  ['someone else by DID', (world) => create({ repo: world.bob.did })(world), notHers],
  ['someone else by handle', (world) => create({ repo: world.bob.handle })(world), notHers],
  ['an unknown DID', create({ repo: NOBODY }), nobodyThere],
  ['an unknown handle', create({ repo: 'nobody.test' }), nobodyThere],
  ['a handle of elsewhere', create({ repo: 'bsky.app' }), nobodyThere],
  ['someone who is deactivated', (world) => create({ repo: world.dora.did })(world), deactivated],
  ['someone who is taken down', (world) => create({ repo: world.tim.did })(world), takenDown],
  [
    'by one who is deactivated',
    (world) => ({ ...create({ repo: world.dora.did })(world), as: world.dora }),
    deactivated,
  ],
  [
    'by one who is taken down',
    (world) => ({ ...create({ repo: world.tim.did })(world), as: world.tim }),
    takenDown,
  ],
  ['someone else, by one who is deactivated', (world) => ({ ...create({})(world), as: world.dora }), notHers],
]

const fields: readonly CallRow[] = [
  ['an empty input', () => ({ body: {} }), invalid('Missing required key "repo" at $')],
  ['no repo', create({ repo: undefined }), invalid('Missing required key "repo" at $')],
  ['a repo that is a number', create({ repo: 1 }), invalid('Expected string value type (got 1) at $.repo')],
  ['an empty repo', create({ repo: '' }), invalid('Invalid AT identifier (got "") at $.repo')],
  [
    'a repo that is no identifier',
    create({ repo: 'alice' }),
    invalid('Invalid AT identifier (got "alice") at $.repo'),
  ],
  [
    'a repo with @',
    (world) => create({ repo: `@${world.alice.handle}` })(world),
    invalid('Invalid AT identifier (got "@alice.test") at $.repo'),
  ],
  [
    'an AT URI as repo',
    (world) => create({ repo: `at://${world.alice.did}` })(world),
    invalid('Invalid AT identifier (got "at://did:alice") at $.repo'),
  ],
  [
    'an address as repo',
    (world) => create({ repo: world.alice.email })(world),
    invalid('Invalid AT identifier (got "alice@example.com") at $.repo'),
  ],
  ['no collection', create({ collection: undefined }), invalid('Missing required key "collection" at $')],
  [
    'a collection that is a list',
    create({ collection: [THING] }),
    invalid('Expected string value type (got ["com.example.thing"]) at $.collection'),
  ],
  [
    'a collection of one word',
    create({ collection: 'thing' }),
    invalid('Invalid NSID (got "thing") at $.collection'),
  ],
  [
    'a collection of two words',
    create({ collection: 'com.example' }),
    invalid('Invalid NSID (got "com.example") at $.collection'),
  ],
  [
    'a collection with a fragment',
    create({ collection: `${THING}#main` }),
    invalid('Invalid NSID (got "com.example.thing#main") at $.collection'),
  ],
  [
    'a collection with a hyphen at the end',
    create({ collection: 'com.example.some-thing' }),
    invalid('Invalid NSID (got "com.example.some-thing") at $.collection'),
  ],
  [
    'a collection with a digit at the start of its name',
    create({ collection: 'com.example.1thing' }),
    invalid('Invalid NSID (got "com.example.1thing") at $.collection'),
  ],
  [
    'a collection with a slash',
    create({ collection: 'com.example.thing/x' }),
    invalid('Invalid NSID (got "com.example.thing/x") at $.collection'),
  ],
  [
    'a collection of 317 characters',
    create({
      collection: `com.${`${'a'.repeat(62)}.`.repeat(3)}${'b'.repeat(61)}.${'c'.repeat(62)}`,
      rkey: 'long',
    }),
    wrote(
      `com.${'a'.repeat(62)}.${'a'.repeat(62)}.${'a'.repeat(62)}.${'b'.repeat(61)}.${'c'.repeat(62)}/long`,
      'unknown',
    ),
  ],
  [
    'a collection of 318 characters',
    create({ collection: `com.${`${'a'.repeat(62)}.`.repeat(3)}${'b'.repeat(61)}.${'c'.repeat(63)}` }),
    invalid(
      `Invalid NSID (got "com.${'a'.repeat(62)}.${'a'.repeat(62)}.${'a'.repeat(62)}.${'b'.repeat(61)}.…") at $.collection`,
    ),
  ],
  [
    'a collection in capitals',
    create({ collection: 'COM.Example.Thing', rkey: 'capitals' }),
    wrote('COM.Example.Thing/capitals', 'unknown'),
  ],
  ['no record', create({ record: undefined }), invalid('Missing required key "record" at $')],
  [
    'a record that is null',
    create({ record: null }),
    invalid('Expected object value type (got null) at $.record'),
  ],
  [
    'a record that is a list',
    create({ record: [] }),
    invalid('Expected object value type (got []) at $.record'),
  ],
  [
    'a record that is a text',
    create({ record: 'x' }),
    invalid('Expected object value type (got "x") at $.record'),
  ],
  [
    'a record that is a link',
    create({ record: { $link: WRONG } }),
    invalid('Expected object value type (got cid) at $.record'),
  ],
  [
    'a record that is bytes',
    create({ record: { $bytes: 'AA' } }),
    invalid('Expected object value type (got object) at $.record'),
  ],
  [
    'validate that is a text',
    create({ validate: 'true' }),
    invalid('Expected boolean value type (got "true") at $.validate'),
  ],
  [
    'validate that is null',
    create({ validate: null }),
    invalid('Expected boolean value type (got null) at $.validate'),
  ],
  [
    'a field that the lexicon does not name',
    create({ rkey: 'unnamed', more: 1 }),
    wrote('com.example.thing/unnamed', 'unknown'),
  ],
]

const keys: readonly CallRow[] = [
  ['no key', create({}), wrote('com.example.thing/TID', 'unknown')],
  ['the same again', create({}), wrote('com.example.thing/TID', 'unknown')],
  ['a key', create({ rkey: 'key' }), wrote('com.example.thing/key', 'unknown')],
  [
    'a key that is there',
    create({ rkey: 'key' }),
    invalid('Record already exists: at://did:alice/com.example.thing/key'),
    crash,
  ],
  [
    'a key that is there, with other content',
    create({ rkey: 'key', record: { a: 1 } }),
    invalid('Record already exists: at://did:alice/com.example.thing/key'),
    crash,
  ],
  ['a key that is a number', create({ rkey: 1 }), invalid('Expected string value type (got 1) at $.rkey')],
  ['a key that is null', create({ rkey: null }), invalid('Expected string value type (got null) at $.rkey')],
  ['an empty key', create({ rkey: '' }), invalid('Invalid record key (got "") at $.rkey')],
  ['a dot', create({ rkey: '.' }), invalid('Invalid record key (got ".") at $.rkey')],
  ['two dots', create({ rkey: '..' }), invalid('Invalid record key (got "..") at $.rkey')],
  ['three dots', create({ rkey: '...' }), wrote('com.example.thing/...', 'unknown')],
  ['a slash', create({ rkey: 'a/b' }), invalid('Invalid record key (got "a/b") at $.rkey')],
  ['a percent sign', create({ rkey: 'a%20b' }), invalid('Invalid record key (got "a%20b") at $.rkey')],
  ['a letter beyond ASCII', create({ rkey: 'é' }), invalid('Invalid record key (got "é") at $.rkey')],
  ['a line end', create({ rkey: 'a\n' }), invalid('Invalid record key (got "a\\n") at $.rkey')],
  ['a NUL', create({ rkey: 'a\0' }), invalid('Invalid record key (got "a\\u0000") at $.rkey')],
  ['all other characters', create({ rkey: 'aZ09_~.:-' }), wrote('com.example.thing/aZ09_~.:-', 'unknown')],
  ['__proto__', create({ rkey: '__proto__' }), wrote('com.example.thing/__proto__', 'unknown')],
  [
    '512 characters',
    create({ rkey: 'k'.repeat(512) }),
    wrote(`com.example.thing/${'k'.repeat(512)}`, 'unknown'),
  ],
  [
    '513 characters',
    create({ rkey: 'k'.repeat(513) }),
    invalid('string too big (maximum 512, got 513) at $.rkey'),
  ],
  [
    'a post with a TID',
    create({ collection: POST, rkey: '3jzfcijpj2z2a', record: post }),
    wrote('app.bsky.feed.post/3jzfcijpj2z2a', 'valid'),
  ],
  [
    'a post with another key',
    create({ collection: POST, rkey: 'self', record: post }),
    invalid('Invalid record key for app.bsky.feed.post: Invalid TID string (got "self") at $'),
  ],
  [
    'a post with a TID of the old form',
    create({ collection: POST, rkey: '3jzf-cij-pj2z-2a', record: post }),
    invalid('Invalid record key for app.bsky.feed.post: Invalid TID string (got "3jzf-cij-pj2z-2a") at $'),
  ],
  [
    'a post with a TID beyond 2^63',
    create({ collection: POST, rkey: 'zzzzzzzzzzzzz', record: post }),
    invalid('Invalid record key for app.bsky.feed.post: Invalid TID string (got "zzzzzzzzzzzzz") at $'),
  ],
  [
    'a post with another key, unchecked',
    create({ collection: POST, rkey: 'self', record: post, validate: false }),
    wrote('app.bsky.feed.post/self'),
  ],
  [
    'a profile without key',
    create({ collection: 'app.bsky.actor.profile' }),
    invalid('Invalid record key for app.bsky.actor.profile: Expected "self" (got "TID") at $'),
  ],
  [
    'a profile with another key',
    create({ collection: 'app.bsky.actor.profile', rkey: 'me' }),
    invalid('Invalid record key for app.bsky.actor.profile: Expected "self" (got "me") at $'),
  ],
  [
    'a profile',
    create({ collection: 'app.bsky.actor.profile', rkey: 'self' }),
    wrote('app.bsky.actor.profile/self', 'valid'),
  ],
  [
    'a second profile',
    create({ collection: 'app.bsky.actor.profile', rkey: 'self' }),
    invalid('Record already exists: at://did:alice/app.bsky.actor.profile/self'),
    crash,
  ],
  [
    'a profile without key, unchecked',
    create({ collection: 'app.bsky.actor.profile', validate: false }),
    wrote('app.bsky.actor.profile/TID'),
  ],
  [
    'a schema with a key that is no NSID',
    create({ collection: 'com.atproto.lexicon.schema', rkey: 'thing', record: { lexicon: 1 } }),
    invalid('Invalid record key for com.atproto.lexicon.schema: Invalid NSID (got "thing") at $'),
  ],
  [
    'a schema',
    create({ collection: 'com.atproto.lexicon.schema', rkey: 'com.example.thing', record: { lexicon: 1 } }),
    wrote('com.atproto.lexicon.schema/com.example.thing', 'valid'),
  ],
  [
    'a feed generator with any key',
    create({
      collection: 'app.bsky.feed.generator',
      rkey: 'any:key',
      record: { did: NOBODY, displayName: 'x', createdAt: post.createdAt },
    }),
    wrote('app.bsky.feed.generator/any:key', 'valid'),
  ],
]

const validation: readonly CallRow[] = [
  [
    'a type that is the collection',
    create({ rkey: 'typed', record: { $type: THING } }),
    wrote('com.example.thing/typed', 'unknown'),
  ],
  [
    'another type',
    create({ record: { $type: POST } }),
    invalid('Invalid $type: expected com.example.thing, got app.bsky.feed.post'),
  ],
  [
    'the type with #main',
    create({ record: { $type: `${THING}#main` } }),
    invalid('Invalid $type: expected com.example.thing, got com.example.thing#main'),
  ],
  [
    'an empty type',
    create({ record: { $type: '' } }),
    invalid('Invalid $type: expected com.example.thing, got '),
  ],
  [
    'a type that is null',
    create({ record: { $type: null } }),
    invalid('Invalid $type: expected com.example.thing, got null'),
  ],
  [
    'a type that is an object',
    create({ record: { $type: {} } }),
    invalid('Invalid $type: expected com.example.thing, got {}'),
    invalid('Invalid $type: expected com.example.thing, got [object Object]'),
  ],
  [
    'another type, unchecked',
    create({ record: { $type: POST }, validate: false }),
    invalid('Invalid $type: expected com.example.thing, got app.bsky.feed.post'),
  ],
  [
    'an unknown lexicon that must be known',
    create({ validate: true }),
    invalid('Unknown lexicon type: com.example.thing'),
  ],
  [
    'an unknown lexicon, unchecked',
    create({ rkey: 'unchecked', validate: false }),
    wrote('com.example.thing/unchecked'),
  ],
  [
    'a known lexicon that must be known',
    create({ collection: POST, rkey: '3jzfcijpj2z22', record: post, validate: true }),
    wrote('app.bsky.feed.post/3jzfcijpj2z22', 'valid'),
  ],
  [
    'a known lexicon, unchecked',
    create({ collection: POST, rkey: '3jzfcijpj2z23', record: post, validate: false }),
    wrote('app.bsky.feed.post/3jzfcijpj2z23'),
  ],
  [
    'a bad post',
    create({ collection: POST, record: {} }),
    invalid('Invalid app.bsky.feed.post record: Missing required key "text" at $.record'),
  ],
  [
    'a bad post that must be good',
    create({ collection: POST, record: {}, validate: true }),
    invalid('Invalid app.bsky.feed.post record: Missing required key "text" at $.record'),
  ],
  [
    'a bad post, unchecked',
    create({ collection: POST, rkey: '3jzfcijpj2z24', record: {}, validate: false }),
    wrote('app.bsky.feed.post/3jzfcijpj2z24'),
  ],
  [
    'a lexicon that describes no record',
    create({ collection: 'app.bsky.feed.defs', rkey: 'defs' }),
    wrote('app.bsky.feed.defs/defs', 'unknown'),
  ],
  [
    'a lexicon that describes no record and must be known',
    create({ collection: 'app.bsky.feed.defs', validate: true }),
    invalid('Unknown lexicon type: app.bsky.feed.defs'),
  ],
  [
    'a record type in capitals',
    create({ collection: 'app.bsky.feed.POST', rkey: 'capitals' }),
    wrote('app.bsky.feed.POST/capitals', 'unknown'),
  ],
  [
    'a record of tools.ozone',
    create({ collection: 'tools.ozone.team.listMembers', rkey: 'x' }),
    wrote('tools.ozone.team.listMembers/x', 'unknown'),
  ],
]

const swaps: readonly CallRow[] = [
  [
    'on the last commit',
    async (world) => create({ rkey: 'swapped', swapCommit: await world.head() })(world),
    wrote('com.example.thing/swapped', 'unknown'),
  ],
  ['on an older commit', create({ swapCommit: WRONG }), no(400, 'InvalidSwap', 'Commit was at CID')],
  [
    'on an older commit, with a key that is there',
    create({ rkey: 'swapped', swapCommit: WRONG }),
    no(400, 'InvalidSwap', 'Commit was at CID'),
  ],
  [
    'on a blob',
    create({ swapCommit: 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku' }),
    no(400, 'InvalidSwap', 'Commit was at CID'),
  ],
  ['on null', create({ swapCommit: null }), invalid('Expected string value type (got null) at $.swapCommit')],
  ['on nothing', create({ swapCommit: '' }), invalid('Invalid CID string (got "") at $.swapCommit')],
  ['on a word', create({ swapCommit: 'head' }), invalid('Invalid CID string (got "head") at $.swapCommit')],
  [
    'on a CID that breaks off',
    create({ swapCommit: 'bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hp' }),
    invalid(
      'Invalid CID string (got "bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hp") at $.swapCommit',
    ),
  ],
  [
    'on a CID in capitals',
    create({ swapCommit: 'BAFYREIE5737GDXLW5I64VZICHCALBA3Z2V5N6ICIFVX5XYTVSKE7MR3HPM' }),
    invalid(
      'Invalid CID string (got "BAFYREIE5737GDXLW5I64VZICHCALBA3Z2V5N6ICIFVX5XYTVSKE7MR3HPM") at $.swapCommit',
    ),
  ],
  [
    'on a CID of version 0',
    create({ swapCommit: 'QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n' }),
    invalid('swapCommit is not a CID of this protocol: QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n'),
    no(400, 'InvalidSwap', 'Commit was at CID'),
  ],
  [
    'on a CID in base58',
    create({ swapCommit: 'zdpuAn6tGBB4Ku31WtxzBbd4UsFpF6L5hCqzBsbYGLiYTEgRm' }),
    invalid('Invalid CID string (got "zdpuAn6tGBB4Ku31WtxzBbd4UsFpF6L5hCqzBsbYGLiYTEgRm") at $.swapCommit'),
  ],
  [
    'on a CID with a space',
    create({ swapCommit: ' bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm' }),
    invalid('Invalid CID string (got " CID") at $.swapCommit'),
  ],
  [
    'on a CID that is a link',
    create({ swapCommit: { $link: WRONG } }),
    invalid('Expected string value type (got {"$link": ...}) at $.swapCommit'),
    no(400, 'InvalidSwap', 'Commit was at CID'),
  ],
  ['on a number', create({ swapCommit: 1 }), invalid('Expected string value type (got 1) at $.swapCommit')],
]

const SUBJECT = {
  uri: `at://${NOBODY}/app.bsky.feed.post/3jzfcijpj2z2a`,
  cid: WRONG,
}
const like = { subject: SUBJECT, createdAt: post.createdAt }
const LIKE = 'app.bsky.feed.like'

const duplicates: readonly CallRow[] = [
  [
    'a like',
    create({ collection: LIKE, rkey: '3jzfcijpj2z22', record: like }),
    wrote('app.bsky.feed.like/3jzfcijpj2z22', 'valid'),
  ],
  [
    'the like again',
    create({ collection: LIKE, rkey: '3jzfcijpj2z23', record: like }),
    wrote('app.bsky.feed.like/3jzfcijpj2z23', 'valid'),
  ],
  [
    'the like under the same key',
    create({ collection: LIKE, rkey: '3jzfcijpj2z23', record: like }),
    wrote('app.bsky.feed.like/3jzfcijpj2z23', 'valid'),
  ],
  [
    'the like under the key of the one before',
    create({
      collection: LIKE,
      rkey: '3jzfcijpj2z22',
      record: { ...like, createdAt: '2026-11-22T00:00:00Z' },
    }),
    wrote('app.bsky.feed.like/3jzfcijpj2z22', 'valid'),
  ],
]

calls('com.atproto.repo.createRecord', [...who, ...fields, ...keys, ...validation, ...swaps, ...duplicates])
