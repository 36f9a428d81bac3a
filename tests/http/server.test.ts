import { describe, expect, test } from 'bun:test'
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { com } from '#lexicon/index.ts'
import { TemporaryDirectory } from '#tests/support/directory.ts'
import { startPds } from '#tests/support/pds.ts'
import { rawHttp, rawHttpFrom } from '#tests/support/raw-http.ts'

const MAIN = '/xrpc/com.atproto.server.describeServer'

describe('the first page', () => {
  test('says what this is, and robots may come in', async () => {
    await using pds = await startPds()

    const root = await fetch(`${pds.url}/`)
    const robots = await fetch(`${pds.url}/robots.txt`)

    expect(root.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(await root.text()).toContain('This is an AT Protocol Personal Data Server')
    expect(await robots.text()).toContain('User-agent: *\nAllow: /')
  })

  test('that does not exist is not found', async () => {
    await using pds = await startPds()

    for (const path of ['/nothing', '/xrpc', '/oauth/none', '/.well-known/nothing']) {
      expect((await fetch(pds.url + path)).status).toBe(404)
    }
    expect((await fetch(`${pds.url}/`, { method: 'POST' })).status).toBe(404)
  })
})

describe('_health', () => {
  test('says the version', async () => {
    await using pds = await startPds()

    const response = await fetch(`${pds.url}/xrpc/_health`)

    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ version: pds.app.config.version })
  })

  test('says so when the database fails', async () => {
    await using pds = await startPds()
    const accounts = pds.app.accounts as unknown as { deps: { db: { close(): void } } }
    accounts.deps.db.close()

    const response = await fetch(`${pds.url}/xrpc/_health`)

    expect(response.status).toBe(503)
    expect(await response.json()).toEqual({ version: pds.app.config.version, error: 'Service Unavailable' })
  })
})

