import { describe, expect, test } from 'bun:test'
import { brotliCompressSync, deflateSync } from 'node:zlib'
import { anyone } from '#auth/policies.ts'
import { com } from '#lexicon/index.ts'
import { DomainError } from '#std/errors.ts'
import { configureLog } from '#telemetry/log.ts'
import { type Pds, startPds } from '#tests/support/pds.ts'
import { rawHttp } from '#tests/support/raw-http.ts'
import { serveMethods } from '#tests/support/xrpc-server.ts'
import { Patience } from '#xrpc/body-pace.ts'
import { implement } from '#xrpc/implement.ts'

const DESCRIBE = '/xrpc/com.atproto.server.describeServer'
const CREATE_SESSION = '/xrpc/com.atproto.server.createSession'

function describeServer(handle: () => object | Promise<object>) {
  return implement(com.atproto.server.describeServer, {
    auth: anyone,
    handle: async () => ({ did: 'did:web:test', availableUserDomains: [], ...(await handle()) }),
  })
}

const blob = {
  $type: 'blob',
  ref: { $link: 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku' },
} as const

/** Counts the bytes that it is given. `began` and `ended` tell of each call, the latter its bytes or what went wrong. */
function uploadBlob({
  began = () => {},
  ended = () => {},
}: {
  began?(): void
  ended?(outcome: unknown): void
} = {}) {
  return implement(com.atproto.repo.uploadBlob, {
    auth: anyone,
    bodyLimit: 1000,
    async handle({ input }) {
      began()
      let size = 0
      try {
        for await (const chunk of input.stream) size += chunk.length
        ended(size)
      } catch (error) {
        ended(error)
        throw error
      }
      return { blob: { ...blob, mimeType: input.encoding, size } }
    },
  })
}

function errorOf(response: Response): Promise<{ error: string; message: string }> {
  return response.json() as Promise<{ error: string; message: string }>
}

describe('CORS', () => {
  test('a preflight request is answered with the headers it asks for', async () => {
    await using pds = await startPds()

    const response = await fetch(pds.url + CREATE_SESSION, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://app.example',
        'access-control-request-headers': 'authorization,content-type',
      },
    })

    expect(response.status).toBe(204)
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(response.headers.get('access-control-allow-headers')).toBe('authorization,content-type')
    expect(response.headers.get('access-control-allow-methods')).toContain('POST')
    expect(response.headers.get('access-control-max-age')).toBe('86400')
    expect(response.headers.get('access-control-allow-credentials')).toBeNull()
  })

  test('a preflight request is told no more than names of headers', async () => {
    await using pds = await startPds()
    const ask = async (wanted: string) => {
      const lines = [
        `OPTIONS ${CREATE_SESSION} HTTP/1.1`,
        'Host: localhost',
        `Access-Control-Request-Headers: ${wanted}`,
        'Connection: close',
      ]
      const answer = await rawHttp(
        pds.server.port ?? 0,
        Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'),
      )
      return [answer?.status, answer?.headers.get('access-control-allow-headers')]
    }

    expect(await ask('DPoP, x-My_Header.1')).toEqual([204, 'DPoP, x-My_Header.1'])
    for (const wanted of ['<script>', 'a\u00e9', 'a"b', 'a;b', 'a\tb']) {
      expect(await ask(wanted)).toEqual([204, undefined])
    }
  })

  test('pages may read answers and errors, and the headers that clients need', async () => {
    await using pds = await startPds()

    for (const path of [DESCRIBE, CREATE_SESSION, '/xrpc/com.example.unknown']) {
      const { headers } = await fetch(pds.url + path)

      expect(headers.get('access-control-allow-origin')).toBe('*')
      const exposed = headers.get('access-control-expose-headers') ?? ''
      for (const name of [
        'DPoP-Nonce',
        'WWW-Authenticate',
        'Atproto-Repo-Rev',
        'RateLimit-Limit',
        'Retry-After',
      ]) {
        expect(exposed).toContain(name)
      }
    }
  })
})

