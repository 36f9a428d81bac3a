/**
 * Who may read a repository, by the state of its account: the answers of the official server to every method that reads
 * one. They hold without it; with `LOCUS_REFERENCE` and `LOCUS_REFERENCE_PASSWORD` it is asked as well.
 */
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { basic, type Member } from '#tests/support/answers.ts'
import { startPds } from '#tests/support/pds.ts'
import { officialWorld, ourWorld, type World } from '#tests/support/record-answers.ts'

const POST = 'app.bsky.feed.post'
const BLOB = 'bafkreiakaj3vmz23rgpngfxtxf35bzspp6vvoswvmxwmuol3o5vmp5pwei'

/** A method with its other parameters, and what who may read gets to see. */
const METHODS: readonly (readonly [method: string, params: Record<string, string>, served: string])[] = [
  ['getRepo', {}, 'served'],
  ['getRepo', { since: '3jzfcijpj2z2a' }, 'served'],
  ['getCheckout', {}, 'served'],
  ['getHead', {}, 'served'],
  ['getLatestCommit', {}, 'served'],
  ['getRecord', { collection: POST, rkey: 'self' }, 'served'],
  ['getBlocks', { cids: 'HEAD' }, 'served'],
  ['listBlobs', {}, 'served'],
  ['getBlob', { cid: BLOB }, '400 InvalidRequest: Blob not found'],
]
/** These are for the owner of a taken-down account, too, who can get but a restricted session. */
const FOR_BARRED = ['getRepo', 'listBlobs', 'getBlob']

const UNREADABLE = '400 InvalidToken: Token could not be verified'
const BAD_SCOPE = '400 InvalidToken: Bad token scope'

type Caller = readonly [caller: string, authorization: string | undefined]

function callers(world: World, owner: Member, admin: string): Caller[] {
  return [
    ['nobody', undefined],
    ['the owner', `Bearer ${owner.accessJwt}`],
    ['another account', `Bearer ${world.bob.accessJwt}`],
    ['the operator', admin],
    ['who guesses the password', basic('admin', 'guess')],
    ['a refresh token', `Bearer ${owner.refreshJwt}`],
    ['no token', 'Bearer none'],
  ]
}

function expected(state: string, served: string): Record<string, string> {
  const kept = `400 Repo${state[0]?.toUpperCase()}${state.slice(1)}: Repo has been ${state}: did`
  const others = state === 'active' ? served : kept
  return {
    nobody: others,
    'the owner': served,
    'another account': others,
    'the operator': served,
    'who guesses the password': '401 AuthenticationRequired: Authentication Required',
    'a refresh token': UNREADABLE,
    'no token': UNREADABLE,
  }
}

async function outcome(
  world: World,
  method: string,
  params: Record<string, string>,
  authorization?: string,
): Promise<string> {
  const call = { params, ...(authorization !== undefined && { authorization }) }
  const { status, text } = await world.ask(`com.atproto.sync.${method}`, call)
  if (status === 200) return 'served'
  const { error, message } = JSON.parse(text)
  return `${status} ${error}: ${message.replaceAll(params.did ?? '', 'did')}`
}

async function check(world: World, admin: string): Promise<void> {
  const states = [
    ['active', world.alice],
    ['deactivated', world.dora],
    ['takendown', world.tim],
  ] as const
  for (const [state, owner] of states) {
    const params = { did: owner.did }
    const { text } = await world.ask('com.atproto.sync.getHead', { params, authorization: admin })
    const head = JSON.parse(text).root
    for (const [method, others, served] of METHODS) {
      const found: Record<string, string> = {}
      const more = others.cids ? { cids: head } : others
      for (const [caller, authorization] of callers(world, owner, admin)) {
        found[caller] = await outcome(world, method, { ...params, ...more }, authorization)
      }
      expect({ state, method, ...found }).toEqual({ state, method, ...expected(state, served) })
    }
  }
  await checkRestrictedSession(world)
  await checkNobodysRepo(world, admin)
  await checkStatus(world)
}

