/** The official client library against our server, and what it wrote against the official repository library. */
import { expect, test } from 'bun:test'
import { AppBskyActorProfile, AtpAgent } from '@atproto/api'
import { MemoryBlockstore, MST, Repo, readCarWithRoot, verifyRepoCar } from '@atproto/repo'
import { signingKeyOf } from '#tests/support/independent/did-document.ts'
import { type Pds, startPds } from '#tests/support/pds.ts'

async function signUp({ url }: Pds, name: string): Promise<AtpAgent & { did: string }> {
  const agent = new AtpAgent({ service: url })
  await agent.createAccount({
    handle: `${name}.test`,
    email: `${name}@example.com`,
    password: `password-of-${name}`,
  })
  return agent as AtpAgent & { did: string }
}

/** Record keys in a collection of the agent's account, newest first. */
async function keysIn(agent: AtpAgent & { did: string }, collection: string): Promise<string[]> {
  const { data } = await agent.com.atproto.repo.listRecords({ repo: agent.did, collection })
  return data.records.map(({ uri }) => keyOf(uri))
}

function keyOf(uri: string): string {
  return uri.slice(uri.lastIndexOf('/') + 1)
}

test('an Agent posts, likes, reposts, follows, blocks, lists, changes its profile and deletes', async () => {
  await using pds = await startPds()
  const [alice, bob] = [await signUp(pds, 'alice'), await signUp(pds, 'bob')]

  const first = await alice.post({ text: 'first' })
  const second = await alice.post({
    text: 'second, to @bob.test',
    langs: ['en'],
    reply: { root: first, parent: first },
  })
  expect(await keysIn(alice, 'app.bsky.feed.post')).toEqual([keyOf(second.uri), keyOf(first.uri)])
  const { value } = await alice.app.bsky.feed.post.get({ repo: alice.did, rkey: keyOf(second.uri) })
  expect(value).toMatchObject({ $type: 'app.bsky.feed.post', text: 'second, to @bob.test', langs: ['en'] })

  const like = await bob.like(first.uri, first.cid)
  const again = await bob.like(first.uri, first.cid)
  expect(await keysIn(bob, 'app.bsky.feed.like')).toEqual([keyOf(again.uri)])
  expect(again.uri).not.toBe(like.uri)
  await bob.deleteLike(again.uri)
  expect(await keysIn(bob, 'app.bsky.feed.like')).toEqual([])

  const repost = await bob.repost(first.uri, first.cid)
  expect(await keysIn(bob, 'app.bsky.feed.repost')).toEqual([keyOf(repost.uri)])
  await bob.deleteRepost(repost.uri)
  const follow = await bob.follow(alice.did)
  expect(await keysIn(bob, 'app.bsky.graph.follow')).toEqual([keyOf(follow.uri)])
  await bob.deleteFollow(follow.uri)
  const createdAt = new Date().toISOString()
  const block = await bob.app.bsky.graph.block.create({ repo: bob.did }, { subject: alice.did, createdAt })
  expect(await keysIn(bob, 'app.bsky.graph.block')).toEqual([keyOf(block.uri)])

  await bob.upsertProfile((profile) => ({ ...profile, displayName: 'Bob' }))
  await bob.upsertProfile((profile) => ({ ...profile, description: 'of the test' }))
  const profile = await bob.app.bsky.actor.profile.get({ repo: bob.did, rkey: 'self' })
  expect(AppBskyActorProfile.isRecord(profile.value)).toBe(true)
  expect(profile.value).toMatchObject({ displayName: 'Bob', description: 'of the test' })

  await alice.deletePost(second.uri)
  await alice.deletePost(second.uri)
  expect(await keysIn(alice, 'app.bsky.feed.post')).toEqual([keyOf(first.uri)])
  const { data } = await bob.com.atproto.repo.describeRepo({ repo: 'bob.test' })
  expect(data.collections).toEqual(['app.bsky.actor.profile', 'app.bsky.graph.block'])
})

test('an Agent that logged in again goes on with its account', async () => {
  await using pds = await startPds()
  const alice = await signUp(pds, 'alice')
  const { uri } = await alice.post({ text: 'first' })
  const agent = new AtpAgent({ service: pds.url })

  await agent.login({ identifier: 'alice.test', password: 'password-of-alice' })
  await agent.com.atproto.repo.putRecord({
    repo: alice.did,
    collection: 'app.bsky.feed.post',
    rkey: keyOf(uri),
    record: { text: 'changed', createdAt: new Date().toISOString() },
  })

  const { value } = await alice.app.bsky.feed.post.get({ repo: alice.did, rkey: keyOf(uri) })
  expect(value.text).toBe('changed')
})

test('what an Agent wrote loads with the official repository library, verifies, and makes the same tree', async () => {
  await using pds = await startPds()
  const alice = await signUp(pds, 'alice')
  await alice.upsertProfile(() => ({ displayName: 'Alice' }))
  const posts = await Promise.all(Array.from({ length: 40 }, (_, i) => alice.post({ text: `post ${i}` })))
  await Promise.all(posts.slice(0, 10).map(({ uri }) => alice.deletePost(uri)))
  await Promise.all(posts.slice(10, 30).map(({ uri, cid }) => alice.like(uri, cid)))

  const { data: car } = await alice.com.atproto.sync.getRepo({ did: alice.did })

  const key = await signingKeyOf(pds.app.config.plcUrl, alice.did)
  const { creates, commit } = await verifyRepoCar(car, alice.did, key)
  const { data: head } = await alice.com.atproto.sync.getLatestCommit({ did: alice.did })
  expect({ cid: commit.cid.toString(), rev: commit.rev }).toEqual(head)
  expect(creates).toHaveLength(1 + 30 + 20)
  const { root, blocks } = await readCarWithRoot(car)
  const repo = await Repo.load(new MemoryBlockstore(blocks), root)
  let tree = await MST.create(new MemoryBlockstore())
  for (const { collection, rkey, cid } of creates) tree = await tree.add(`${collection}/${rkey}`, cid)
  expect((await tree.getPointer()).toString()).toBe(repo.commit.data.toString())
  for (const { uri, cid } of posts.slice(10)) {
    const got = await alice.com.atproto.repo.getRecord({
      repo: alice.did,
      collection: 'app.bsky.feed.post',
      rkey: keyOf(uri),
    })
    expect(got.data.cid).toBe(cid)
    expect(await repo.getRecord('app.bsky.feed.post', keyOf(uri))).toEqual(got.data.value)
  }
})
