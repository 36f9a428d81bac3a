/** What a connection to the firehose is told before and beside the events, as the official server or the protocol has it. */
import { describe, expect, test } from 'bun:test'
import { systemTimers, type Timers } from '#std/timers.ts'
import { FirehoseReader } from '#tests/support/firehose-reader.ts'
import { readFrame } from '#tests/support/independent/frame.ts'
import { type Pds, startPds } from '#tests/support/pds.ts'
import { until } from '#tests/support/until.ts'

const STREAM = '/xrpc/com.atproto.sync.subscribeRepos'
const UPGRADE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
}
/** A hundred seconds of the firehose take one. */
const hurried: Timers = { after: (ms, work) => systemTimers.after(ms / 100, work) }

describe('a request that is no WebSocket', () => {
  test('is told to be one', async () => {
    await using pds = await startPds()

    const answer = await fetch(`${pds.url}${STREAM}?cursor=0`)

    expect(answer.status).toBe(426)
    expect(answer.headers.get('upgrade')).toBe('websocket')
    expect(await answer.json()).toEqual({
      error: 'InvalidRequest',
      message: 'This is an event stream: connect with a WebSocket',
    })
  })

  test.each(['POST', 'HEAD', 'PUT', 'DELETE', 'PATCH'])('is refused for its verb %s', async (method) => {
    await using pds = await startPds()

    const answer = await fetch(`${pds.url}${STREAM}`, { method })

    expect(answer.status).toBe(405)
    expect(answer.headers.get('allow')).toBe('GET')
  })

  test.each([
    ['another protocol', { upgrade: 'h2c' }],
    ['no key', { 'sec-websocket-key': '' }],
    ['a key that is none', { 'sec-websocket-key': 'short' }],
    ['another version', { 'sec-websocket-version': '12' }],
  ])('asks for %s, and gets no stream', async (_, headers) => {
    await using pds = await startPds()

    const status = await statusOfUpgrade(pds, STREAM, { ...UPGRADE, ...headers })

    expect(status).toBe(426)
  })
})

test.each([
  ['with a slash at its end', `${STREAM}/`, 101],
  ['in small letters', STREAM.toLowerCase(), 401],
  ['of a method that is no stream', '/xrpc/com.atproto.sync.listRepos', 200],
  ['of nothing', '/nothing', 404],
])('a WebSocket to a path %s is no stream unless it is the one', async (_, path, status) => {
  await using pds = await startPds()

  expect(await statusOfUpgrade(pds, path, UPGRADE)).toBe(status)
})

describe('a cursor', () => {
  const NOTHING: number[] = []

  test.each([
    ['', 'live'],
    ['?cursor=', 'live'],
    ['?cursor', 'live'],
    ['?other=junk', 'live'],
    ['?cursor=0', 'all'],
    ['?cursor=-1', 'all'],
    ['?cursor=-0', 'all'],
    ['?cursor=00', 'all'],
  ] as const)('%p gets %s', async (query, wanted) => {
    await using pds = await startPds()
    await pds.createAccount('alice')
    using reader = await open(pds, query)
    const first = pds.app.sequencer.lastSeq
    await pds.createAccount('bobby')
    await until(() => (reader.lastSeq ?? 0) >= pds.app.sequencer.lastSeq)

    const all = [first - 3, first - 2, first - 1, first]
    const seqs = reader.frames.map(({ seq }) => seq)
    expect(seqs).toEqual([...(wanted === 'all' ? all : NOTHING), ...all.map((seq) => seq + 4)])
  })

  test.each([
    ['?cursor=junk', '"junk"'],
    ['?cursor=1.5', '"1.5"'],
    ['?cursor=2.0', '"2.0"'],
    ['?cursor=1e3', '"1e3"'],
    ['?cursor=+5', '" 5"'],
    ['?cursor=5%20', '"5 "'],
    ['?cursor=0x10', '"0x10"'],
    ['?cursor=true', '"true"'],
    ['?cursor=null', '"null"'],
    ['?cursor=Infinity', '"Infinity"'],
    ['?cursor=9007199254740992', '9007199254740992'],
    ['?cursor=99999999999999999999', '100000000000000000000'],
    ['?cursor=1&cursor=2', '[1, 2]'],
    ['?cursor=1&cursor=junk', '"junk"'],
  ])('%p is refused by an error frame, as the official server does it', async (query, got) => {
    await using pds = await startPds()

    using reader = await open(pds, query)
    await until(() => reader.ended)

    expect(readFrame(reader.unnumbered!)).toEqual({
      type: 'error',
      error: 'InvalidRequest',
      message: `Invalid com.atproto.sync.subscribeRepos params: Expected integer value type (got ${got})`,
    })
    expect(reader.closed).toEqual({ code: 1008, reason: 'InvalidRequest' })
  })

  test('that is ahead of everything is refused by an error frame', async () => {
    await using pds = await startPds()
    for (const cursor of [pds.app.sequencer.lastSeq + 1, Number.MAX_SAFE_INTEGER]) {
      using reader = await FirehoseReader.open(pds.url, { cursor })
      await until(() => reader.ended)

      expect(Buffer.from(reader.unnumbered!).toString('hex')).toBe(
        Buffer.concat([
          Buffer.from('a1626f7020', 'hex'), // {op: -1}
          Buffer.from('a2', 'hex'),
          text('error'),
          text('FutureCursor'),
          text('message'),
          text('Cursor in the future.'),
        ]).toString('hex'),
      )
      expect(reader.closed).toEqual({ code: 1008, reason: 'FutureCursor' })
    }
  })
})

