import { NOBODY } from '#tests/support/answers.ts'
import {
  authMissing,
  COMMIT,
  calls,
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

const THING = 'com.example.thing'
const WRONG = 'bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm'

/** An input for the thing of alice's that is called so. */
function remove(input: object) {
  return ({ alice }: World) => ({ body: { repo: alice.did, collection: THING, rkey: 'self', ...input } })
}

/** The same once there is such a thing. */
function removeThere(input: (world: World) => object | Promise<object>) {
  return async (world: World) => {
    await world.call('com.atproto.repo.putRecord', {
      repo: world.alice.did,
      collection: THING,
      rkey: 'self',
      record: {},
    })
    return remove(await input(world))(world)
  }
}

const done: Reply = { status: 200, body: { commit: COMMIT } }
const nothing: Reply = { status: 200, body: {} }

calls('com.atproto.repo.deleteRecord', [
  ['nobody', (world) => ({ ...remove({})(world), as: null }), authMissing],
  [
    'a refresh token',
    (world) => ({ ...remove({})(world), authorization: `Bearer ${world.alice.refreshJwt}` }),
    unverifiable,
  ],
  ['someone else by DID', (world) => remove({ repo: world.bob.did })(world), notHers],
  ['someone else by handle', (world) => remove({ repo: world.bob.handle })(world), notHers],
  ['an unknown DID', remove({ repo: NOBODY }), nobodyThere],
  ['an unknown handle', remove({ repo: 'nobody.test' }), nobodyThere],
  ['someone who is deactivated', (world) => remove({ repo: world.dora.did })(world), deactivated],
  ['someone who is taken down', (world) => remove({ repo: world.tim.did })(world), takenDown],
  [
    'by one who is deactivated',
    (world) => ({ ...remove({ repo: world.dora.did })(world), as: world.dora }),
    deactivated,
  ],
  [
    'by one who is taken down',
    (world) => ({ ...remove({ repo: world.tim.did })(world), as: world.tim }),
    takenDown,
  ],
  ['an empty input', () => ({ body: {} }), invalid('Missing required key "repo" at $')],
  ['no repo', remove({ repo: undefined }), invalid('Missing required key "repo" at $')],
  ['no collection', remove({ collection: undefined }), invalid('Missing required key "collection" at $')],
  ['no key', remove({ rkey: undefined }), invalid('Missing required key "rkey" at $')],
  ['a key that is null', remove({ rkey: null }), invalid('Expected string value type (got null) at $.rkey')],
  ['two dots as key', remove({ rkey: '..' }), invalid('Invalid record key (got "..") at $.rkey')],
  ['an empty key', remove({ rkey: '' }), invalid('Invalid record key (got "") at $.rkey')],
  [
    'a key of 513 characters',
    remove({ rkey: 'k'.repeat(513) }),
    invalid(`Invalid record key (got "${'k'.repeat(255)}…") at $.rkey`),
  ],
  ['a key with a slash', remove({ rkey: 'self/x' }), invalid('Invalid record key (got "self/x") at $.rkey')],
  [
    'a collection of one word',
    remove({ collection: 'thing' }),
    invalid('Invalid NSID (got "thing") at $.collection'),
  ],
  ['a record that is there', removeThere(() => ({})), done],
  ['the same again', remove({}), nothing],
  ['a record that is there, by handle', removeThere(({ alice }) => ({ repo: alice.handle })), done],
  ['a record that is not there', remove({ rkey: 'none' }), nothing],
  ['in a collection that is not there', remove({ collection: 'com.example.none' }), nothing],
  [
    'a key that the lexicon does not allow',
    remove({ collection: 'app.bsky.actor.profile', rkey: 'me' }),
    nothing,
  ],
  ['a record that is not there, with wrong swaps', remove({ swapRecord: WRONG, swapCommit: WRONG }), nothing],
  [
    'the right record',
    removeThere(async (world) => ({ swapRecord: await world.cidOf(`${THING}/self`) })),
    done,
  ],
  ['another record', removeThere(() => ({ swapRecord: WRONG })), no(400, 'InvalidSwap', 'Record was at CID')],
  ['the right commit', removeThere(async (world) => ({ swapCommit: await world.head() })), done],
  ['another commit', removeThere(() => ({ swapCommit: WRONG })), no(400, 'InvalidSwap', 'Commit was at CID')],
  [
    'another commit and another record',
    removeThere(() => ({ swapCommit: WRONG, swapRecord: WRONG })),
    no(400, 'InvalidSwap', 'Commit was at CID'),
  ],
  [
    'the right commit and another record',
    removeThere(async (world) => ({ swapCommit: await world.head(), swapRecord: WRONG })),
    no(400, 'InvalidSwap', 'Record was at CID'),
  ],
  [
    'on a record that is null',
    removeThere(() => ({ swapRecord: null })),
    invalid('Expected string value type (got null) at $.swapRecord'),
  ],
  [
    'on a commit that is null',
    removeThere(() => ({ swapCommit: null })),
    invalid('Expected string value type (got null) at $.swapCommit'),
  ],
  [
    'on a record that is a word',
    removeThere(() => ({ swapRecord: 'x' })),
    invalid('Invalid CID string (got "x") at $.swapRecord'),
  ],
  [
    'on a record that is empty',
    removeThere(() => ({ swapRecord: '' })),
    invalid('Invalid CID string (got "") at $.swapRecord'),
  ],
  [
    'on a commit that is a number',
    removeThere(() => ({ swapCommit: 1 })),
    invalid('Expected string value type (got 1) at $.swapCommit'),
  ],
  [
    'on a record of version 0',
    removeThere(() => ({ swapRecord: 'QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n' })),
    invalid('swapRecord is not a CID of this protocol: QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n'),
    no(400, 'InvalidSwap', 'Record was at CID'),
  ],
  ['a body of more than 150 kB', remove({ more: 'x'.repeat(160_000) }), tooLarge],
  ['a field that the lexicon does not name', removeThere(() => ({ validate: true })), done],
])
