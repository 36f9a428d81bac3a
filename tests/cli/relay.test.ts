/** `locus relay`, as an operator uses it. */
import { expect, test } from 'bun:test'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { TemporaryDirectory } from '#tests/support/directory.ts'
import { type LocusServer, locus, startLocus } from '#tests/support/locus.ts'
import { startPlc, type TestPlc } from '#tests/support/plc.ts'
import { startRelay, type TestRelay } from '#tests/support/relay.ts'
import { until } from '#tests/support/until.ts'

test('relay status shows what the relay knows, the same through every door', async () => {
  await using world = await World.create()
  await using server = await world.start()
  const did = await world.createAccount(server)
  const seq = world.relay.host().lastSeq

  const { exitCode, stdout } = await server.run('relay', 'status')
  const json = JSON.parse((await server.run('relay', 'status', '--json')).stdout)
  const network = await locus(['relay', 'status', '--json', ...remotely(server)])

  expect(exitCode).toBe(0)
  expect(stdout.split('\t').slice(0, 7)).toEqual([
    world.relay.url,
    'listening',
    'active',
    `${seq}`,
    `${seq}`,
    '1',
    '1',
  ])
  expect(json).toMatchObject([{ relay: world.relay.url, relaySeq: seq, seq, crawlResult: 'accepted' }])
  expect(JSON.parse(network.stdout)).toEqual(json)
  world.relay.account(did).upstream = 'deactivated'
  expect((await server.run('relay', 'status', '--accounts', '-q')).stdout).toBe('')
})

test('relay status says why a relay does not answer', async () => {
  await using world = await World.create()
  await world.relay.become('failing')
  await using server = await world.start()

  const { exitCode, stdout } = await server.run('relay', 'status', '--json')

  expect(exitCode).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject([
    { finding: 'silent', status: null, message: '503 Service Unavailable' },
  ])
})

test('without relays there is nothing to show, and a note of what to set', async () => {
  await using server = await startLocus()

  const shown = await server.run('relay', 'status')
  const crawled = await server.run('relay', 'crawl')
  const healed = await server.run('relay', 'heal', '--yes')

  for (const { exitCode, stdout, stderr } of [shown, crawled, healed]) {
    expect(exitCode).toBe(0)
    expect(stdout).toBe('')
    expect(stderr).toContain('set crawlers')
  }
})

test('relay crawl asks the relays of the configuration, or those that are named', async () => {
  await using world = await World.create()
  await using server = await world.start()
  await until(() => world.relay.count('requestCrawl') === 1)
  await using other = startRelay({ plcUrl: world.plc.url })

  const configured = await server.run('relay', 'crawl')
  const named = await server.run('relay', 'crawl', other.url)

  expect(configured).toMatchObject({ exitCode: 0, stdout: `${world.relay.url}\ttrue\t200\t\n` })
  expect(named).toMatchObject({ exitCode: 0, stdout: `${other.url}\ttrue\t200\t\n` })
  expect(world.relay.count('requestCrawl')).toBe(2)
  expect(other.host().hostname).toBe(world.host)
})

test('relay crawl fails with what the relays said', async () => {
  await using world = await World.create()
  await using server = await world.start()
  await until(() => world.relay.hosts.has(world.host))
  world.relay.host().status = 'banned'
  await using down = startRelay({ plcUrl: world.plc.url })
  await down.become('down')

  const refused = await server.run('relay', 'crawl', '--json')
  const unreachable = await server.run('relay', 'crawl', down.url)
  const nonsense = await server.run('relay', 'crawl', 'not a relay')

  expect(refused.exitCode).toBe(7)
  expect(JSON.parse(refused.stdout)).toMatchObject([{ ok: false, status: 401 }])
  expect(refused.stdout).toContain('host domain is banned')
  expect(unreachable.exitCode).toBe(7)
  expect(nonsense.exitCode).toBe(2)
  expect(nonsense.stderr).toContain('not the URL of a service')
})

test('relay heal shows what it would do, and does it with --yes', async () => {
  await using world = await World.create()
  await using server = await world.start()
  const did = await world.createAccount(server)
  world.relay.account(did).upstream = 'deactivated'
  const before = world.relay.passed.length

  const dry = await server.run('relay', 'heal', '--json')
  const untouched = world.relay.passed.length - before
  const healed = await server.run('relay', 'heal', '--yes', '--json')
  await until(() => world.relay.account(did).upstream === 'active')
  const both = await server.run('relay', 'heal', '--yes', '--dry-run')

  const account = { subject: did, handle: 'alice.test', relay: world.relay.url, finding: 'inactive' }
  expect(dry.exitCode).toBe(0)
  expect(JSON.parse(dry.stdout)).toMatchObject([
    { subject: world.relay.url, finding: 'listening', action: 'none' },
    { ...account, action: 'announce' },
  ])
  expect(dry.stderr).toContain('nothing was done: add --yes to do it')
  expect(untouched).toBe(0)
  expect(JSON.parse(healed.stdout)).toMatchObject([{ action: 'none' }, { ...account, action: 'announced' }])
  expect(both.exitCode).toBe(2)
  const accounts = await server.run('relay', 'status', '--accounts', '--json')
  expect(JSON.parse(accounts.stdout)).toMatchObject([{ did, announced: 1, finding: 'inactive' }])
})