test('what a client says is ignored', async () => {
  await using pds = await startPds()
  const socket = new WebSocket(`${pds.url.replace('http', 'ws')}${STREAM}`)
  const received: unknown[] = []
  socket.onmessage = ({ data }) => received.push(data)
  await new Promise((resolve) => {
    socket.onopen = resolve
  })
  socket.send('hello')
  socket.send(new Uint8Array(60_000))
  socket.ping()
  const pong = new Promise((resolve) => socket.addEventListener('pong' as 'message', resolve))
  await pong
  await pds.createAccount('alice')
  await until(() => received.length === 4)

  expect(socket.readyState).toBe(WebSocket.OPEN)
  socket.terminate()
})

test('who does not answer pings is dropped, who answers stays', async () => {
  await using pds = await startPds({ timers: hurried })
  using silent = await FirehoseReader.open(pds.url, { answersPings: false })
  using answering = await FirehoseReader.open(pds.url)

  await until(() => silent.ended)
  await until(() => answering.pings > 5)

  expect(silent.closed).toEqual({ code: 1008, reason: 'ConsumerTooSlow' })
  expect(answering.ended).toBe(false)
})

test('an address has a limited number of connections, where calls are limited', async () => {
  await using pds = await startPds({
    config: { rateLimits: { enabled: true, bypassKey: 'open sesame', bypassNetworks: [] } },
  })
  using readers = new DisposableStack()
  for (let i = 0; i < 100; i++) readers.use(await FirehoseReader.open(pds.url))

  expect(await statusOfUpgrade(pds, STREAM, UPGRADE)).toBe(429)
  expect(await statusOfUpgrade(pds, STREAM, { ...UPGRADE, 'x-ratelimit-bypass': 'open sesame' })).toBe(101)

  readers.dispose()
  await until(async () => (await statusOfUpgrade(pds, STREAM, UPGRADE)) === 101)
})

test('a server that stops says so to its consumers', async () => {
  const pds = await startPds()
  using reader = await FirehoseReader.open(pds.url)

  await pds.stop()
  await until(() => reader.ended)

  expect(reader.closed).toEqual({ code: 1001, reason: 'server is stopping' })
})

async function open(pds: Pds, query: string): Promise<FirehoseReader> {
  return await FirehoseReader.open(pds.url, { query })
}

/** The status of the answer to a request for a WebSocket. */
async function statusOfUpgrade(pds: Pds, path: string, headers: Record<string, string>): Promise<number> {
  const { port } = new URL(pds.url)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const answer = Promise.withResolvers<string>()
  const socket = await Bun.connect({
    hostname: 'localhost',
    port: Number(port),
    socket: { data: (_, data) => answer.resolve(data.toString()), close: () => answer.resolve('') },
  })
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${lines.join('')}\r\n`)
  const [, status] = (await answer.promise).split(' ')
  socket.terminate()
  return Number(status)
}

/** A text of CBOR, of up to 255 bytes. */
function text(value: string): Buffer {
  const head = value.length < 24 ? [0x60 | value.length] : [0x78, value.length]
  return Buffer.concat([Buffer.from(head), Buffer.from(value)])
}