describe('HEAD', () => {
  test('says of a query what GET would, without the body', async () => {
    await using pds = await startPds()
    const got = await fetch(pds.url + DESCRIBE)
    const length = (await got.text()).length

    const response = await fetch(pds.url + DESCRIBE, { method: 'HEAD' })

    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(response.headers.get('content-length')).toBe(String(length))
    expect(response.headers.get('etag')).toBe(got.headers.get('etag'))
    expect(await response.text()).toBe('')
  })

  test('is refused for a procedure', async () => {
    await using pds = await startPds()

    const response = await fetch(pds.url + CREATE_SESSION, { method: 'HEAD' })

    expect(response.status).toBe(400)
  })
})

describe('an answer', () => {
  test('is not sent again to a client that has it', async () => {
    await using pds = await startPds()
    const etag = (await fetch(pds.url + DESCRIBE)).headers.get('etag') ?? ''

    const same = await fetch(pds.url + DESCRIBE, { headers: { 'if-none-match': etag } })
    const other = await fetch(pds.url + DESCRIBE, { headers: { 'if-none-match': 'W/"1-other"' } })

    expect(etag).toMatch(/^W\/"[^"]+"$/)
    expect([same.status, await same.text(), same.headers.get('etag')]).toEqual([304, '', etag])
    expect(other.status).toBe(200)
  })

  test('that depends on who asks is for no one else, also when it is an error', async () => {
    await using pds = await startPds()
    const alice = await pds.createAccount('alice')
    const url = `${pds.url}/xrpc/com.atproto.server.getSession`

    const good = await fetch(url, { headers: { authorization: `Bearer ${alice.accessJwt}` } })
    const bad = await fetch(url)
    const forAll = await fetch(pds.url + DESCRIBE)

    for (const { headers } of [good, bad]) {
      expect(headers.get('cache-control')).toBe('private')
      expect(headers.get('vary')).toContain('Authorization')
    }
    expect(forAll.headers.get('cache-control')).toBeNull()
    expect(forAll.headers.get('vary')).toBe('Accept-Encoding')
  })

  test('carries the id that the request came with, or one of its own', async () => {
    await using pds = await startPds()
    const idOf = async (id?: string) => {
      const { headers } = await fetch(pds.url + DESCRIBE, {
        headers: id === undefined ? {} : { 'x-request-id': id },
      })
      return headers.get('x-request-id') ?? ''
    }

    expect(await idOf('trace-1.a:b')).toBe('trace-1.a:b')
    expect(await idOf('<script>')).not.toBe('<script>')
    expect(await idOf('x'.repeat(65))).not.toContain('xxx')
    expect(await idOf()).not.toBe(await idOf())
  })

  test('of a procedure without output is an empty 200', async () => {
    await using pds = await startPds()
    const alice = await pds.createAccount('alice')

    const response = await fetch(`${pds.url}/xrpc/com.atproto.server.deleteSession`, {
      method: 'POST',
      headers: { authorization: `Bearer ${alice.refreshJwt}` },
    })

    expect([response.status, await response.text(), response.headers.get('content-type')]).toEqual([
      200,
      '',
      null,
    ])
  })
})