describe('atproto-did', () => {
  test('is the DID of the account whose handle is the host', async () => {
    await using pds = await startPds()
    const alice = await pds.createAccount('alice')
    const ask = async (host: string) => {
      const answer = await rawHttp(
        pds.server.port ?? 0,
        `GET /.well-known/atproto-did HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
      )
      return [answer?.status, answer?.body]
    }

    expect(await ask('alice.test')).toEqual([200, alice.did])
    expect(await ask('ALICE.test:8080')).toEqual([200, alice.did])
    for (const host of ['bob.test', 'alice.example', 'localhost', '127.0.0.1', 'test', 'a b']) {
      const [status] = await ask(host)
      expect(status === 404 || status === 400).toBe(true)
    }
  })
})

test('a front end may say at which host an account was asked for', async () => {
  await using pds = await startPds()
  await using far = await startPds({ config: { trustedProxies: [] } })
  const ask = async ({ url }: { url: string }) => {
    const headers = { 'x-forwarded-host': 'alice.test, proxy.example' }
    return (await fetch(`${url}/.well-known/atproto-did`, { headers })).text()
  }
  const { did } = await pds.createAccount('alice')
  await far.createAccount('alice')

  expect(await ask(pds)).toBe(did)
  expect(await ask(far)).toBe('User not found')
})

describe('a stranger', () => {
  const LIMITED = { enabled: true, bypassKey: null, bypassNetworks: [] }
  const config = { trustedProxies: ['127.0.0.1'], rateLimits: LIMITED }
  const stranger = '127.0.0.2'
  const hosts = ['localhost', 'abc', 'ab', 'a', '']

  test('is not believed where it comes from, whatever host it names', async () => {
    await using pds = await startPds({ config })
    const left = async (from: string, version: string, ...headers: string[]) => {
      const lines = [
        `GET ${MAIN} HTTP/${version}`,
        `X-Forwarded-For: ${from}`,
        'Connection: close',
        ...headers,
      ]
      const answer = await rawHttpFrom(stranger, pds.server.port ?? 0, `${lines.join('\r\n')}\r\n\r\n`)
      return Number(answer?.headers.get('ratelimit-remaining'))
    }

    const remaining = [await left('198.51.100.1', '1.0')]
    for (const [i, host] of hosts.entries())
      remaining.push(await left(`198.51.100.${i + 2}`, '1.1', `Host: ${host}`))

    expect(remaining).toEqual([2999, 2998, 2997, 2996, 2995, 2994])
  })

  test('is not taken for a front end, whatever host it names', async () => {
    await using pds = await startPds({ config })
    await pds.createAccount('alice')
    const ask = async (path: string, host: string) => {
      const head = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nX-Forwarded-Host: alice.test\r\nConnection: close\r\n\r\n`
      return (await rawHttpFrom(stranger, pds.server.port ?? 0, head))?.status
    }

    for (const host of hosts) {
      expect(await ask('/.well-known/atproto-did', host)).toBe(404)
      expect(await ask('/tls-check?domain=alice.test', host)).toBe(404)
    }
  })

  test('reaches methods with a body, whatever host it names', async () => {
    await using pds = await startPds()
    const body = '{"identifier":1}'
    const head = `POST /xrpc/${com.atproto.server.createSession.nsid} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`

    const answer = await rawHttp(pds.server.port ?? 0, head, body)

    expect(answer?.body).toContain('Expected string value type (got 1) at $.identifier')
  })
})

describe('did.json', () => {
  test('is the document of the server, at its own name only', async () => {
    await using pds = await startPds()

    const response = await fetch(`${pds.url}/.well-known/did.json`)
    const elsewhere = await fetch(`${pds.url}/.well-known/did.json`, { headers: { host: 'alice.test' } })

    expect(await response.json()).toEqual({
      '@context': ['https://www.w3.org/ns/did/v1'],
      id: pds.app.config.serviceDid,
      service: [{ id: '#atproto_pds', type: 'AtprotoPersonalDataServer', serviceEndpoint: pds.url }],
    })
    expect(elsewhere.status).toBe(404)
  })

  test('is not served under a DID that is not the host name', async () => {
    await using pds = await startPds({ config: { serviceDid: 'did:web:elsewhere.example' } })

    expect((await fetch(`${pds.url}/.well-known/did.json`)).status).toBe(404)
  })
})

describe('tls-check', () => {
  test('lets a front end have certificates for the server and the handles of its accounts', async () => {
    await using pds = await startPds()
    await pds.createAccount('alice')
    const check = async (query: string): Promise<object> => {
      const response = await fetch(`${pds.url}/tls-check${query}`)
      const body = (await response.json()) as object
      return { status: response.status, ...body }
    }

    expect(await check('?domain=localhost')).toEqual({ status: 200, success: true })
    expect(await check('?domain=alice.test')).toEqual({ status: 200, success: true })
    expect(await check('?domain=bob.test')).toMatchObject({ status: 404, error: 'NotFound' })
    expect(await check('?domain=example.com')).toMatchObject({ status: 400, error: 'InvalidRequest' })
    expect(await check('')).toMatchObject({ status: 400, error: 'InvalidRequest' })
  })

  test('is not for strangers', async () => {
    await using pds = await startPds()

    const passedOn = await fetch(`${pds.url}/tls-check?domain=localhost`, {
      headers: { 'x-forwarded-for': '198.51.100.1' },
    })

    expect(passedOn.status).toBe(404)
  })
})

describe('the mail page', () => {
  test('shows the mails that a development server has caught, as text', async () => {
    await using pds = await startPds()
    await pds.app.mailCatcher.deliver({
      kind: 'confirm-email',
      did: null,
      to: 'alice@example.com',
      subject: '<b>Confirm</b>',
      text: 'Your code is ABCDE-FGHIJ',
      code: 'ABCDE-FGHIJ',
    } as never)

    const response = await fetch(`${pds.url}/mail`)
    const html = await response.text()

    expect(html).toContain('&lt;b&gt;Confirm&lt;/b&gt;')
    expect(html).toContain('ABCDE-FGHIJ')
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
  })

  test('and the directory are only for those who name this machine', async () => {
    await using pds = await startPds()
    const directory = Number(new URL(pds.app.config.plcUrl).port)
    const ask = async (port: number, path: string, host: string) =>
      (await rawHttp(port, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`))?.status

    for (const host of ['localhost:3000', '127.0.0.1', '[::1]:1', 'LOCALHOST']) {
      expect(await ask(pds.server.port ?? 0, '/mail', host)).toBe(200)
      expect(await ask(directory, '/_health', host)).toBe(200)
    }
    for (const host of ['rebound.example', 'alice.test', 'localhost.example', 'a', '']) {
      expect(await ask(pds.server.port ?? 0, '/mail', host)).toBe(404)
      expect(await ask(directory, '/_health', host)).toBe(403)
    }
  })

  test('does not exist in production', async () => {
    await using pds = await startPds({ config: { dev: false } })

    expect((await fetch(`${pds.url}/mail`)).status).toBe(404)
  })
})

describe('the operator', () => {
  test('has a socket that nobody else can open', async () => {
    await using pds = await startPds()

    expect(statSync(pds.app.layout.adminSocket).mode & 0o777).toBe(0o600)
  })

  test('finds it again after a server was killed', async () => {
    using directory = new TemporaryDirectory()
    writeFileSync(join(directory.path, 'admin.sock'), '')

    await using pds = await startPds({ data: directory.path })

    const response = await fetch(`http://locus${MAIN}`, { unix: pds.app.layout.adminSocket })
    expect(response.status).toBe(200)
  })
})

test('a server listens on a Unix socket where it is told to', async () => {
  using directory = new TemporaryDirectory()
  const path = join(directory.path, 'http.sock')

  await using _pds = await startPds({ config: { listen: { kind: 'unix', path } } })

  expect((await fetch(`http://locus${MAIN}`, { unix: path })).status).toBe(200)
  expect(statSync(path).mode & 0o777).toBe(0o660)
})

test('a development server serves its PLC directory beside', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')

  const document = await fetch(`${pds.app.config.plcUrl}/${alice.did}`)

  expect(await document.json()).toMatchObject({ id: alice.did, alsoKnownAs: ['at://alice.test'] })
})

test('a port that is taken stops the start and leaves no listener behind', async () => {
  await using pds = await startPds()
  const { port } = pds.app.config

  const second = startPds({ config: { port } })

  await expect(second).rejects.toThrow(/EADDRINUSE|in use/)
})

describe('a server that stops', () => {
  test('answers what is under way and takes nothing more', async () => {
    await using pds = await startPds()
    const url = pds.url
    const slow = pds.call('com.atproto.server.createAccount', {
      handle: 'alice.test',
      email: 'alice@example.com',
      password: 'a password',
    })
    await Bun.sleep(5) // its password is being hashed, for some 50 ms

    await pds.server.stop()

    expect((await slow).handle).toBe('alice.test')
    await expect(fetch(url + MAIN)).rejects.toThrow()
  })

  test('does not wait longer than it was told to', async () => {
    await using pds = await startPds({ config: { drainTimeoutMs: 50 } })
    const socket = await Bun.connect({
      hostname: '127.0.0.1',
      port: pds.server.port ?? 0,
      socket: { data() {} },
    })
    socket.write(
      `POST /xrpc/${com.atproto.server.createSession.nsid} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
    )
    await Bun.sleep(20)

    const began = performance.now()
    await pds.server.stop()

    expect(performance.now() - began).toBeLessThan(2000)
    socket.terminate()
  })

  test('does not wait for the rest of bodies that were refused', async () => {
    for (let round = 0; round < 5; round++) {
      await using pds = await startPds()
      const refused = await fetch(`${pds.url}/xrpc/${com.atproto.server.createSession.nsid}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ identifier: 'x'.repeat(400_000), password: '' }),
      })
      expect(refused.status).toBe(413)
      await refused.body?.cancel()

      const began = performance.now()
      await pds.server.stop()

      expect(performance.now() - began).toBeLessThan(5000)
    }
  })
})
