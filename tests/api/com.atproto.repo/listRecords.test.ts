import { NOBODY } from '#tests/support/answers.ts'
import { calls, invalid, type Reply, type World } from '#tests/support/record-answers.ts'

const THING = 'com.example.thing'

/** Parameters for the things of alice. */
function list(params: Record<string, string>) {
  return ({ alice }: World) => ({ params: { repo: alice.did, collection: THING, ...params } })
}

/** The same once there are five of them, a to e, and some in collections whose names are like theirs. */
function listThere(params: Record<string, string>) {
  return async (world: World) => {
    const writes = [...'abcde'].map((rkey) => ({
      $type: 'com.atproto.repo.applyWrites#create',
      collection: THING,
      rkey,
      value: {},
    }))
    for (const collection of [
      'com.example.thin',
      'com.example.thingA',
      'com.example.thinG',
      'com.example.thing.a',
      'com.example.thing-x.a',
    ])
      writes.push({ $type: 'com.atproto.repo.applyWrites#create', collection, rkey: 'c', value: {} })
    await world.call('com.atproto.repo.applyWrites', { repo: world.alice.did, writes })
    return list(params)(world)
  }
}

function listed(keys: readonly string[], collection = THING): Reply {
  const records = keys.map((rkey) => ({
    uri: `at://did:alice/${collection}/${rkey}`,
    cid: 'CID',
    value: { $type: collection },
  }))
  return { status: 200, body: keys.length > 0 ? { cursor: keys.at(-1), records } : { records } }
}

function badParams(reason: string): Reply {
  return invalid(`Invalid com.atproto.repo.listRecords params: ${reason}`)
}

calls('com.atproto.repo.listRecords', [
  ['when there are none', list({}), listed([])],
  ['when there are none, in order', list({ reverse: 'true' }), listed([])],
  ['when there are some', listThere({}), listed(['e', 'd', 'c', 'b', 'a'])],
  ['in order', list({ reverse: 'true' }), listed(['a', 'b', 'c', 'd', 'e'])],
  ['not in order', list({ reverse: 'false' }), listed(['e', 'd', 'c', 'b', 'a'])],
  ['by handle', (world) => list({ repo: world.alice.handle, limit: '1' })(world), listed(['e'])],
  [
    'by handle in capitals',
    (world) => list({ repo: world.alice.handle.toUpperCase(), limit: '1' })(world),
    listed(['e']),
    invalid('Could not find repo: ALICE.TEST'),
  ],
  ['two', list({ limit: '2' }), listed(['e', 'd'])],
  ['the next two', list({ limit: '2', cursor: 'd' }), listed(['c', 'b'])],
  ['the last one', list({ limit: '2', cursor: 'b' }), listed(['a'])],
  ['beyond the last', list({ limit: '2', cursor: 'a' }), listed([])],
  ['two in order', list({ limit: '2', reverse: 'true' }), listed(['a', 'b'])],
  ['the next two in order', list({ limit: '2', cursor: 'b', reverse: 'true' }), listed(['c', 'd'])],
  ['the last one in order', list({ limit: '2', cursor: 'd', reverse: 'true' }), listed(['e'])],
  ['beyond the last in order', list({ limit: '2', cursor: 'e', reverse: 'true' }), listed([])],
  ['from a key that is not there', list({ cursor: 'bb' }), listed(['b', 'a'])],
  [
    'from a key that is not there, in order',
    list({ cursor: 'bb', reverse: 'true' }),
    listed(['c', 'd', 'e']),
  ],
  ['from before all', list({ cursor: '-' }), listed([])],
  ['from beyond all', list({ cursor: '~~~' }), listed(['e', 'd', 'c', 'b', 'a'])],
  ['from beyond all, in order', list({ cursor: '~~~', reverse: 'true' }), listed([])],
  ['from a key that is none', list({ cursor: '../..' }), listed([])],
  ['from a key beyond ASCII', list({ cursor: 'é' }), listed(['e', 'd', 'c', 'b', 'a'])],
  ['from a key beyond ASCII, in order', list({ cursor: 'é', reverse: 'true' }), listed([])],
  ['from an AT URI', list({ cursor: 'at://x/y/z' }), listed(['a'])],
  ['from a percent sign', list({ cursor: 'c%' }), listed(['c', 'b', 'a'])],
  ['from an empty cursor', list({ cursor: '', limit: '1' }), listed(['e'])],
  ['with bounds of the old kind', list({ rkeyStart: 'b', rkeyEnd: 'd', limit: '1' }), listed(['e'])],
  [
    'with a bad token',
    (world) => ({ ...list({ limit: '1' })(world), authorization: 'Bearer x' }),
    listed(['e']),
  ],
  ['a limit of 0', list({ limit: '0' }), badParams('integer too small (minimum 1, got 0)')],
  ['a limit of 100', list({ limit: '100', collection: 'com.example.none' }), listed([])],
  ['a limit of 101', list({ limit: '101' }), badParams('integer too big (maximum 100, got 101)')],
  ['a limit below zero', list({ limit: '-1' }), badParams('integer too small (minimum 1, got -1)')],
  ['a limit that is a word', list({ limit: 'x' }), badParams('Expected integer value type (got "x")')],
  ['a limit with a fraction', list({ limit: '1.5' }), badParams('Expected integer value type (got "1.5")')],
  ['an empty limit', list({ limit: '', cursor: 'b' }), listed(['a'])],
  ['reverse that is a number', list({ reverse: '1' }), badParams('Expected boolean value type (got "1")')],
  [
    'a collection with a name like it',
    list({ collection: 'com.example.thin' }),
    listed(['c'], 'com.example.thin'),
  ],
  [
    'a collection below it',
    list({ collection: 'com.example.thing.a' }),
    listed(['c'], 'com.example.thing.a'),
  ],
  ['a collection that is not there', list({ collection: 'com.example.none' }), listed([])],
  [
    'a collection with a star',
    list({ collection: 'com.example.*' }),
    badParams('Invalid NSID (got "com.example.*")'),
  ],
  [
    'an unknown DID',
    list({ repo: NOBODY }),
    invalid('Could not find repo: did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'),
  ],
  ['an unknown handle', list({ repo: 'nobody.test' }), invalid('Could not find repo: nobody.test')],
  [
    'one who is deactivated',
    (world) => list({ repo: world.dora.did })(world),
    invalid('Could not find repo: did:dora'),
  ],
  [
    'one who is deactivated, by themselves',
    (world) => ({ ...list({ repo: world.dora.did })(world), as: world.dora }),
    invalid('Could not find repo: did:dora'),
  ],
  [
    'one who is taken down',
    (world) => list({ repo: world.tim.handle })(world),
    invalid('Could not find repo: tim.test'),
  ],
  ['one who has none', (world) => list({ repo: world.bob.did })(world), listed([])],
  ['no parameters', () => ({}), badParams('Missing required key "repo"')],
  ['no repo', () => ({ params: { collection: THING } }), badParams('Missing required key "repo"')],
  [
    'no collection',
    ({ alice }) => ({ params: { repo: alice.did } }),
    badParams('Missing required key "collection"'),
  ],
  ['a repo that is no identifier', list({ repo: 'alice' }), badParams('Invalid AT identifier (got "alice")')],
  [
    'two collections',
    ({ alice }) => ({ params: `repo=${alice.did}&collection=${THING}&collection=${THING}` }),
    badParams('Expected string value type (got ["com.example.thing", "com.example.thing"])'),
  ],
  [
    'by POST',
    (world) => ({ body: list({})(world).params }),
    invalid('Incorrect HTTP method (POST) expected GET'),
  ],
])