describe('compression', () => {
  const padding = { links: { privacyPolicy: `https://example.com/${'a'.repeat(2000)}` } }
  const length = (bytes: string | undefined) => Number(bytes)

  async function raw(port: number, accept: string) {
    const answer = await rawHttp(
      port,
      `GET ${DESCRIBE} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: ${accept}\r\nConnection: close\r\n\r\n`,
    )
    return answer ?? { status: 0, headers: new Map<string, string>(), body: '' }
  }

  test('gzips large answers for those who take it', async () => {
    await using pds = await startPds()
    await using server = serveMethods(pds.app, [describeServer(() => padding)])

    const packed = await raw(server.port, 'br, gzip;q=0.8')
    const plain = await raw(server.port, 'gzip;q=0, identity')

    expect(packed.headers.get('content-encoding')).toBe('gzip')
    expect(length(packed.headers.get('content-length'))).toBeLessThan(300)
    expect(Buffer.from(Bun.gunzipSync(Buffer.from(packed.body, 'latin1'))).toString()).toBe(plain.body)
    expect(plain.headers.get('content-encoding')).toBeUndefined()
    expect(packed.headers.get('vary')).toContain('Accept-Encoding')
  })

  test('leaves small answers alone', async () => {
    await using pds = await startPds()

    const answer = await raw(pds.server.port ?? 0, 'gzip')

    expect(answer.headers.get('content-encoding')).toBeUndefined()
  })

  test('gzips very large answers and CAR files too', async () => {
    await using pds = await startPds()
    const large = { links: { privacyPolicy: `https://example.com/${'ab'.repeat(300_000)}` } }
    const car = Buffer.from('a block of a repository '.repeat(10_000))
    const getRepo = implement(com.atproto.sync.getRepo, {
      auth: anyone,
      handle: () => ({ encoding: 'application/vnd.ipld.car', body: new Blob([car]).stream() }),
    })
    await using server = serveMethods(pds.app, [describeServer(() => large), getRepo])

    const json = await fetch(server.url + DESCRIBE)
    const repo = await fetch(`${server.url}/xrpc/com.atproto.sync.getRepo?did=did:plc:${'a'.repeat(24)}`)

    expect(await json.json()).toMatchObject(large)
    expect(json.headers.get('content-encoding')).toBe('gzip')
    expect(repo.headers.get('content-encoding')).toBe('gzip')
    expect(repo.headers.get('content-type')).toBe('application/vnd.ipld.car')
    expect(Buffer.from(await repo.arrayBuffer()).equals(car)).toBe(true)
  })
})

describe('a failure', () => {
  class TeapotError extends DomainError {
    override readonly name = 'TeapotError'
    readonly kind = 'upstream'
    readonly code = 'Teapot'
    override readonly hint = 'use a kettle'
  }

  test('that is a bug is logged with its stack and answered with nothing but its status', async () => {
    await using pds = await startPds()
    const lines: string[] = []
    configureLog({ level: 'error', write: (line) => void lines.push(line) })
    const broken = describeServer(() => {
      throw new TypeError('the secret is 42')
    })
    await using server = serveMethods(pds.app, [broken])

    const response = await fetch(server.url + DESCRIBE, { headers: { 'x-request-id': 'find-me' } })
    configureLog({ level: 'silent', write: (line) => void process.stderr.write(line) })

    expect(response.status).toBe(500)
    expect(await errorOf(response)).toEqual({
      error: 'InternalServerError',
      message: 'Internal Server Error',
    })
    expect(lines.join()).toContain('TypeError: the secret is 42')
    expect(lines.join()).toContain('find-me')
    expect(lines.join()).toContain('http.test.ts')
  })

  test('of a method keeps its name, message and status', async () => {
    await using pds = await startPds()
    await using server = serveMethods(pds.app, [
      describeServer(() => Promise.reject(new TeapotError('short and stout'))),
    ])

    const response = await fetch(server.url + DESCRIBE)

    expect(response.status).toBe(502)
    expect(await errorOf(response)).toEqual({ error: 'Teapot', message: 'short and stout' })
    expect(response.headers.get('locus-error-hint')).toBeNull()
  })

  test('tells the operator what to do about it', async () => {
    await using pds = await startPds()
    const failing = describeServer(() => Promise.reject(new TeapotError('short and stout')))
    await using server = serveMethods(pds.app, [failing], { door: 'socket' })

    const { headers } = await fetch(server.url + DESCRIBE)

    expect(headers.get('locus-error-kind')).toBe('upstream')
    expect(decodeURI(headers.get('locus-error-hint') ?? '')).toBe('use a kettle')
  })

  test('in the middle of an answer cuts the connection and is logged', async () => {
    await using pds = await startPds()
    const lines: string[] = []
    configureLog({ level: 'error', write: (line) => void lines.push(line) })
    let chunks = 0
    const body = () =>
      new ReadableStream<Uint8Array>({
        pull(controller) {
          if (++chunks > 3) throw new TypeError('the disk is gone')
          controller.enqueue(new Uint8Array(5000))
        },
      })
    const getRepo = implement(com.atproto.sync.getRepo, {
      auth: anyone,
      handle: () => ({ encoding: 'application/vnd.ipld.car', body: body() }),
    })
    await using server = serveMethods(pds.app, [getRepo])
    const url = `${server.url}/xrpc/com.atproto.sync.getRepo?did=did:plc:${'a'.repeat(24)}`

    const whole = fetch(url).then((response) => response.arrayBuffer())

    await expect(whole).rejects.toThrow()
    configureLog({ level: 'silent', write: (line) => void process.stderr.write(line) })
    expect(lines.join()).toContain('the disk is gone')
  })

  test('to answer as the lexicon says is a bug where answers are checked, and passes elsewhere', async () => {
    await using checked = await startPds({ config: { validateResponses: true } })
    await using unchecked = await startPds({ config: { validateResponses: false } })
    const wrong = describeServer(() => ({ availableUserDomains: 'all' }))
    await using strict = serveMethods(checked.app, [wrong])
    await using lax = serveMethods(unchecked.app, [wrong])

    expect((await fetch(strict.url + DESCRIBE)).status).toBe(500)
    expect((await fetch(lax.url + DESCRIBE)).status).toBe(200)
  })
})

