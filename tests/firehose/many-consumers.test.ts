/**
 * Many consumers at once, some slow, some that stall, some that come back with a cursor, while accounts write. With
 * `LOCUS_TEST_CONSUMERS=1000` it is a load test; it says on stderr what it measured.
 */
import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { Client } from '#cli/client.ts'
import { consume } from '#tests/support/firehose-consumer.ts'
import { checksum, FirehoseReader, type SeenFrame, seqOf } from '#tests/support/firehose-reader.ts'
import { startHurriedServer } from '#tests/support/hurried-server.ts'
import { readFrame } from '#tests/support/independent/frame.ts'
import { until } from '#tests/support/until.ts'

const CONSUMERS = Number(process.env.LOCUS_TEST_CONSUMERS ?? 100)
const WRITERS = 16
const WRITE_MS = Number(process.env.LOCUS_TEST_WRITE_MS ?? 4000)
const POST = 'app.bsky.feed.post'
/** longest text of a record, so that events fill the buffers of those who do not read */
const TEXT = 'x'.repeat(20_000)
const DEADLINE_MS = 120_000

test(`${CONSUMERS} consumers of all kinds miss nothing and get nothing twice`, async () => {
  await using server = await startHurriedServer()
  const { url, plcUrl } = server
  await using witness = await consume(url, { plcUrl, cursor: 0, fromGenesis: true })
  const all: SeenFrame[] = []
  using listener = new LiveConsumer(url, all)
  await listener.opened
  const writers = await Promise.all(Array.from({ length: WRITERS }, (_, i) => signUp(url, `writer${i}`)))

  using consumers = new DisposableStack()
  const live = await many(CONSUMERS * 0.6, async () => {
    const consumer = consumers.use(new LiveConsumer(url))
    await consumer.opened
    return consumer
  })
  const returning = await many(CONSUMERS * 0.2, async () => consumers.use(new ReturningConsumer(url)))
  const slow = await many(CONSUMERS * 0.1, async () => consumers.use(await FirehoseReader.open(url)))
  const stalled = await many(CONSUMERS * 0.1, async () =>
    consumers.use(await FirehoseReader.open(url, { paused: true })),
  )
  const memory = new Memory(server.pid)
  const before = memory.now()

  let writing = true
  const slowed = slow.map((reader) => readSlowly(reader, () => writing))
  const returned = returning.map((consumer) => consumer.run(() => writing))
  const written = writers.map((writer) => write(writer, () => writing))
  await Bun.sleep(WRITE_MS)
  writing = false
  const posts = (await Promise.all(written)).reduce((sum, count) => sum + count, 0)
  const wroteFor = performance.now()
  const last = await lastSeqOf(url, plcUrl)
  const hasAll = (frames: readonly SeenFrame[]) => (frames.at(-1)?.seq ?? 0) >= last
  await until(() => hasAll(all), DEADLINE_MS)
  await until(() => live.every(({ frames }) => hasAll(frames)), DEADLINE_MS)
  await Promise.all([...slowed, ...returned])
  await until(() => slow.every((reader) => reader.ended || hasAll(reader.frames)), DEADLINE_MS)
  await until(() => returning.every(({ frames }) => hasAll(frames)), DEADLINE_MS)
  const caughtUpMs = performance.now() - wroteFor
  await Bun.sleep(8000) // the server's minute and more, after which it has dropped who takes nothing
  for (const reader of stalled) reader.resume()
  await until(() => stalled.every((reader) => reader.ended || reader.unnumbered !== null), DEADLINE_MS)
  await witness.waitForSeq(last, DEADLINE_MS)

  expect(witness.faults).toEqual([])
  for (const { frames } of live) expectPartOf(all, frames, last)
  for (const { frames } of returning) expectPartOf(all, frames, last)
  for (const reader of slow) expectPartOf(all, reader.frames, reader.ended ? null : last)
  const told = stalled.filter((reader) => reader.unnumbered !== null)
  for (const reader of stalled) {
    expectPartOf(
      all,
      reader.frames.filter(({ seq }) => seq !== null),
      null,
    )
    if (reader.unnumbered)
      expect(readFrame(reader.unnumbered)).toMatchObject({ type: 'error', error: 'ConsumerTooSlow' })
  }
  const { peak } = memory.stop()
  console.error(
    `${CONSUMERS} consumers, ${posts} posts in ${WRITE_MS} ms, the last was everywhere ${Math.round(caughtUpMs)} ms later; ` +
      `${told.length} of ${stalled.length} stalled were told so; RSS ${before} MB before, ${peak} MB at most`,
  )
  expect(peak - before).toBeLessThan(150 + CONSUMERS * 0.3)
}, 300_000)

