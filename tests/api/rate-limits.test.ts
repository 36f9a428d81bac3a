import { describe, expect, test } from 'bun:test'
import { limits } from '#ratelimit/limits.ts'
import { MINUTE } from '#std/clock.ts'
import { configureLog } from '#telemetry/log.ts'
import { TestClock } from '#tests/support/clock.ts'
import { type Pds, startPds } from '#tests/support/pds.ts'

const LIMITED = { enabled: true, bypassKey: 'let me in', bypassNetworks: [] }
const SESSION = 'com.atproto.server.createSession'

function logIn(pds: Pds, identifier: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${pds.url}/xrpc/${SESSION}`, {
    method: 'POST',
    body: JSON.stringify({ identifier, password: 'x'.repeat(600) }), // refused at once: too long
    headers: { 'content-type': 'application/json', ...headers },
  })
}

function numbersOf({ headers }: Response) {
  return {
    limit: headers.get('ratelimit-limit'),
    remaining: headers.get('ratelimit-remaining'),
    policy: headers.get('ratelimit-policy'),
  }
}

describe('limits', () => {
  test('of log-ins count failures, by account and address', async () => {
    await using pds = await startPds({ config: { rateLimits: LIMITED } })

    const first = await logIn(pds, 'alice.test')
    for (let i = 1; i < 30; i++) await logIn(pds, ' Alice.TEST ')
    const refused = await logIn(pds, 'alice.test')

    expect(first.status).toBe(401)
    expect(numbersOf(first)).toEqual({ limit: '30', remaining: '29', policy: '30;w=300' })
    const resetInSeconds = Number(first.headers.get('ratelimit-reset')) - Date.now() / 1000
    expect(Math.abs(resetInSeconds - 300)).toBeLessThan(5)
    expect(refused.status).toBe(429)
    expect(await refused.json()).toEqual({ error: 'RateLimitExceeded', message: 'Rate Limit Exceeded' })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(290)
    expect((await logIn(pds, 'bob.test')).status).toBe(401)
    expect((await logIn(pds, 'alice.test', { 'x-forwarded-for': '198.51.100.7' })).status).toBe(401)
  })

  test('of log-ins count one account by whatever name it goes, but do not tell whose a mail address is', async () => {
    await using pds = await startPds({ config: { rateLimits: LIMITED } })
    const { did, email } = await pds.createAccount('alice')
    const left = async (identifier: string) => numbersOf(await logIn(pds, identifier)).remaining

    const byName = [await left('alice.test'), await left(did), await left('ALICE.test')]
    const byMail = [await left(email), await left(email.toUpperCase())]

    expect(byName).toEqual(['29', '28', '27'])
    expect(byMail).toEqual(['29', '28'])
  })

  test('of log-ins remember no text of the caller', async () => {
    await using pds = await startPds({ config: { rateLimits: LIMITED } })
    const keys: string[] = []
    const { rateLimits } = pds.app
    const take = rateLimits.take.bind(rateLimits)
    rateLimits.take = (limit, key, points) => {
      keys.push(key)
      return take(limit, key, points)
    }

    const long = await logIn(pds, 'x'.repeat(2048))
    const tooLong = await logIn(pds, 'x'.repeat(100_000))

    expect([long.status, tooLong.status]).toEqual([401, 401])
    expect(numbersOf(long).remaining).toBe('29')
    expect(numbersOf(tooLong).limit).toBe('300') // by address alone
    expect(Math.max(...keys.map((key) => key.length))).toBeLessThan(100)
  })

  test('let those pass who know the key, and tell them nothing', async () => {
    await using pds = await startPds({ config: { rateLimits: LIMITED } })
    for (let i = 0; i < 30; i++) await logIn(pds, 'alice.test')

    const known = await logIn(pds, 'alice.test', { 'x-ratelimit-bypass': 'let me in' })
    const unknown = await logIn(pds, 'alice.test', { 'x-ratelimit-bypass': 'let me out' })

    expect([known.status, known.headers.get('ratelimit-limit')]).toEqual([401, null])
    expect(unknown.status).toBe(429)
  })

  test('of writes count a create 3, an update 2 and a delete 1, by account', async () => {
    await using pds = await startPds({ config: { rateLimits: LIMITED } })
    const alice = await pds.createAccount('alice')
    const write = async (method: string, input: object) => {
      const response = await fetch(`${pds.url}/xrpc/com.atproto.repo.${method}`, {
        method: 'POST',
        body: JSON.stringify({ repo: alice.did, collection: 'com.example.thing', ...input }),
        headers: { 'content-type': 'application/json', authorization: `Bearer ${alice.accessJwt}` },
      })
      expect(response.status).toBe(200)
      return Number(response.headers.get('ratelimit-remaining'))
    }
    const rkey = { rkey: 'a' }

    // the global limit of 3000 is the tighter one, and so the one that is told
    const left = () => pds.app.rateLimits.take(writes, alice.did, 0).remaining
    const [writes] = limits['repo-write']
    await write('createRecord', { ...rkey, record: {} })
    expect(left()).toBe(4997)
    await write('putRecord', { ...rkey, record: { a: 1 } })
    expect(left()).toBe(4995)
    await write('deleteRecord', rkey)
    expect(left()).toBe(4994)
    const create = {
      $type: 'com.atproto.repo.applyWrites#create',
      collection: 'com.example.thing',
      value: {},
    }
    await write('applyWrites', { writes: [create, create] })
    expect(left()).toBe(4988)
  })

  test('of writes count input that is refused, and refuse it unread in the end', async () => {
    await using pds = await startPds({ config: { rateLimits: LIMITED } })
    const alice = await pds.createAccount('alice')
    const [writes] = limits['repo-write']
    const create = (body: string) =>
      fetch(`${pds.url}/xrpc/com.atproto.repo.createRecord`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', authorization: `Bearer ${alice.accessJwt}` },
      })
    const left = () => pds.app.rateLimits.take(writes, alice.did, 0).remaining

    const bad = await create('{"repo":1}')
    const broken = await create('{"repo"')
    const leftThen = left()
    pds.app.rateLimits.take(writes, alice.did, leftThen)
    const exhausted = await create('{"repo"')

    expect([bad.status, broken.status, exhausted.status]).toEqual([400, 400, 429])
    expect(leftThen).toBe(4998)
  })

  test('of all calls go by address, and leave getRepo to its own', async () => {
    await using pds = await startPds({ config: { rateLimits: LIMITED } })
    const describe = `${pds.url}/xrpc/com.atproto.server.describeServer`
    const getRepo = `${pds.url}/xrpc/com.atproto.sync.getRepo?did=did:plc:${'a'.repeat(24)}`

    const other = await fetch(describe)
    const repo = await fetch(getRepo)
    const again = await fetch(describe)

    expect(numbersOf(other)).toEqual({ limit: '3000', remaining: '2999', policy: '3000;w=300' })
    expect(numbersOf(repo)).toEqual({ limit: '6000', remaining: '5999', policy: '6000;w=300' })
    expect(numbersOf(again).remaining).toBe('2998')
  })

  test('of look-ups at other servers leave what is known here free', async () => {
    await using pds = await startPds({ config: { rateLimits: LIMITED } })
    const { did } = await pds.createAccount('alice')
    const resolve = (handle: string, headers: Record<string, string> = {}) =>
      fetch(`${pds.url}/xrpc/com.atproto.identity.resolveHandle?handle=${handle}`, { headers })

    for (let i = 0; i < 301; i++) expect((await resolve('alice.test')).status).toBe(200)
    for (let i = 0; i < 300; i++) expect((await resolve(`nobody-${i}.example`)).status).toBe(400)
    const refused = await resolve('one-more.example')
    const elsewhere = await resolve('one-more.example', { 'x-forwarded-for': '198.51.100.7' })

    expect([refused.status, elsewhere.status]).toEqual([429, 400])
    expect(await (await resolve('alice.test')).json()).toEqual({ did })
  })

  test('do not count the operator at the socket, and nobody where they are off', async () => {
    await using limited = await startPds({ config: { rateLimits: LIMITED } })
    await using free = await startPds({ config: { rateLimits: { ...LIMITED, enabled: false } } })
    const path = '/xrpc/com.atproto.server.describeServer'

    const bySocket = await fetch(`http://locus${path}`, { unix: limited.app.layout.adminSocket })
    const unlimited = await fetch(free.url + path)

    expect(bySocket.headers.get('ratelimit-limit')).toBeNull()
    expect(unlimited.headers.get('ratelimit-limit')).toBeNull()
  })
})