describe('a body', () => {
  const UPLOAD = '/xrpc/com.atproto.repo.uploadBlob'
  const chunked = (...chunks: string[]) =>
    `${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n\r\n`
  const head = (path: string, ...headers: string[]) =>
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`

  function post(pds: Pds, path: string, init: RequestInit) {
    return fetch(pds.url + path, { method: 'POST', ...init })
  }

  test('may be absent where one belongs, and is missed', async () => {
    await using pds = await startPds()

    const answer = await rawHttp(pds.server.port ?? 0, head(CREATE_SESSION, 'Content-Type: application/json'))

    expect(answer?.status).toBe(400)
    expect(answer?.body).toContain('A request body is expected but none was provided')
  })

  test('must say what it is', async () => {
    await using pds = await startPds()

    const answer = await rawHttp(pds.server.port ?? 0, head(CREATE_SESSION, 'Content-Length: 2'), '{}')

    expect(answer?.body).toContain('Request encoding (Content-Type) required but not provided')
  })

  test('may come in chunks', async () => {
    await using pds = await startPds()

    const answer = await rawHttp(
      pds.server.port ?? 0,
      head(CREATE_SESSION, 'Content-Type: application/json', 'Transfer-Encoding: chunked'),
      chunked('{"identi', 'fier":1}'),
    )

    expect(answer?.body).toContain('Expected string value type (got 1) at $.identifier')
  })

  test('in chunks is refused when there is too much of it', async () => {
    await using pds = await startPds()

    const answer = await rawHttp(
      pds.server.port ?? 0,
      head(CREATE_SESSION, 'Content-Type: application/json', 'Transfer-Encoding: chunked'),
      chunked(...Array.from({ length: 200 }, () => 'x'.repeat(1024))),
    )

    expect(answer?.status).toBe(413)
    expect(answer?.body).toContain('PayloadTooLargeError')
  })

  test('in chunks may be empty where none belongs, and nothing else', async () => {
    await using pds = await startPds()
    const alice = await pds.createAccount('alice')
    const request = head(
      '/xrpc/com.atproto.server.deleteSession',
      `Authorization: Bearer ${alice.refreshJwt}`,
      'Transfer-Encoding: chunked',
    )

    const full = await rawHttp(pds.server.port ?? 0, request, chunked('x'))
    const empty = await rawHttp(pds.server.port ?? 0, request, chunked())

    expect(full?.status).toBe(400)
    expect(full?.body).toContain('A request body was provided when none was expected')
    expect(empty?.status).toBe(200)
  })

  test('is refused with a query', async () => {
    await using pds = await startPds()

    const answer = await rawHttp(
      pds.server.port ?? 0,
      `GET ${DESCRIBE} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}`,
    )

    expect(answer?.status).toBe(400)
    expect(answer?.body).toContain('A request body was provided when none was expected')
  })

  test('in chunks is refused with a query as well', async () => {
    await using pds = await startPds()

    const answer = await rawHttp(
      pds.server.port ?? 0,
      `GET ${DESCRIBE} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`,
      chunked('{}'),
    )

    expect(answer?.status).toBe(400)
    expect(answer?.body).toContain('A request body was provided when none was expected')
  })

  test('nested beyond reason is refused', async () => {
    await using pds = await startPds()
    const body = `{"a":${'['.repeat(60_000)}${']'.repeat(60_000)}}`

    const response = await post(pds, CREATE_SESSION, {
      body,
      headers: { 'content-type': 'application/json' },
    })

    expect(response.status).toBe(400)
    expect((await errorOf(response)).message).toContain('nested')
  })

  test('of very many values is refused, however small they are', async () => {
    await using pds = await startPds()
    const alice = await pds.createAccount('alice')
    const create = (record: object) =>
      post(pds, '/xrpc/com.atproto.repo.createRecord', {
        body: JSON.stringify({ repo: alice.did, collection: 'com.example.thing', record }),
        headers: { 'content-type': 'application/json', authorization: `Bearer ${alice.accessJwt}` },
      })

    const many = await create({ list: Array.from({ length: 250_000 }, () => 0) })
    const pairs = await create({ list: Array.from({ length: 84_000 }, () => [0, 0]) })
    const legal = await create({ list: Array.from({ length: 90_000 }, () => 1_000_000) })

    for (const refused of [many, pairs]) {
      expect(refused.status).toBe(400)
      expect(await errorOf(refused)).toEqual({
        error: 'InvalidRequest',
        message: 'The body holds more than 250000 values',
      })
    }
    expect(legal.status).toBe(200)
  })

  test('that is no UTF-8 is read with replacement characters, as text is', async () => {
    await using pds = await startPds()
    const body = Buffer.concat([Buffer.from('{"identifier":"'), Buffer.from([0xff]), Buffer.from('"}')])

    const response = await post(pds, CREATE_SESSION, {
      body,
      headers: { 'content-type': 'application/json' },
    })

    expect(await errorOf(response)).toMatchObject({ message: 'Missing required key "password" at $' })
  })

  for (const [coding, packed] of [
    ['gzip', Bun.gzipSync('{"identifier":1}')],
    ['x-gzip', Bun.gzipSync('{"identifier":1}')],
    ['deflate', deflateSync('{"identifier":1}')],
    ['br', brotliCompressSync('{"identifier":1}')],
    ['br, gzip', Bun.gzipSync(brotliCompressSync('{"identifier":1}'))],
    ['identity', Buffer.from('{"identifier":1}')],
  ] as const) {
    test(`in ${coding} is decoded`, async () => {
      await using pds = await startPds()

      const response = await post(pds, CREATE_SESSION, {
        body: packed,
        headers: { 'content-type': 'application/json', 'content-encoding': coding },
      })

      expect(await errorOf(response)).toMatchObject({
        message: 'Expected string value type (got 1) at $.identifier',
      })
    })
  }

  test('of bytes reaches the method decoded', async () => {
    await using pds = await startPds()
    const sizes: unknown[] = []
    await using server = serveMethods(pds.app, [uploadBlob({ ended: (size) => sizes.push(size) })])

    for (const [body, coding] of [
      [Buffer.alloc(1000), 'identity'],
      [Bun.gzipSync(new Uint8Array(900)), 'gzip'],
      [new Uint8Array(0), 'identity'],
    ] as const) {
      const response = await fetch(server.url + UPLOAD, {
        method: 'POST',
        body,
        headers: { 'content-type': 'image/png; a=b', 'content-encoding': coding },
      })
      expect(await response.json()).toMatchObject({ blob: { mimeType: 'image/png' } })
    }
    expect(sizes).toEqual([1000, 900, 0])
  })

  test('of bytes is refused when it is too large, also when that shows only once it is decoded', async () => {
    await using pds = await startPds()
    await using server = serveMethods(pds.app, [uploadBlob()])
    const upload = (body: Uint8Array<ArrayBuffer> | ReadableStream, coding = 'identity') =>
      fetch(server.url + UPLOAD, {
        method: 'POST',
        body,
        headers: { 'content-type': 'image/png', 'content-encoding': coding },
      })

    const declared = await upload(new Uint8Array(1001))
    const streamed = await upload(new Blob([new Uint8Array(1001)]).stream())
    const bomb = await upload(Bun.gzipSync(new Uint8Array(50_000_000)), 'gzip')

    for (const response of [declared, streamed, bomb]) {
      expect(response.status).toBe(413)
      expect(await errorOf(response)).toEqual({
        error: 'PayloadTooLarge',
        message: 'request entity too large',
      })
    }
  })

  test('of bytes is refused when it is not encoded as it says', async () => {
    await using pds = await startPds()
    await using server = serveMethods(pds.app, [uploadBlob()])
    const upload = (coding: string) =>
      fetch(server.url + UPLOAD, {
        method: 'POST',
        body: 'no such thing',
        headers: { 'content-type': 'image/png', 'content-encoding': coding },
      })

    const unknown = await upload('foo')
    const wrong = await upload('gzip')

    expect([unknown.status, (await errorOf(unknown)).error]).toEqual([415, 'UnsupportedMediaType'])
    expect([wrong.status, (await errorOf(wrong)).error]).toEqual([400, 'InvalidRequest'])
  })

  test('that breaks off is no bug', async () => {
    await using pds = await startPds()
    const lines: string[] = []
    configureLog({ level: 'error', write: (line) => void lines.push(line) })
    const began = Promise.withResolvers<void>()
    const ended = Promise.withResolvers<unknown>()
    await using server = serveMethods(pds.app, [uploadBlob({ began: began.resolve, ended: ended.resolve })])
    const socket = await Bun.connect({ hostname: '127.0.0.1', port: server.port, socket: { data() {} } })
    socket.write(`${head(UPLOAD, 'Content-Type: image/png', 'Content-Length: 900')}${'x'.repeat(100)}`)
    await began.promise

    socket.terminate()

    expect(await ended.promise).toBeInstanceOf(DomainError)
    expect((await fetch(pds.url + DESCRIBE)).status).toBe(200)
    configureLog({ level: 'silent', write: (line) => void process.stderr.write(line) })
    expect(lines).toEqual([])
  })

  test('is refused by its announced size before it comes', async () => {
    await using pds = await startPds()
    const announced = head(CREATE_SESSION, 'Content-Type: application/json', `Content-Length: ${1e13}`)

    const answer = await rawHttp(pds.server.port ?? 0, announced)

    expect(answer?.status).toBe(413)
  })

  describe('that comes a byte now and then', () => {
    const pace = { graceMs: 200, bytesPerSecond: 1000 }

    /** Sends a part of a body and then a byte every 20 ms, until the server has had enough. */
    async function trickle(port: number, path: string, ...headers: string[]) {
      const isChunked = headers.some((line) => line.startsWith('Transfer-Encoding'))
      const byte = isChunked ? '1\r\n \r\n' : ' '
      const closed = Promise.withResolvers<void>()
      const answer: string[] = []
      const socket = await Bun.connect({
        hostname: '127.0.0.1',
        port,
        socket: { data: (_, data) => void answer.push(data.toString()), close: () => closed.resolve() },
      })
      socket.write(head(path, ...headers).replace('Connection: close', 'Connection: keep-alive'))
      const timer = setInterval(() => socket.write(byte), 20)
      await closed.promise
      clearInterval(timer)
      return answer.join('')
    }

    for (const framing of ['Content-Length: 400', 'Transfer-Encoding: chunked']) {
      test(`is not waited for (${framing})`, async () => {
        await using pds = await startPds()
        const createSession = implement(com.atproto.server.createSession, {
          auth: anyone,
          handle: () => Promise.reject(new TypeError('it was not to come so far')),
        })
        await using server = serveMethods(pds.app, [createSession, uploadBlob()], { pace })

        const json = await trickle(server.port, CREATE_SESSION, 'Content-Type: application/json', framing)
        const bytes = await trickle(server.port, UPLOAD, 'Content-Type: image/png', framing)

        for (const answer of [json, bytes]) {
          expect(answer).toStartWith('HTTP/1.1 408')
          expect(answer).toContain('{"error":"RequestTimeout"')
        }
      })
    }

    test('is waited for as long as it comes at a fair rate', async () => {
      await using pds = await startPds()
      await using server = serveMethods(pds.app, [uploadBlob()], { pace })
      const part = new Uint8Array(100)
      let sent = 0
      const body = new ReadableStream<Uint8Array>({
        async pull(controller) {
          if (sent === 900) return controller.close()
          await Bun.sleep(60)
          sent += part.length
          controller.enqueue(part)
        },
      })

      const response = await fetch(server.url + UPLOAD, {
        method: 'POST',
        body,
        headers: { 'content-type': 'image/png' },
      })

      expect(await response.json()).toMatchObject({ blob: { size: 900 } }) // after 540 ms
    })

    test('does not count the time that we take ourselves', async () => {
      const patience = new Patience({ graceMs: 50, bytesPerSecond: 1000 })

      await Bun.sleep(60)

      expect(await patience.wait(Promise.resolve('here'))).toBe('here')
      await expect(patience.wait(new Promise(() => {}))).rejects.toMatchObject({ code: 'RequestTimeout' })
    })
  })

  test('that is refused unread does not fill the memory', async () => {
    await using pds = await startPds()
    const before = process.memoryUsage.rss()
    const size = 200_000_000
    const chunk = new Uint8Array(1_000_000)
    let sent = 0
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent >= size) return controller.close()
        sent += chunk.length
        controller.enqueue(chunk)
      },
    })

    const outcome = await post(pds, CREATE_SESSION, { body, headers: { 'content-type': 'application/json' } })
      .then((response) => response.status)
      .catch(() => 'cut off')

    expect([413, 'cut off']).toContain(outcome)
    expect(process.memoryUsage.rss() - before).toBeLessThan(100_000_000)
  })
})

test('an unusual host name does not hide the method', async () => {
  await using pds = await startPds()

  for (const host of ['a', 'abc', 'abcd', '[::1]']) {
    const answer = await rawHttp(
      pds.server.port ?? 0,
      `GET ${DESCRIBE} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
    )
    expect(answer?.status).toBe(200)
  }
  const none = await rawHttp(pds.server.port ?? 0, `GET ${DESCRIBE} HTTP/1.0\r\n\r\n`)
  expect(none?.status).toBe(200)
})

test('a connection serves further requests after a refused one', async () => {
  await using pds = await startPds()
  const bad = `POST ${CREATE_SESSION} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello`
  const good = `GET ${DESCRIBE} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`

  const answer = await rawHttp(pds.server.port ?? 0, bad, good)

  expect(answer?.status).toBe(400)
  expect(answer?.body).toContain('HTTP/1.1 200')
})

test('without a session the operator calls operator methods through the socket', async () => {
  await using pds = await startPds()
  const url = 'http://locus/xrpc/com.atproto.server.createInviteCode'
  const init = { method: 'POST', body: '{"useCount":1}', headers: { 'content-type': 'application/json' } }

  const bySocket = await fetch(url, { ...init, unix: pds.app.layout.adminSocket })
  const byNetwork = await fetch(url.replace('http://locus', pds.url), init)

  expect(bySocket.status).toBe(200)
  expect(byNetwork.status).toBe(401)
})
