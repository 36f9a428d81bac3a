import { afterAll, expect, test } from 'bun:test'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { createSafeFetch, type SafeFetchSettings } from '#std/safe-fetch.ts'

const certificates = `${import.meta.dir}/../support/certificates`
const ca = await Bun.file(`${certificates}/ca.pem`).text()

/** Answers at https://good.host.com and https://other.host.com, and tells how it was asked. */
const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  tls: { key: Bun.file(`${certificates}/server.key`), cert: Bun.file(`${certificates}/server.pem`) },
  routes: {
    '/headers': (request) => Response.json(Object.fromEntries(request.headers)),
    '/echo': async (request) => new Response(`${request.method} ${await request.text()}`),
    '/missing': () => new Response('none', { status: 404 }),
    '/empty': () => new Response(null, { status: 204 }),
    '/redirect': (request) => Response.redirect(new URL(request.url).searchParams.get('to') ?? '', 302),
    '/loop': () => new Response(null, { status: 307, headers: { location: '/loop' } }),
    '/bytes': (request) => new Response(Buffer.alloc(Number(new URL(request.url).searchParams.get('count')))),
    '/unsized': () =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(new Uint8Array(10_000)),
        }),
      ),
    '/gzip': () => encoded('gzip', gzipSync('hello')),
    '/br': () => encoded('br', brotliCompressSync('hello')),
    '/deflate': () => encoded('deflate', deflateSync('hello')),
    '/bomb': () => encoded('gzip', gzipSync(Buffer.alloc(50_000_000))),
    '/zstd': () => encoded('zstd', Bun.zstdCompressSync('hello')),
    '/not-gzip': () => encoded('gzip', Buffer.from('hello')),
    '/hang': () => new Promise<Response>(() => {}),
    '/stall': () =>
      new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(Buffer.from('begin')),
          pull: () => new Promise(() => {}),
        }),
      ),
  },
})
afterAll(() => server.stop(true))

function encoded(encoding: string, body: Uint8Array): Response {
  return new Response(new Uint8Array(body), { headers: { 'content-encoding': encoding } })
}

const settings: SafeFetchSettings = {
  userAgent: 'locus test',
  protection: true,
  allowLoopback: false,
  ca,
  resolve: async () => ['127.0.0.1'],
  refuseAddress: () => null,
}
const safeFetch = createSafeFetch(settings)
const strict = createSafeFetch({
  userAgent: 'locus test',
  protection: true,
  allowLoopback: false,
  resolve: async () => ['8.8.8.8'],
})

function at(path: string, host = 'good.host.com'): string {
  return `https://${host}:${server.port}${path}`
}

test.each([
  ['http://good.host.com/', 'it is not https'],
  ['ftp://good.host.com/', 'ftp: is not https:'],
  ['file:///etc/passwd', 'file: is not https:'],
  ['data:text/plain,hello', 'data: is not https:'],
  ['https://user:secret@good.host.com/', 'the URL holds credentials'],
  ['https://user@good.host.com/', 'the URL holds credentials'],
  ['https://127.0.0.1/', 'it is an address, not a name'],
  ['https://8.8.8.8/', 'it is an address, not a name'],
  ['https://0x7f.1/', 'it is an address, not a name'],
  ['https://0177.0.0.1/', 'it is an address, not a name'],
  ['https://2130706433/', 'it is an address, not a name'],
  ['https://127.1/', 'it is an address, not a name'],
  ['https://①②⑦.0.0.1/', 'it is an address, not a name'],
  ['https://[::1]/', 'it is an address, not a name'],
  ['https://[::ffff:127.0.0.1]/', 'it is an address, not a name'],
  ['https://[2606:4700:4700::1111]/', 'it is an address, not a name'],
  ['https://localhost/', 'it is not a public host name'],
  ['https://intranet/', 'it is not a public host name'],
  ['https://good.host.com./', 'it is not a public host name'],
  ['https://a..host.com/', 'it is not a public host name'],
  ['https://metadata.google.internal/', 'names in .internal are not public'],
  ['https://printer.local/', 'names in .local are not public'],
  ['https://hidden.onion/', 'names in .onion are not public'],
  ['https://a.test/', 'names in .test are not public'],
  ['https://a.localhost/', 'names in .localhost are not public'],
  ['https://1.0.0.127.in-addr.arpa/', 'names in .arpa are not public'],
  ['not a url', 'it is not a URL'],
])('%s is refused: %s', async (url, why) => {
  const answer = strict(url)

  await expect(answer).rejects.toMatchObject({
    name: 'RefusedTargetError',
    kind: 'invalid',
    message: expect.stringContaining(why),
  })
})