test('relay heal works on a restored backup before its server starts', async () => {
  await using world = await World.create()
  using data = new TemporaryDirectory()
  using backup = new TemporaryDirectory()
  const first = await world.start(data.path)
  const did = await world.createAccount(first)
  await first.stop()
  cpSync(data.path, backup.path, { recursive: true })
  const second = await world.start(data.path)
  await world.post(second, did)
  await until(() => world.relay.account(did).repo?.rev === world.lastRev)
  await second.stop()
  rmSync(data.path, { recursive: true })
  cpSync(backup.path, data.path, { recursive: true })
  const relaySeq = world.relay.host().lastSeq
  await until(() => world.relay.host().status === 'offline')
  world.relay.host().status = 'active'

  const dry = await locus(['relay', 'heal', '--json', '--data', data.path], { env: world.env })
  const healed = await locus(['relay', 'heal', '--yes', '--json', '--data', data.path], { env: world.env })
  await using _ = await world.start(data.path)
  await until(() => (world.relay.account(did).repo?.rev ?? '') > world.lastRev)

  expect(JSON.parse(dry.stdout)).toMatchObject([
    { subject: world.relay.url, finding: 'ahead', action: 'jump' },
    { subject: did, finding: 'ahead', action: 'announce' },
  ])
  expect(JSON.parse(healed.stdout)).toMatchObject([{ action: 'jump' }, { action: 'announced' }])
  expect(JSON.parse(healed.stdout)[0].to).toBeGreaterThan(relaySeq)
  expect(world.relay.host()).toMatchObject({ turnedAway: 0, status: 'active' })
  expect(world.relay.dropped).toEqual([])
})

/** A relay, a directory, and servers that take the same name one after the other. */
class World implements AsyncDisposable {
  /** of the last commit that was answered */
  lastRev = ''
  private readonly port = freePort()

  private constructor(
    readonly plc: TestPlc,
    readonly relay: TestRelay,
  ) {}

  static async create(): Promise<World> {
    const plc = await startPlc()
    return new World(plc, startRelay({ plcUrl: plc.url }))
  }

  get host(): string {
    return `localhost:${this.port}`
  }

  get env(): Record<string, string> {
    return { LOCUS_CRAWLERS: this.relay.url, LOCUS_PLC_URL: this.plc.url, LOCUS_PORT: `${this.port}` }
  }

  async start(data?: string): Promise<LocusServer> {
    return await startLocus({ args: ['--dev'], env: this.env, ...(data !== undefined && { data }) })
  }

  /** Makes the account alice.test, and waits until the relay has it. @returns its DID */
  async createAccount(server: LocusServer): Promise<string> {
    const { did } = await call(server, 'com.atproto.server.createAccount', {
      handle: 'alice.test',
      email: 'alice@example.com',
      password: PASSWORD,
    })
    await until(() => this.relay.accounts.get(did)?.repo !== undefined)
    const { seq } = JSON.parse((await server.run('status', '--json')).stdout)
    await until(() => this.relay.host().lastSeq === seq)
    return did
  }

  async post(server: LocusServer, repo: string): Promise<void> {
    const { accessJwt } = await call(server, 'com.atproto.server.createSession', {
      identifier: repo,
      password: PASSWORD,
    })
    const record = { $type: 'app.bsky.feed.post', text: 'lost', createdAt: new Date().toISOString() }
    const collection = 'app.bsky.feed.post'
    const { commit } = await call(
      server,
      'com.atproto.repo.createRecord',
      { repo, collection, record },
      accessJwt,
    )
    this.lastRev = commit.rev
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.relay[Symbol.asyncDispose]()
    await this.plc[Symbol.asyncDispose]()
  }
}

const PASSWORD = 'correct horse'

async function call(server: LocusServer, method: string, input: object, token?: string) {
  const response = await fetch(`${server.url}/xrpc/${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(input),
  })
  if (!response.ok) throw new Error(`${method}: ${response.status} ${await response.text()}`)
  return (await response.json()) as { did: string; accessJwt: string; commit: { rev: string } }
}

function remotely(server: LocusServer): string[] {
  return ['--url', server.url, '--admin-password-file', join(server.data, 'secrets', 'admin-password')]
}

function freePort(): number {
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() })
  const { port } = server
  void server.stop(true)
  if (port === undefined) throw new Error('no port')
  return port
}
