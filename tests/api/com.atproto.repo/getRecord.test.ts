import { NOBODY } from '#tests/support/answers.ts'
import { calls, invalid, no, type Reply, type World } from '#tests/support/record-answers.ts'

const THING = 'com.example.thing'
const WRONG = 'bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm'

/** Parameters for the thing of alice's that is called so. */
function get(params: Record<string, string>) {
  return ({ alice }: World) => ({ params: { repo: alice.did, collection: THING, rkey: 'self', ...params } })
}

/** The same once there is such a thing, in all accounts. */
function getThere(params: (world: World) => Record<string, string> | Promise<Record<string, string>>) {
  return async (world: World) => {
    await world.call('com.atproto.repo.putRecord', {
      repo: world.alice.did,
      collection: THING,
      rkey: 'self',
      record: { b: [true, null, 'ü'], a: { $bytes: 'AA==' } },
    })
    return get(await params(world))(world)
  }
}

const found: Reply = {
  status: 200,
  body: {
    uri: `at://did:alice/${THING}/self`,
    cid: 'CID',
    value: { $type: THING, a: { $bytes: 'AA' }, b: [true, null, 'ü'] },
  },
}

function badParams(reason: string): Reply {
  return invalid(`Invalid com.atproto.repo.getRecord params: ${reason}`)
}

calls('com.atproto.repo.getRecord', [
  ['a record that is there', getThere(() => ({})), found],
  ['by handle', getThere(({ alice }) => ({ repo: alice.handle })), found],
  [
    'by handle in capitals',
    getThere(({ alice }) => ({ repo: alice.handle.toUpperCase() })),
    found,
    no(502, 'UpstreamFailure', 'Upstream service unreachable'),
  ],
  ['with its CID', getThere(async (world) => ({ cid: await world.cidOf(`${THING}/self`) })), found],
  [
    'with another CID',
    get({ cid: WRONG }),
    no(400, 'RecordNotFound', 'Could not locate record: at://did:alice/com.example.thing/self'),
  ],
  [
    'with a CID of version 0',
    get({ cid: 'QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n' }),
    no(400, 'RecordNotFound', 'Could not locate record: at://did:alice/com.example.thing/self'),
  ],
  ['with a CID that is a word', get({ cid: 'x' }), badParams('Invalid CID string (got "x")')],
  ['with an empty CID', get({ cid: '' }), found],
  ['with a session', (world) => ({ ...get({})(world), as: world.bob }), found],
  ['with a bad token', (world) => ({ ...get({})(world), authorization: 'Bearer x' }), found],
  ['with a parameter that the lexicon does not name', get({ more: '1' }), found],
  [
    'a record that is not there',
    get({ rkey: 'none' }),
    no(400, 'RecordNotFound', 'Could not locate record: at://did:alice/com.example.thing/none'),
  ],
  [
    'a record that is not there, by handle',
    (world) => get({ repo: world.alice.handle, rkey: 'none' })(world),
    no(400, 'RecordNotFound', 'Could not locate record: at://did:alice/com.example.thing/none'),
  ],
  [
    'in a collection that is not there',
    get({ collection: 'com.example.none' }),
    no(400, 'RecordNotFound', 'Could not locate record: at://did:alice/com.example.none/self'),
  ],
  [
    'in a collection in capitals',
    get({ collection: 'com.EXAMPLE.thing' }),
    no(400, 'RecordNotFound', 'Could not locate record: at://did:alice/com.EXAMPLE.thing/self'),
  ],
  [
    'under a key in capitals',
    get({ rkey: 'SELF' }),
    no(400, 'RecordNotFound', 'Could not locate record: at://did:alice/com.example.thing/SELF'),
  ],
  [
    'a part of the key',
    get({ rkey: 'sel' }),
    no(400, 'RecordNotFound', 'Could not locate record: at://did:alice/com.example.thing/sel'),
  ],
  [
    'of one who has none',
    (world) => get({ repo: world.bob.did })(world),
    no(400, 'RecordNotFound', 'Could not locate record: at://did:bob/com.example.thing/self'),
  ],
  [
    'of one who is deactivated',
    (world) => get({ repo: world.dora.did })(world),
    no(400, 'RecordNotFound', 'Could not locate record: at://did:dora/com.example.thing/self'),
    no(502, 'UpstreamFailure', 'Upstream service unreachable'),
  ],
  [
    'of one who is deactivated, by themselves',
    (world) => ({ ...get({ repo: world.dora.did })(world), as: world.dora }),
    no(400, 'RecordNotFound', 'Could not locate record: at://did:dora/com.example.thing/self'),
    no(502, 'UpstreamFailure', 'Upstream service unreachable'),
  ],
  [
    'of one who is taken down',
    (world) => get({ repo: world.tim.handle })(world),
    no(400, 'RecordNotFound', 'Could not locate record: at://tim.test/com.example.thing/self'),
    no(502, 'UpstreamFailure', 'Upstream service unreachable'),
  ],
  [
    'of an unknown DID',
    get({ repo: NOBODY }),
    no(
      400,
      'RecordNotFound',
      'Could not locate record: at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/com.example.thing/self',
    ),
    no(502, 'UpstreamFailure', 'Upstream service unreachable'),
  ],
  [
    'of an unknown handle',
    get({ repo: 'nobody.test' }),
    no(400, 'RecordNotFound', 'Could not locate record: at://nobody.test/com.example.thing/self'),
    no(502, 'UpstreamFailure', 'Upstream service unreachable'),
  ],
  ['no parameters', () => ({}), badParams('Missing required key "repo"')],
  [
    'no repo',
    () => ({ params: { collection: THING, rkey: 'self' } }),
    badParams('Missing required key "repo"'),
  ],
  [
    'no collection',
    ({ alice }) => ({ params: { repo: alice.did, rkey: 'self' } }),
    badParams('Missing required key "collection"'),
  ],
  [
    'no key',
    ({ alice }) => ({ params: { repo: alice.did, collection: THING } }),
    badParams('Missing required key "rkey"'),
  ],
  ['an empty key', get({ rkey: '' }), badParams('Missing required key "rkey"')],
  ['a repo that is no identifier', get({ repo: 'alice' }), badParams('Invalid AT identifier (got "alice")')],
  ['a DID that is none', get({ repo: 'did:plc' }), badParams('Invalid AT identifier (got "did:plc")')],
  [
    'a collection of two words',
    get({ collection: 'com.example' }),
    badParams('Invalid NSID (got "com.example")'),
  ],
  ['two dots as key', get({ rkey: '..' }), badParams('Invalid record key (got "..")')],
  ['a key with a slash', get({ rkey: 'self/x' }), badParams('Invalid record key (got "self/x")')],
  [
    'a key of 513 characters',
    get({ rkey: 'k'.repeat(513) }),
    badParams(`Invalid record key (got "${'k'.repeat(255)}…")`),
  ],
  ['a key with a NUL', get({ rkey: 'self\0' }), badParams('Invalid record key (got "self\\u0000")')],
  [
    'two keys',
    ({ alice }) => ({ params: `repo=${alice.did}&collection=${THING}&rkey=self&rkey=other` }),
    badParams('Expected string value type (got ["self", "other"])'),
  ],
  [
    'by POST',
    (world) => ({ body: get({})(world).params }),
    invalid('Incorrect HTTP method (POST) expected GET'),
  ],
])
