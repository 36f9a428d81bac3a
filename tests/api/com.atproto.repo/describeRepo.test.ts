import { NOBODY } from '#tests/support/answers.ts'
import { calls, invalid, no, type Reply, type World } from '#tests/support/record-answers.ts'

function describeAfter(writes: readonly object[]) {
  return async (world: World) => {
    await world.call('com.atproto.repo.applyWrites', { repo: world.alice.did, writes })
    return { params: { repo: world.alice.did } }
  }
}

function create(collection: string, rkey = 'x') {
  return { $type: 'com.atproto.repo.applyWrites#create', collection, rkey, value: {} }
}

function remove(collection: string, rkey = 'x') {
  return { $type: 'com.atproto.repo.applyWrites#delete', collection, rkey }
}

function described(name: string, collections: readonly string[]): Reply {
  const did = `did:${name}`
  return {
    status: 200,
    body: { handle: `${name}.test`, did, didDoc: did, collections, handleIsCorrect: true },
  }
}

function badParams(reason: string): Reply {
  return invalid(`Invalid com.atproto.repo.describeRepo params: ${reason}`)
}

calls('com.atproto.repo.describeRepo', [
  ['a new account', ({ alice }) => ({ params: { repo: alice.did } }), described('alice', [])],
  ['by handle', ({ alice }) => ({ params: { repo: alice.handle } }), described('alice', [])],
  [
    'by handle in capitals',
    ({ alice }) => ({ params: { repo: alice.handle.toUpperCase() } }),
    described('alice', []),
    no(400, 'RepoNotFound', 'Could not find repo for DID: ALICE.TEST'),
  ],
  ['with a session', ({ alice, bob }) => ({ params: { repo: bob.did }, as: alice }), described('bob', [])],
  [
    'with a bad token',
    ({ alice }) => ({ params: { repo: alice.did }, authorization: 'Bearer x' }),
    described('alice', []),
  ],
  [
    'with records',
    describeAfter([
      create('com.example.b'),
      create('com.example.a'),
      create('com.example.a', 'y'),
      create('com.example.A'),
    ]),
    described('alice', ['com.example.A', 'com.example.a', 'com.example.b']),
  ],
  [
    'with names that begin alike',
    describeAfter([
      create('com.example.a-b.c'),
      create('com.example.a.b'),
      create('com.example.aB'),
      create('com.example.a0'),
    ]),
    described('alice', [
      'com.example.A',
      'com.example.a',
      'com.example.a-b.c',
      'com.example.a.b',
      'com.example.a0',
      'com.example.aB',
      'com.example.b',
    ]),
  ],
  [
    'with one of two deleted',
    describeAfter([remove('com.example.a')]),
    described('alice', [
      'com.example.A',
      'com.example.a',
      'com.example.a-b.c',
      'com.example.a.b',
      'com.example.a0',
      'com.example.aB',
      'com.example.b',
    ]),
  ],
  [
    'with the last deleted',
    describeAfter([remove('com.example.a', 'y')]),
    described('alice', [
      'com.example.A',
      'com.example.a-b.c',
      'com.example.a.b',
      'com.example.a0',
      'com.example.aB',
      'com.example.b',
    ]),
  ],
  [
    'an unknown DID',
    () => ({ params: { repo: NOBODY } }),
    no(400, 'RepoNotFound', 'Could not find repo for DID: did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'),
  ],
  [
    'an unknown handle',
    () => ({ params: { repo: 'nobody.test' } }),
    no(400, 'RepoNotFound', 'Could not find repo for DID: nobody.test'),
  ],
  [
    'a handle of elsewhere',
    () => ({ params: { repo: 'bsky.app' } }),
    no(400, 'RepoNotFound', 'Could not find repo for DID: bsky.app'),
  ],
  [
    'a DID of another method',
    () => ({ params: { repo: 'did:web:example.com' } }),
    no(400, 'RepoNotFound', 'Could not find repo for DID: did:web:example.com'),
  ],
  [
    'one who is deactivated',
    ({ dora }) => ({ params: { repo: dora.did } }),
    no(400, 'RepoDeactivated', 'Repo has been deactivated: did:dora'),
  ],
  [
    'one who is deactivated, by handle',
    ({ dora }) => ({ params: { repo: dora.handle } }),
    no(400, 'RepoDeactivated', 'Repo has been deactivated: dora.test'),
  ],
  [
    'one who is deactivated, by themselves',
    ({ dora }) => ({ params: { repo: dora.did }, as: dora }),
    no(400, 'RepoDeactivated', 'Repo has been deactivated: did:dora'),
  ],
  [
    'one who is taken down',
    ({ tim }) => ({ params: { repo: tim.did } }),
    no(400, 'RepoTakendown', 'Repo has been takendown: did:tim'),
  ],
  [
    'one who is taken down, by themselves',
    ({ tim }) => ({ params: { repo: tim.did }, as: tim }),
    no(400, 'RepoTakendown', 'Repo has been takendown: did:tim'),
  ],
  ['no repo', () => ({}), badParams('Missing required key "repo"')],
  ['an empty repo', () => ({ params: { repo: '' } }), badParams('Missing required key "repo"')],
  [
    'a repo that is no identifier',
    () => ({ params: { repo: 'alice' } }),
    badParams('Invalid AT identifier (got "alice")'),
  ],
  [
    'a repo with @',
    ({ alice }) => ({ params: { repo: `@${alice.handle}` } }),
    badParams('Invalid AT identifier (got "@alice.test")'),
  ],
  [
    'an AT URI',
    ({ alice }) => ({ params: { repo: `at://${alice.did}` } }),
    badParams('Invalid AT identifier (got "at://did:alice")'),
  ],
  [
    'a DID in capitals',
    () => ({ params: { repo: NOBODY.toUpperCase() } }),
    badParams('Invalid AT identifier (got "DID:PLC:AAAAAAAAAAAAAAAAAAAAAAAA")'),
  ],
  [
    'two repos',
    ({ alice, bob }) => ({ params: `repo=${alice.did}&repo=${bob.did}` }),
    badParams('Expected string value type (got ["did:alice", "did:bob"])'),
  ],
  [
    'a parameter that the lexicon does not name',
    ({ bob }) => ({ params: { repo: bob.did, more: '1' } }),
    described('bob', []),
  ],
  [
    'by POST',
    ({ alice }) => ({ body: { repo: alice.did } }),
    invalid('Incorrect HTTP method (POST) expected GET'),
  ],
])