test.each([
  [['127.0.0.1'], 'loopback'],
  [['8.8.8.8', '10.0.0.1'], 'private'],
  [['169.254.169.254'], 'link-local'],
  [['::ffff:192.168.0.1'], 'private'],
  [['fe80::1%eth0'], 'not an address'],
])('a name with the addresses %j is refused', async (addresses, why) => {
  const guarded = createSafeFetch({
    userAgent: 'locus test',
    protection: true,
    allowLoopback: true,
    resolve: async () => addresses,
  })

  const answer = guarded('https://rebinding.host.com/')

  await expect(answer).rejects.toMatchObject({
    name: 'RefusedTargetError',
    message: expect.stringContaining(`is not public (${why})`),
  })
})

test('a request to our own name is refused', async () => {
  const guarded = createSafeFetch({ ...settings, ownHostname: 'good.host.com' })

  const answer = guarded(at('/headers'))

  await expect(answer).rejects.toMatchObject({ message: expect.stringContaining('it is this server') })
})

test('the connection goes to the address that was checked, with the name in Host and TLS', async () => {
  const asked: string[] = []
  const guarded = createSafeFetch({
    ...settings,
    resolve: async (hostname) => {
      asked.push(hostname)
      return ['127.0.0.1']
    },
  })

  const response = await guarded(at('/headers'), { headers: { accept: 'application/json' } })

  expect(asked).toEqual(['good.host.com'])
  expect(await response.json()).toMatchObject({
    host: `good.host.com:${server.port}`,
    'user-agent': 'locus test',
    accept: 'application/json',
  })
})

test('a certificate for another name is refused, also over a connection that is open already', async () => {
  await (await safeFetch(at('/headers'))).text()

  const answer = safeFetch(at('/headers', 'wrong.host.com'))

  await expect(answer).rejects.toMatchObject({
    name: 'FetchFailedError',
    reason: 'certificate',
    kind: 'upstream',
  })
})

test('a certificate of an unknown authority is refused', async () => {
  const { ca: _, ...others } = settings

  const answer = createSafeFetch(others)(at('/headers'))

  await expect(answer).rejects.toMatchObject({ reason: 'certificate' })
})

test('the next address is tried when one refuses the connection', async () => {
  const guarded = createSafeFetch({ ...settings, resolve: async () => ['127.0.0.2', '127.0.0.1'] })

  const response = await guarded(at('/echo'), { method: 'POST', body: 'once' })

  expect(await response.text()).toBe('POST once')
})

test('an address of IPv4 is tried before one of IPv6', async () => {
  const guarded = createSafeFetch({ ...settings, resolve: async () => ['2001:db8::1', '127.0.0.1'] })

  const response = await guarded(at('/headers'))

  expect(response.status).toBe(200)
})

test('statuses and empty answers pass as they are', async () => {
  const missing = await safeFetch(at('/missing'))
  const empty = await safeFetch(at('/empty'))

  expect([missing.status, await missing.text()]).toEqual([404, 'none'])
  expect([empty.status, await empty.text()]).toEqual([204, ''])
})

test('a redirect is a failure unless asked for', async () => {
  const answer = () => safeFetch(at(`/redirect?to=${at('/headers')}`))
  const manual = await safeFetch(at(`/redirect?to=${at('/headers')}`), { redirect: 'manual' })

  await expect(answer()).rejects.toMatchObject({ reason: 'redirect' })
  expect(manual.status).toBe(302)
})

test('followed redirects are checked one by one', async () => {
  const follow = { redirect: 'follow' } as const
  const allowed = await safeFetch(at(`/redirect?to=${at('/headers', 'other.host.com')}`), follow)
  const plain = () => safeFetch(at(`/redirect?to=http://good.host.com:${server.port}/headers`), follow)
  const address = () => safeFetch(at('/redirect?to=https://127.0.0.1/'), follow)
  const endless = () => safeFetch(at('/loop'), follow)

  expect(await allowed.json()).toMatchObject({ host: `other.host.com:${server.port}` })
  await expect(plain()).rejects.toMatchObject({ name: 'RefusedTargetError' })
  await expect(address()).rejects.toMatchObject({ name: 'RefusedTargetError' })
  await expect(endless()).rejects.toMatchObject({ reason: 'redirect' })
})

test('credentials do not follow to another host', async () => {
  const headers = { authorization: 'Bearer secret' }
  const follow = { redirect: 'follow', headers } as const

  const same = await safeFetch(at('/redirect?to=/headers'), follow)
  const other = await safeFetch(at(`/redirect?to=${at('/headers', 'other.host.com')}`), follow)

  expect(await same.json()).toMatchObject(headers)
  expect(await other.json()).not.toHaveProperty('authorization')
})

