/** The firehose with sockets that fill up and drain as a test wants them to. */
import { describe, expect, test } from 'bun:test'
import { SECOND } from '#std/clock.ts'
import { TestLog, type TestSocket } from '#tests/support/event-log.ts'
import { didNamed } from '#tests/support/service.ts'
import { until } from '#tests/support/until.ts'

const ALICE = didNamed('alice')
const BOBBY = didNamed('bobby')
const MB = 1024 * 1024

/** Turns of the firehose, until nothing is left to do. */
async function settled(): Promise<void> {
  for (let i = 0; i < 25; i++) await Bun.sleep(0)
}

test('consumers at the head, behind it and before everything get every event once, in order', async () => {
  using log = new TestLog()
  const old = Array.from({ length: 50 }, () => log.append())
  using firehose = log.firehose()
  const [all, middle, live] = [log.socket(), log.socket(), log.socket()]
  firehose.open(all, 0)
  firehose.open(middle, old[24] ?? 0)
  firehose.open(live, null)
  const recent = Array.from({ length: 50 }, () => log.append())
  await settled()
  const last = log.append()

  expect(all.seqs).toEqual([...old, ...recent, last])
  expect(middle.seqs).toEqual([...old.slice(25), ...recent, last])
  expect(live.seqs).toEqual([...recent, last])
})

test('random consumers of random events, large and small, miss nothing and get nothing twice', async () => {
  using log = new TestLog()
  const announced: number[] = []
  for (let i = 0; i < 300; i++) announced.push(append(log))
  using firehose = log.firehose()
  const consumers: { socket: TestSocket; from: number | null; openedAt: number }[] = []
  for (let round = 0; round < 600; round++) {
    const dice = Math.random()
    if (dice < 0.5) announced.push(append(log))
    else if (dice < 0.6) {
      const socket = log.socket()
      socket.stalls = Math.random() < 0.6
      const from = Math.random() < 0.3 ? null : (announced[Math.floor(Math.random() * announced.length)] ?? 0)
      consumers.push({ socket, from, openedAt: announced.at(-1) ?? 0 })
      firehose.open(socket, from)
    } else if (dice < 0.8) {
      const { socket } = consumers[Math.floor(Math.random() * consumers.length)] ?? {}
      if (!socket || socket.terminated) continue
      socket.drain(Math.random() * 3 * MB)
      firehose.drained(socket)
    } else await new Promise((resolve) => setImmediate(resolve))
  }
  await until(async () => {
    for (const { socket } of consumers) {
      if (socket.terminated) continue
      socket.drain()
      firehose.drained(socket)
    }
    await settled()
    return firehose.counts.behind === 0
  })

  expect(consumers.length).toBeGreaterThan(20)
  for (const { socket, from, openedAt } of consumers) {
    const expected = announced.filter((seq) => seq > (from ?? openedAt))
    expect(socket.seqs).toEqual(socket.terminated ? expected.slice(0, socket.seqs.length) : expected)
  }
}, 60_000)

function append(log: TestLog): number {
  const dice = Math.random()
  if (dice < 0.05) return log.appendLarge(2 * MB * Math.random())
  return log.appendLarge(dice < 0.3 ? 100_000 : 4000)
}

test('events that are logged but not broadcast yet are not sent twice to who knows them already', async () => {
  using log = new TestLog()
  using firehose = log.firehose()
  const [knowing, other] = [log.socket(), log.socket()]
  const first = log.log()
  const second = log.log()
  firehose.open(knowing, first)
  firehose.open(other, null)
  log.publish()
  await settled()
  const third = log.append()

  expect(knowing.seqs).toEqual([second, third])
  expect(other.seqs).toEqual([first, second, third])
})

test('a cursor in a gap that a jump left is not in the future', async () => {
  using log = new TestLog()
  using firehose = log.firehose()
  const last = log.append()
  log.sequencer.bump(last + 1000)
  const socket = log.socket()
  firehose.open(socket, last + 500)
  const next = log.append()
  await settled()

  expect(socket.closed).toBeNull()
  expect(socket.seqs).toEqual([next])
  expect(firehose.counts).toEqual({ atHead: 1, behind: 0, held: 0 })
})

test('a consumer that is overtaken while events are dropped for their age is told so', async () => {
  using log = new TestLog()
  using firehose = log.firehose()
  const socket = log.socket()
  socket.stalls = true
  const seqs = Array.from({ length: 100 }, () => log.appendLarge(200_000))
  firehose.open(socket, 0)
  await settled()
  const taken = socket.seqs.length
  log.sequencer.markApplied(seqs[49] ?? 0)
  while (log.sequencer.pruneStep(log.timers.now() + 1) > 0);
  socket.stalls = false
  socket.drain()
  firehose.drained(socket)
  await settled()

  expect(taken).toBeLessThan(20)
  expect(socket.frames[taken]).toMatchObject({ type: 'info', name: 'OutdatedCursor' })
  expect(socket.seqs.slice(taken)).toEqual(seqs.slice(50))
})

describe('erased events', () => {
  test('are not replayed, from memory or from disk', async () => {
    using log = new TestLog()
    const [first, second] = [log.append(ALICE), log.append(BOBBY)]
    using firehose = log.firehose()
    const [third, fourth] = [log.append(ALICE), log.append(BOBBY)]
    const before = log.socket()
    firehose.open(before, 0)
    await settled()
    log.sequencer.erase(ALICE, third)
    const [all, recent] = [log.socket(), log.socket()]
    firehose.open(all, 0)
    firehose.open(recent, second)
    await settled()

    expect(before.seqs).toEqual([first, second, third, fourth])
    expect(all.seqs).toEqual([second, fourth])
    expect(recent.seqs).toEqual([fourth])
  })

  test('that had not been broadcast never are', async () => {
    using log = new TestLog()
    using firehose = log.firehose()
    const socket = log.socket()
    firehose.open(socket, null)
    const gone = log.log(ALICE)
    const last = log.log(ALICE)
    log.sequencer.erase(ALICE, gone)
    log.publish()
    const late = log.socket()
    firehose.open(late, 0)
    await settled()

    expect(socket.seqs).toEqual([last])
    expect(late.seqs).toEqual([last])
  })
})