/** A consumer that reads as fast as it can. */
class LiveConsumer implements Disposable {
  readonly opened: Promise<void>
  private readonly socket: WebSocket

  constructor(
    url: string,
    readonly frames: SeenFrame[] = [],
    cursor?: number,
  ) {
    const query = cursor === undefined ? '' : `?cursor=${cursor}`
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/xrpc/com.atproto.sync.subscribeRepos${query}`)
    this.socket.binaryType = 'arraybuffer'
    this.opened = new Promise((resolve, reject) => {
      this.socket.onopen = () => resolve()
      this.socket.onerror = () => reject(new Error('no connection'))
    })
    this.socket.onmessage = ({ data }) => {
      const frame = new Uint8Array(data)
      this.frames.push({ seq: seqOf(frame), sum: checksum(frame) })
    }
  }

  [Symbol.dispose](): void {
    this.socket.terminate()
  }
}

/** A consumer that goes away again and again, and comes back with the last number that it has seen. */
class ReturningConsumer implements Disposable {
  readonly frames: SeenFrame[] = []
  private current: LiveConsumer | null = null

  constructor(private readonly url: string) {}

  async run(going: () => boolean): Promise<void> {
    do {
      this.current?.[Symbol.dispose]()
      await Bun.sleep(Math.random() * 300)
      this.current = new LiveConsumer(this.url, this.frames, this.frames.at(-1)?.seq ?? undefined)
      await this.current.opened
      await Bun.sleep(100 + Math.random() * 1000)
    } while (going())
  }

  [Symbol.dispose](): void {
    this.current?.[Symbol.dispose]()
  }
}

/** Reads a little, rests, and reads on. */
async function readSlowly(reader: FirehoseReader, going: () => boolean): Promise<void> {
  while (going()) {
    reader.pause()
    await Bun.sleep(150)
    reader.resume()
    await Bun.sleep(5)
  }
}

async function many<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  const made: T[] = []
  while (made.length < count) {
    made.push(
      ...(await Promise.all(Array.from({ length: Math.min(50, Math.ceil(count - made.length)) }, make))),
    )
  }
  return made
}

/** What a consumer got is part of what there was: no frame is missing, doubled or another. `last` is what it ends with. */
function expectPartOf(all: readonly SeenFrame[], got: readonly SeenFrame[], last: number | null): void {
  const from = all.findIndex(({ seq }) => seq === got[0]?.seq)
  const part = got.length === 0 ? [] : all.slice(from, from + got.length)
  const differs = got.findIndex(({ seq, sum }, i) => part[i]?.seq !== seq || part[i]?.sum !== sum)
  expect({ differs, seq: got[differs]?.seq, instead: part[differs]?.seq }).toEqual({
    differs: -1,
    seq: undefined,
    instead: undefined,
  })
  if (last !== null) expect(got.at(-1)?.seq).toBe(last)
}

interface Writer extends Client {
  did: string
}

async function signUp(url: string, name: string): Promise<Writer> {
  const input = {
    handle: `${name}.test`,
    email: `${name}@example.com`,
    password: 'a password of some length',
  }
  const { did, accessJwt } = await new Client(fetch, url).call('com.atproto.server.createAccount', input)
  return Object.assign(new Client(fetch, url, { authorization: `Bearer ${accessJwt}` }), { did })
}

/** @returns how many posts it wrote */
async function write(writer: Writer, going: () => boolean): Promise<number> {
  let count = 0
  for (; going(); count++) {
    const note = count % 5 === 0 ? TEXT : 'short'
    const record = { $type: POST, text: `${count}`, note, createdAt: new Date().toISOString() }
    await writer.call('com.atproto.repo.createRecord', { repo: writer.did, collection: POST, record })
  }
  return count
}

/** The number of the newest event: a consumer from the beginning has it when nothing more comes. */
async function lastSeqOf(url: string, plcUrl: string): Promise<number> {
  const marker = await signUp(url, 'marker')
  await using consumer = await consume(url, { plcUrl, cursor: 0 })
  const sync = await consumer.until((event) => event.type === 'sync' && event.did === marker.did, DEADLINE_MS)
  return 'seq' in sync ? sync.seq : 0
}

/** The resident memory of a process, in MB. */
class Memory {
  private peak = 0
  private readonly timer: ReturnType<typeof setInterval>

  constructor(private readonly pid: number) {
    this.timer = setInterval(() => this.now(), 100)
  }

  now(): number {
    const [, kilobytes = '0'] =
      /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8')) ?? []
    const now = Math.round(Number(kilobytes) / 1024)
    this.peak = Math.max(this.peak, now)
    return now
  }

  stop(): { peak: number } {
    clearInterval(this.timer)
    return { peak: this.peak }
  }
}