/** tim is taken down, and logs in for what such an account may still do. */
async function checkRestrictedSession(world: World): Promise<void> {
  const { did, password } = world.tim
  const login = { body: { identifier: did, password, allowTakendown: true }, as: null }
  const { text } = await world.ask('com.atproto.server.createSession', login)
  const restricted = `Bearer ${JSON.parse(text).accessJwt}`
  for (const [method, params, served] of METHODS) {
    const found = await outcome(
      world,
      method,
      { did, ...params, ...(params.cids && { cids: BLOB }) },
      restricted,
    )
    expect([method, found]).toEqual([method, FOR_BARRED.includes(method) ? served : BAD_SCOPE])
  }
}

async function checkNobodysRepo(world: World, admin: string): Promise<void> {
  const did = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
  for (const [method, params] of METHODS) {
    const more = { did, ...params, ...(params.cids && { cids: BLOB }) }
    for (const authorization of [undefined, `Bearer ${world.alice.accessJwt}`, admin]) {
      const found = await outcome(world, method, more, authorization)
      expect([method, found]).toEqual([method, '400 RepoNotFound: Could not find repo for DID: did'])
    }
  }
}

async function checkStatus(world: World): Promise<void> {
  const status = async (did: string) =>
    JSON.parse((await world.ask('com.atproto.sync.getRepoStatus', { params: { did } })).text)
  const { alice, dora, tim } = world
  expect(await status(alice.did)).toEqual({ did: alice.did, active: true, rev: expect.any(String) })
  expect(await status(dora.did)).toEqual({ did: dora.did, active: false, status: 'deactivated' })
  expect(await status(tim.did)).toEqual({ did: tim.did, active: false, status: 'takendown' })
}

test('repositories are read by whom the state of their account allows', async () => {
  await using pds = await startPds()
  await check(await ourWorld(pds), basic('admin', pds.app.config.secrets.adminPassword))
}, 60_000)

const { LOCUS_REFERENCE: url = '', LOCUS_REFERENCE_PASSWORD: adminPassword = '' } = process.env
test.skipIf(url === '')(
  'the official server lets the same callers read',
  async () => {
    await check(await officialWorld({ url, adminPassword }), basic('admin', adminPassword))
  },
  120_000,
)

test('a suspended account is kept from everyone but its owner and the operator', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  suspend(pds.data, alice.did)
  pds.app.accounts.setDeactivated(alice.did, null) // makes it read the row again

  const anyone = pds.call('com.atproto.sync.getLatestCommit', { did: alice.did })
  const owner = alice.call('com.atproto.sync.getLatestCommit', { did: alice.did })
  const operator = pds.admin.call('com.atproto.sync.getLatestCommit', { did: alice.did })

  await expect(anyone).rejects.toMatchObject({ status: 400, error: 'RepoSuspended' })
  expect(await owner).toEqual(await operator)
  expect(await pds.call('com.atproto.sync.getRepoStatus', { did: alice.did })).toEqual({
    did: alice.did,
    active: false,
    status: 'suspended',
  })
})

test('a deleted account is nowhere', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  await pds.admin.call('com.atproto.admin.deleteAccount', { did: alice.did })

  for (const client of [pds, alice, pds.admin]) {
    const asked = client.call('com.atproto.sync.getRepo', { did: alice.did })
    await expect(asked).rejects.toMatchObject({ status: 400, error: 'RepoNotFound' })
  }
  const { repos } = await pds.call('com.atproto.sync.listRepos')
  expect(repos).toEqual([])
})

/** There is no method that suspends yet. */
function suspend(data: string, did: string): void {
  using db = new Database(join(data, 'service.sqlite'))
  db.query('UPDATE account SET suspended_at = 1 WHERE did = ?').run(did)
}