describe('guesses at the admin password', () => {
  const PUBLIC = `com.atproto.sync.getRepo?did=did:plc:${'a'.repeat(24)}`
  const OPERATORS = 'com.atproto.admin.getInviteCodes'

  function call(pds: Pds, path: string, password: string, headers: Record<string, string> = {}) {
    const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`
    return fetch(`${pds.url}/xrpc/${path}`, { headers: { authorization, ...headers } })
  }

  for (const path of [OPERATORS, PUBLIC]) {
    test(`are stopped by address, at ${path.split('?')[0]}`, async () => {
      await using pds = await startPds({ config: { rateLimits: LIMITED } })
      const { adminPassword } = pds.app.config.secrets
      const first = await call(pds, path, 'guess 0')
      for (let i = 1; i < 30; i++) await call(pds, path, `guess ${i}`)

      const guess = await call(pds, path, 'guess 30')
      const right = await call(pds, path, adminPassword)
      const elsewhere = await call(pds, path, adminPassword, { 'x-forwarded-for': '198.51.100.7' })

      expect([first.status, numbersOf(first).remaining]).toEqual([401, '29'])
      expect([guess.status, right.status]).toEqual([429, 429])
      expect([401, 429]).not.toContain(elsewhere.status)
    })
  }

  test('are logged with the address, and so is the right one from time to time', async () => {
    const clock = new TestClock(Date.now())
    await using pds = await startPds({ clock })
    const { adminPassword } = pds.app.config.secrets
    const lines: string[] = []
    configureLog({ level: 'info', format: 'json', write: (line) => void lines.push(line) })
    const from = { 'x-forwarded-for': '198.51.100.7' }

    await call(pds, OPERATORS, 'guess', from)
    for (let i = 0; i < 3; i++) await call(pds, OPERATORS, adminPassword, from)
    clock.advance(10 * MINUTE)
    await call(pds, OPERATORS, adminPassword, from)
    configureLog({ level: 'silent', write: (line) => void process.stderr.write(line) })

    const about = lines.map((line) => JSON.parse(line)).filter(({ room }) => room === 'auth')
    const address = '198.51.100.7'
    expect(about.map(({ level, message, address: a }) => [level, message, a])).toEqual([
      ['warn', 'wrong admin password', address],
      ['info', 'admin password used', address],
      ['info', 'admin password used', address],
    ])
    expect(lines.join()).not.toContain(adminPassword)
    expect(lines.join()).not.toContain('guess')
  })
})