test.each(['/gzip', '/br', '/deflate'])('%s is decompressed', async (path) => {
  const response = await safeFetch(at(path))

  expect(await response.text()).toBe('hello')
  expect(response.headers.get('content-encoding')).toBeNull()
})

test.each([
  ['/bytes?count=10001', 'declared'],
  ['/unsized', 'undeclared'],
  ['/bomb', 'compressed'],
])('%s: a body over the cap is refused, though %s', async (path) => {
  const answer = async () => (await safeFetch(at(path), { maxBytes: 10_000 })).text()

  await expect(answer()).rejects.toMatchObject({ reason: 'too-large', kind: 'upstream' })
})

test('a body of exactly the cap is taken', async () => {
  const response = await safeFetch(at('/bytes?count=10000'), { maxBytes: 10_000 })

  expect((await response.bytes()).length).toBe(10_000)
})

test.each(['/zstd', '/not-gzip'])(
  '%s: an encoding that cannot be read is a failure of theirs',
  async (path) => {
    const answer = async () => (await safeFetch(at(path))).text()

    await expect(answer()).rejects.toMatchObject({ reason: 'answer', kind: 'upstream' })
  },
)

test('an answer that does not come in time is given up', async () => {
  const answer = safeFetch(at('/hang'), { timeoutMs: 50 })

  await expect(answer).rejects.toMatchObject({ reason: 'timeout' })
})

test('a body that does not come in time is given up', async () => {
  const response = await safeFetch(at('/stall'), { timeoutMs: 2000, bodyTimeoutMs: 50 })

  await expect(response.text()).rejects.toMatchObject({ reason: 'timeout' })
})

test('a name server that does not answer in time is given up', async () => {
  const guarded = createSafeFetch({ ...settings, resolve: () => new Promise(() => {}) })

  await expect(guarded(at('/headers'), { timeoutMs: 50 })).rejects.toMatchObject({ reason: 'timeout' })
})

test('a caller can end a request, and gets its own reason back', async () => {
  const reason = new Error('left')

  const caller = new AbortController()
  const during = safeFetch(at('/hang'), { signal: caller.signal })
  caller.abort(reason)
  const after = () => safeFetch(at('/headers'), { signal: caller.signal })

  await expect(during).rejects.toBe(reason)
  await expect(after()).rejects.toBe(reason)
})

test.each([
  ['ENOTFOUND', 'unknown-host'],
  ['EAI_AGAIN', 'resolver'],
  ['ESERVFAIL', 'resolver'],
])('a name server that says %s: %s', async (code, reason) => {
  const guarded = createSafeFetch({
    ...settings,
    resolve: () => Promise.reject(Object.assign(new Error(code), { code })),
  })

  await expect(guarded(at('/headers'))).rejects.toMatchObject({ reason })
})

test('a closed port is a failure that names the host', async () => {
  const answer = safeFetch('https://good.host.com:1/')

  await expect(answer).rejects.toMatchObject({
    reason: 'unreachable',
    message: expect.stringContaining('good.host.com:1 cannot be reached'),
  })
})

test('development allows this machine, also without TLS, and no other', async () => {
  await using plain = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('here') })
  const development = createSafeFetch({ userAgent: 'locus test', protection: true, allowLoopback: true })

  const byName = await development(`http://localhost:${plain.port}/`)
  const byAddress = await development(`http://127.0.0.1:${plain.port}/`)

  expect([await byName.text(), await byAddress.text()]).toEqual(['here', 'here'])
  await expect(development('http://192.168.0.1/')).rejects.toMatchObject({ name: 'RefusedTargetError' })
})

test('a target of the operator may be any, within the limits', async () => {
  await using plain = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('0123456789') })
  const options = { chosenBy: 'operator', maxBytes: 5 } as const
  const url = `http://127.0.0.1:${plain.port}/`

  const answer = async () => (await strict(url, options)).text()

  await expect(answer()).rejects.toMatchObject({ reason: 'too-large' })
  await expect(strict('file:///etc/passwd', options)).rejects.toMatchObject({ name: 'RefusedTargetError' })
})

test('without protection strangers name any target', async () => {
  await using plain = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('here') })
  const unguarded = createSafeFetch({ userAgent: 'locus test', protection: false, allowLoopback: false })

  const response = await unguarded(`http://127.0.0.1:${plain.port}/`)

  expect(await response.text()).toBe('here')
})