describe('a consumer that takes nothing', () => {
  async function stalled(log: TestLog, firehose: ReturnType<TestLog['firehose']>): Promise<TestSocket> {
    const socket = log.socket()
    firehose.open(socket, null)
    socket.stalls = true
    for (let i = 0; i < 30; i++) log.appendLarge(200_000)
    await settled()
    return socket
  }

  test('is given no more than a bounded amount', async () => {
    using log = new TestLog()
    using firehose = log.firehose()

    const socket = await stalled(log, firehose)

    expect(socket.buffered()).toBeLessThan(1.5 * MB)
    expect(firehose.counts).toEqual({ atHead: 0, behind: 1, held: 0 })
  })

  test('is told so after half a minute, and closed when it has taken that', async () => {
    using log = new TestLog()
    using firehose = log.firehose()
    const socket = await stalled(log, firehose)
    log.timers.advance(25 * SECOND)
    const before = socket.frames.at(-1)
    log.timers.advance(10 * SECOND)
    const told = socket.frames.at(-1)
    const { closed } = socket
    socket.drain()
    firehose.drained(socket)

    expect(before).toMatchObject({ type: 'sync' })
    expect(told).toEqual({ type: 'error', error: 'ConsumerTooSlow', message: 'Stream consumer too slow' })
    expect(closed).toBeNull()
    expect(socket.closed).toEqual({ code: 1008, reason: 'ConsumerTooSlow' })
    expect(firehose.counts).toEqual({ atHead: 0, behind: 0, held: 0 })
  })

  test('is cut off when it does not even take that', async () => {
    using log = new TestLog()
    using firehose = log.firehose()
    const socket = await stalled(log, firehose)

    log.timers.advance(70 * SECOND)

    expect(socket.closed).toBeNull()
    expect(socket.terminated).toBe(true)
    expect(firehose.counts).toEqual({ atHead: 0, behind: 0, held: 0 })
  })

  test('is not dropped as long as it takes something now and then', async () => {
    using log = new TestLog()
    using firehose = log.firehose()
    const socket = await stalled(log, firehose)
    for (let i = 0; i < 20; i++) {
      log.timers.advance(20 * SECOND)
      socket.drain(100_000)
      firehose.drained(socket)
      await settled()
    }

    expect(socket.closed).toBeNull()
    expect(socket.terminated).toBe(false)
    expect(firehose.counts.behind).toBe(1)
  })

  test('does not keep others from anything', async () => {
    using log = new TestLog()
    using firehose = log.firehose()
    const live = log.socket()
    firehose.open(live, null)

    await stalled(log, firehose)
    const last = log.append()

    expect(live.seqs.at(-1)).toBe(last)
    expect(live.seqs).toHaveLength(31)
  })
})

test('what waits for all consumers together is bounded, at the cost of those for whom most waits', async () => {
  using log = new TestLog()
  using firehose = log.firehose()
  const sockets = Array.from({ length: 200 }, () => log.socket())
  for (const socket of sockets) {
    firehose.open(socket, null)
    socket.stalls = true
  }
  const live = log.socket()
  firehose.open(live, null)
  for (let i = 0; i < 5; i++) {
    log.appendLarge(1.9 * MB)
    await settled()
  }

  const waiting = sockets.reduce((sum, socket) => sum + (socket.terminated ? 0 : socket.buffered()), 0)
  expect(waiting).toBeLessThan(135 * MB)
  expect(sockets.filter(({ terminated }) => terminated).length).toBeGreaterThan(100)
  await until(() => live.seqs.length === 5)
})

test('a consumer that is heard of no more is dropped, one that answers pings is not', async () => {
  using log = new TestLog()
  using firehose = log.firehose()
  const [silent, answering] = [log.socket(), log.socket()]
  firehose.open(silent, null)
  firehose.open(answering, null)
  for (let i = 0; i < 10; i++) {
    log.timers.advance(30 * SECOND)
    firehose.heard(answering)
  }

  expect(silent.pings).toBe(4)
  expect(silent.closed).toEqual({ code: 1008, reason: 'ConsumerTooSlow' })
  expect(answering.pings).toBe(10)
  expect(answering.closed).toBeNull()
})

test('a connection that takes no frame any more is ended, and the consumer can come back', async () => {
  using log = new TestLog()
  const first = log.append()
  using firehose = log.firehose()
  const socket = log.socket()
  socket.broken = true

  firehose.open(socket, first - 1)
  await settled()

  expect(socket.terminated).toBe(true)
  expect(firehose.counts).toEqual({ atHead: 0, behind: 0, held: 0 })
})

test('a server that stops closes every connection and takes no new one', async () => {
  using log = new TestLog()
  const firehose = log.firehose()
  const [live, behind, late] = [log.socket(), log.socket(), log.socket()]
  firehose.open(live, null)
  firehose.open(behind, 0)

  firehose.stop()
  log.append()
  firehose.open(late, null)
  await settled()

  for (const socket of [live, behind, late]) {
    expect(socket.closed).toEqual({ code: 1001, reason: 'server is stopping' })
    expect(socket.frames).toEqual([])
  }
  firehose[Symbol.dispose]()
})
