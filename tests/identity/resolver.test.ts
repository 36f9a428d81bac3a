import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '#db/database.ts'
import { withHandle } from '#identity/plc-changes.ts'
import { PlcClient } from '#identity/plc-client.ts'
import { IdentityResolver } from '#identity/resolver.ts'
import { generateK256 } from '#keys/k256.ts'
import type { Did, Handle } from '#lexicon/strings.ts'
import { cacheMigrations } from '#migrations/cache.ts'
import { DAY, HOUR } from '#std/clock.ts'
import { createSafeFetch, FetchFailedError, type SafeFetch } from '#std/safe-fetch.ts'
import { TestClock } from '#tests/support/clock.ts'
import { startDns, type TestDns } from '#tests/support/dns.ts'
import { startPlc, type TestPlc } from '#tests/support/plc.ts'

const { key: signer } = generateK256()
const local = createSafeFetch({ userAgent: 'locus test', protection: true, allowLoopback: true })
const web = 'did:web:alice.example.com' as Did
const handle = 'alice.example.com' as Handle

/** A resolver beside a directory and a name server of its own. The hosts of the web are what the test makes them. */
class World implements AsyncDisposable {
  readonly clock = new TestClock()
  readonly hosts = new Map<string, () => Response | Promise<Response>>()
  readonly asked: string[] = []
  readonly client: PlcClient
  resolver: IdentityResolver
  private readonly directory = mkdtempSync(join(tmpdir(), 'locus-identity-'))
  readonly cache = openDatabase(join(this.directory, 'cache.sqlite'), {
    migrations: cacheMigrations,
    synchronous: 'NORMAL',
  })

  constructor(
    readonly plc: TestPlc,
    readonly dns: TestDns,
  ) {
    this.client = new PlcClient({ url: plc.url, fetch: local, timeoutMs: 300 })
    this.resolver = this.restarted()
  }

  restarted(): IdentityResolver {
    const { cache, clock, client, dns } = this
    const nameservers = [dns.address]
    return new IdentityResolver({
      cache,
      clock,
      plc: client,
      fetch: this.fetch,
      timeoutMs: 300,
      dev: false,
      nameservers,
    })
  }

  async createDid(): Promise<Did> {
    const account = {
      signingKey: signer.did,
      rotationKeys: [signer.did],
      handle: 'alice.test' as Handle,
      pds: 'https://pds.example.com',
    }
    return await this.client.createDid(account, signer)
  }

  async rename(did: Did, name: string): Promise<void> {
    const change = ({ alsoKnownAs }: { alsoKnownAs: readonly string[] }) => ({
      alsoKnownAs: withHandle(alsoKnownAs, name as Handle),
    })
    await this.client.update(did, change, signer)
  }

  /** Waits for what the resolver does behind the scenes. */
  async until(condition: () => Promise<boolean> | boolean): Promise<void> {
    const deadline = Date.now() + 2000
    while (!(await condition())) {
      if (Date.now() > deadline) throw new Error('it did not happen')
      await Bun.sleep(5)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.resolver[Symbol.dispose]()
    this.cache.close()
    rmSync(this.directory, { recursive: true })
    await this.plc[Symbol.asyncDispose]()
    await this.dns[Symbol.asyncDispose]()
  }

  private readonly fetch: SafeFetch = async (url) => {
    this.asked.push(`${url}`)
    const host = this.hosts.get(new URL(url).host)
    if (!host) throw new FetchFailedError('unknown-host', new URL(url).host, 'does not exist')
    return await host()
  }
}

async function startWorld(): Promise<World> {
  return new World(await startPlc(), await startDns())
}

test('a did:plc is resolved at the directory, and then from the cache', async () => {
  await using world = await startWorld()
  const did = await world.createDid()
  const before = world.plc.requests.length

  const first = await world.resolver.resolveDid(did)
  const second = await world.resolver.resolveDid(did)
  const afterRestart = await world.restarted().resolveDid(did)

  expect(first).toMatchObject({ id: did, alsoKnownAs: ['at://alice.test'] })
  expect([second, afterRestart]).toEqual([first, first])
  expect(world.plc.requests.length - before).toBe(1)
})

test('many who ask for one DID at once share one question', async () => {
  await using world = await startWorld()
  const did = await world.createDid()
  const before = world.plc.requests.length

  await Promise.all(Array.from({ length: 20 }, () => world.resolver.resolveDid(did)))

  expect(world.plc.requests.length - before).toBe(1)
})

test('an hour later the old answer is given, and a new one is fetched behind it', async () => {
  await using world = await startWorld()
  const did = await world.createDid()
  await world.resolver.resolveDid(did)
  await world.rename(did, 'bob.test')

  world.clock.advance(HOUR - 1)
  const young = await world.resolver.resolveDid(did)
  world.clock.advance(1)
  const stale = await world.resolver.resolveDid(did)
  await world.until(
    async () => (await world.resolver.resolveDid(did))?.alsoKnownAs?.toString() === 'at://bob.test',
  )

  expect([young, stale]).toMatchObject([
    { alsoKnownAs: ['at://alice.test'] },
    { alsoKnownAs: ['at://alice.test'] },
  ])
})

test('a day later the old answer is not given any more', async () => {
  await using world = await startWorld()
  const did = await world.createDid()
  await world.resolver.resolveDid(did)
  await world.rename(did, 'bob.test')
  world.clock.advance(DAY)

  expect(await world.resolver.resolveDid(did)).toMatchObject({ alsoKnownAs: ['at://bob.test'] })
})

test('a fresh answer is never an old one', async () => {
  await using world = await startWorld()
  const did = await world.createDid()
  await world.resolver.resolveDid(did)
  await world.rename(did, 'bob.test')

  expect(await world.resolver.resolveDid(did, { fresh: true })).toMatchObject({
    alsoKnownAs: ['at://bob.test'],
  })
  expect(await world.resolver.resolveDid(did)).toMatchObject({ alsoKnownAs: ['at://bob.test'] })
})

test('while the directory is down old answers are given until they are a day old', async () => {
  await using world = await startWorld()
  const did = await world.createDid()
  await world.resolver.resolveDid(did)
  await world.plc.become('down')

  world.clock.advance(DAY - 1)
  const kept = await world.resolver.resolveDid(did)
  const fresh = () => world.resolver.resolveDid(did, { fresh: true })
  await expect(fresh()).rejects.toMatchObject({ name: 'PlcUnavailableError', kind: 'upstream' })
  world.clock.advance(1)
  const expired = () => world.resolver.resolveDid(did)

  expect(kept).toMatchObject({ id: did })
  await expect(expired()).rejects.toMatchObject({ name: 'PlcUnavailableError' })
})

test('a DID that is gone is forgotten', async () => {
  await using world = await startWorld()
  const did = await world.createDid()
  await world.resolver.resolveDid(did)
  await world.client.tombstone(did, signer)

  expect(await world.resolver.resolveDid(did, { fresh: true })).toBeNull()
  await world.plc.become('down')
  await expect(world.resolver.resolveDid(did)).rejects.toMatchObject({ kind: 'upstream' })
})

test('what we changed ourselves can be forgotten at once', async () => {
  await using world = await startWorld()
  const did = await world.createDid()
  await world.resolver.resolveDid(did)
  await world.rename(did, 'bob.test')

  world.resolver.forget(did)

  expect(await world.resolver.resolveDid(did)).toMatchObject({ alsoKnownAs: ['at://bob.test'] })
})

test('an answer that comes late does not replace a newer one', async () => {
  await using world = await startWorld()
  const answers = [Promise.withResolvers<Response>(), Promise.withResolvers<Response>()] as const
  const queue = [...answers]
  world.hosts.set('alice.example.com', () => queue.shift()!.promise)
  const document = (name: string) => Response.json({ id: web, alsoKnownAs: [`at://${name}`] })

  const older = world.resolver.resolveDid(web, { fresh: true })
  const newer = world.resolver.resolveDid(web, { fresh: true })
  answers[1].resolve(document('new.test'))
  await newer
  answers[0].resolve(document('old.test'))
  await older

  expect(await world.resolver.resolveDid(web)).toMatchObject({ alsoKnownAs: ['at://new.test'] })
})

test('a did:web is resolved at its host', async () => {
  await using world = await startWorld()
  world.hosts.set('alice.example.com', () => new Response(JSON.stringify({ id: web, service: [] })))

  expect(await world.resolver.resolveDid(web)).toEqual({ id: web, service: [] })
  expect(world.asked).toEqual(['https://alice.example.com/.well-known/did.json'])
})

test.each([404, 410])('a host that says %i has no did:web', async (status) => {
  await using world = await startWorld()
  world.hosts.set('alice.example.com', () => new Response('', { status }))

  expect(await world.resolver.resolveDid(web)).toBeNull()
})

test.each<[string, () => Response]>([
  ['is in trouble', () => new Response('', { status: 500 })],
  ['does not let us in', () => new Response('', { status: 403 })],
  ['answers with a page', () => new Response('<!doctype html>')],
  ['answers with the document of another', () => Response.json({ id: 'did:web:mallory.example.com' })],
  ['answers with a list', () => Response.json([])],
  ['answers with null', () => Response.json(null)],
])('a host that %s tells nothing of its did:web', async (_, answer) => {
  await using world = await startWorld()
  world.hosts.set('alice.example.com', answer)

  await expect(world.resolver.resolveDid(web)).rejects.toMatchObject({
    kind: 'upstream',
    message: expect.stringContaining(web),
  })
})

test('a host that does not exist tells nothing of its did:web', async () => {
  await using world = await startWorld()

  await expect(world.resolver.resolveDid(web)).rejects.toMatchObject({ name: 'ResolutionFailedError' })
})

test.each([
  'did:web:alice.example.com:path',
  'did:web:alice.example.com%3A8443',
  'did:web:localhost%3A2583',
  'did:key:zQ3shqwJEJyMBsBXCWyCBpUBMqxcon9oHB7mCvx4sSpMdLJwc',
  'did:example:alice',
  'did:plc:short',
])('nobody is asked about %s', async (did) => {
  await using world = await startWorld()

  expect(await world.resolver.resolveDid(did as Did)).toBeNull()
  expect([...world.asked, ...world.plc.requests]).toEqual([])
})

test('in development a did:web may be of this machine', async () => {
  await using world = await startWorld()
  await using server = Bun.serve({
    port: 0,
    fetch: ({ url }) => Response.json({ id: `did:web:localhost%3A${new URL(url).port}` }),
  })
  const did = `did:web:localhost%3A${server.port}` as Did
  const { cache, clock, client } = world
  using resolver = new IdentityResolver({
    cache,
    clock,
    plc: client,
    fetch: local,
    timeoutMs: 300,
    dev: true,
  })

  expect(await resolver.resolveDid(did)).toEqual({ id: did })
})

test('a handle is resolved by DNS, and then from the cache', async () => {
  await using world = await startWorld()
  const did = await world.createDid()
  world.dns.records.set(`_atproto.${handle}`, [[`did=${did}`]])

  const first = await world.resolver.resolveHandle(handle)
  const second = await world.resolver.resolveHandle(handle)

  expect([first, second]).toEqual([did, did])
  expect(world.dns.asked).toHaveLength(1)
})

test('a fresh answer about a handle is asked for', async () => {
  await using world = await startWorld()
  const did = await world.createDid()
  world.dns.records.set(`_atproto.${handle}`, [[`did=${did}`]])
  await world.resolver.resolveHandle(handle)

  world.dns.records.set(`_atproto.${handle}`, [[`did=${web}`]])

  expect(await world.resolver.resolveHandle(handle)).toBe(did)
  expect(await world.resolver.resolveHandle(handle, { fresh: true })).toBe(web)
  world.dns.records.delete(`_atproto.${handle}`)
  expect(await world.resolver.resolveHandle(handle, { fresh: true })).toBeNull()
  expect(await world.resolver.resolveHandle(handle)).toBeNull()
})

test('a name server in trouble does not make a handle forgotten', async () => {
  await using world = await startWorld()
  const did = await world.createDid()
  world.dns.records.set(`_atproto.${handle}`, [[`did=${did}`]])
  await world.resolver.resolveHandle(handle)

  world.dns.records.set(`_atproto.${handle}`, 'server-failure')
  world.clock.advance(2 * HOUR)
  await world.resolver.resolveHandle(handle)
  await world.until(() => world.dns.asked.length >= 2)

  expect(await world.resolver.resolveHandle(handle)).toBe(did)
})

test('the cache forgets what is too old by itself', async () => {
  await using world = await startWorld()
  world.hosts.set('old.example.com', () => Response.json({ id: 'did:web:old.example.com' }))
  await world.resolver.resolveDid('did:web:old.example.com' as Did)
  world.clock.advance(2 * DAY)
  for (let i = 0; i < 260; i++) {
    world.hosts.set(`a${i}.example.com`, () => Response.json({ id: `did:web:a${i}.example.com` }))
    await world.resolver.resolveDid(`did:web:a${i}.example.com` as Did)
  }

  const rows = world.cache.query<{ did: string }, []>('SELECT did FROM did_document').all()

  expect(rows).toHaveLength(260)
  expect(rows).not.toContainEqual({ did: 'did:web:old.example.com' })
})

test('a damaged cache is asked around', async () => {
  await using world = await startWorld()
  const did = await world.createDid()
  await world.resolver.resolveDid(did)
  world.cache.run(`UPDATE did_document SET document = '{"id":"did:plc:another"}'`)

  expect(await world.resolver.resolveDid(did)).toMatchObject({ id: did })
})

test('the cache keeps the newest of very many rows', async () => {
  await using world = await startWorld()
  const now = world.clock.now()
  for (const table of ['did_document (did, document', 'handle (handle, did']) {
    world.cache.run(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25000)
       INSERT INTO ${table}, fetched_at) SELECT 'x' || i, '{}', ${now} - 25000 + i FROM n`,
    )
  }
  world.dns.records.set(`_atproto.${handle}`, [[`did=${web}`]])
  world.hosts.set('alice.example.com', () => Response.json({ id: web }))

  await world.resolver.resolveDid(web)
  await world.resolver.resolveHandle(handle)

  for (const [table, newest] of [
    ['did_document', web],
    ['handle', handle],
  ]) {
    const rows = world.cache.query<{ name: string }, []>(
      `SELECT ${table === 'handle' ? 'handle' : 'did'} AS name FROM ${table} ORDER BY fetched_at, rowid`,
    )
    const names = rows.all().map(({ name }) => name)
    expect(names).toHaveLength(20_000)
    expect(names.at(-1)).toBe(newest)
    expect(names[0]).toBe('x5002')
  }
})

test('a document beyond the usual size is not kept', async () => {
  await using world = await startWorld()
  world.hosts.set('alice.example.com', () => Response.json({ id: web, service: ['x'.repeat(20_000)] }))

  expect(await world.resolver.resolveDid(web)).toMatchObject({ id: web })
  await world.resolver.resolveDid(web)

  expect(world.asked).toHaveLength(2)
})

test('leave is asked for only when somebody else is', async () => {
  await using world = await startWorld()
  world.hosts.set('alice.example.com', () => Response.json({ id: web }))
  let isAllowed = true
  let asked = 0
  const permit = () => {
    asked++
    if (!isAllowed) throw new RangeError('no more')
  }

  await world.resolver.resolveDid(web, { permit })
  isAllowed = false
  const known = await world.resolver.resolveDid(web, { permit })
  const askedThen = asked
  await expect(world.resolver.resolveDid(web, { permit, fresh: true })).rejects.toThrow('no more')
  world.clock.advance(2 * HOUR)
  const stale = await world.resolver.resolveDid(web, { permit })

  expect([known?.id, stale?.id]).toEqual([web, web])
  expect(askedThen).toBe(1)
  expect(world.asked).toHaveLength(1)
})
