/** When relays are asked to crawl, on a clock that the test moves. */
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { Crawlers } from '#federation/crawlers.ts'
import { encodeIdentityFrame } from '#repo/events.ts'
import { Sequencer } from '#sequencer/sequencer.ts'
import { HOUR, MINUTE, SECOND } from '#std/clock.ts'
import { createSafeFetch } from '#std/safe-fetch.ts'
import { configureLog } from '#telemetry/log.ts'
import { TemporaryDirectory } from '#tests/support/directory.ts'
import { didNamed } from '#tests/support/service.ts'
import { TestTimers } from '#tests/support/timers.ts'
import { until } from '#tests/support/until.ts'

const ALICE = didNamed('alice')

test('every relay is asked at the start, by the name of the host', async () => {
  await using world = new World(2)

  world.crawlers.start()
  await world.asked(0, 1)
  await world.asked(1, 1)

  expect(world.relays[0]!.bodies).toEqual([{ hostname: 'pds.example.com' }])
  expect(world.relays[1]!.bodies).toEqual([{ hostname: 'pds.example.com' }])
})

test('what happens within twenty minutes of a request is told at their end, once', async () => {
  await using world = new World()
  world.crawlers.start()
  await world.asked(0, 1)

  for (let i = 0; i < 10; i++) {
    world.append()
    await world.pass(MINUTE)
  }
  expect(world.count()).toBe(1)
  await world.pass(10 * MINUTE)

  expect(world.count()).toBe(2)
})

test('who has nothing new to tell does not ask', async () => {
  await using world = new World()
  world.crawlers.start()
  await world.asked(0, 1)

  await world.pass(5 * HOUR)

  expect(world.count()).toBe(1)
  world.append()
  await world.asked(0, 2)
})

test('a relay that does not take the request is asked again with growing pauses, and then as ever', async () => {
  await using world = new World()
  const [relay] = world.relays as [StubRelay]
  relay.status = 503
  world.crawlers.start()
  await world.asked(0, 1)

  const pauses = [10 * SECOND, 40 * SECOND, 160 * SECOND, 640 * SECOND, 2560 * SECOND, HOUR, HOUR]
  for (const [i, pause] of pauses.entries()) {
    world.append() // does not hurry it
    await world.settled(i + 1)
    expect(world.timers.next).toBe(pause)
    await world.pass(pause)
    await world.asked(0, i + 2)
  }
  relay.status = 200
  await world.settled(pauses.length + 1)
  await world.pass(HOUR)
  await world.settled(pauses.length + 2)

  expect(world.timers.next).toBeNull()
  expect(world.crawlers.lastCrawl(relay.url)?.outcome).toMatchObject({ ok: true, status: 200 })
})

test('a request and its outcome are logged once, a refusal with its reason', async () => {
  await using world = new World()
  const [relay] = world.relays as [StubRelay]
  relay.status = 400
  world.crawlers.start()
  await world.settled(1)
  relay.status = 200
  for (let i = 2; i < 6; i++) {
    world.append()
    await world.pass(HOUR)
    await world.settled(i)
  }

  const lines = world.log.map(({ level, message, status }) => [level, message, status])
  expect(lines).toEqual([
    ['warn', 'crawl request failed', 400],
    ['info', 'crawl requested', 200],
  ])
  expect(world.log[0]!.reason).toContain('host server unreachable')
})

test('a relay that is not there is an outcome like any other', async () => {
  await using world = new World()
  const [relay] = world.relays as [StubRelay]
  await relay[Symbol.asyncDispose]()

  const outcome = await world.crawlers.requestCrawl(relay.url)

  expect(outcome).toMatchObject({ ok: false, status: null })
  expect(outcome.message).not.toBe('')
})

test('a relay that the operator names besides is asked once, and not again', async () => {
  await using world = new World()
  await using other = new StubRelay()
  other.status = 503

  const outcome = await world.crawlers.requestCrawl(other.url)

  expect(outcome).toMatchObject({ relay: other.url, ok: false, status: 503 })
  expect(world.timers.next).toBeNull()
})

test('relays that are added are asked, those that are taken away are not any more', async () => {
  await using world = new World()
  await using other = new StubRelay()
  const [relay] = world.relays as [StubRelay]
  world.crawlers.start()
  await world.settled(1)

  world.crawlers.setRelays([other.url])
  await until(() => other.bodies.length === 1)
  world.append()
  await world.pass(HOUR)
  await until(() => other.bodies.length === 2)

  expect(relay.bodies).toHaveLength(1)
})

test('a clock that is set back does not put a request off for long', async () => {
  await using world = new World()
  world.crawlers.start()
  await world.settled(1)
  world.timers.setBack(10 * HOUR)

  world.append()

  expect(world.timers.next).toBe(20 * MINUTE)
})

test('nothing is asked after the end', async () => {
  await using world = new World()
  const [relay] = world.relays as [StubRelay]
  relay.status = 503
  world.crawlers.start()
  world.crawlers[Symbol.dispose]()
  await until(() => relay.bodies.length === 1)
  await world.settled(1)

  world.append()
  await world.pass(HOUR)

  expect(world.timers.next).toBeNull()
  expect(relay.bodies).toHaveLength(1)
})

/** Takes crawl requests and answers them as it is told. */
class StubRelay implements AsyncDisposable {
  readonly bodies: unknown[] = []
  status = 200
  private readonly server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: async (request) => {
      this.bodies.push(await request.json())
      if (this.status === 200) return Response.json({})
      return Response.json(
        { error: 'HostNotFound', message: 'host server unreachable' },
        { status: this.status },
      )
    },
  })
  readonly url = this.server.url.origin

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop(true)
  }
}

class World implements AsyncDisposable {
  readonly timers = new TestTimers()
  readonly relays: readonly StubRelay[]
  readonly crawlers: Crawlers
  readonly log: Record<string, unknown>[] = []
  private readonly directory = new TemporaryDirectory()
  private readonly sequencer: Sequencer

  constructor(relayCount = 1) {
    const { timers } = this
    this.relays = Array.from({ length: relayCount }, () => new StubRelay())
    const path = join(this.directory.path, 'sequencer.sqlite')
    this.sequencer = new Sequencer({ path, clock: timers, durability: 'relaxed' })
    this.crawlers = new Crawlers({
      relays: this.relays.map(({ url }) => url),
      host: 'pds.example.com',
      fetch: createSafeFetch({ userAgent: 'test', protection: true, allowLoopback: false }),
      clock: timers,
      timers,
      sequencer: this.sequencer,
    })
    configureLog({ level: 'info', format: 'json', write: (line) => void this.log.push(JSON.parse(line)) })
  }

  append(): void {
    const { sequencer } = this
    sequencer.begin()
    const encode = (seq: number, time: string) => encodeIdentityFrame({ seq, time, did: ALICE })
    sequencer.append({ did: ALICE, kind: 'identity', encode })
    sequencer.publish(sequencer.commit())
  }

  /** Lets time pass; what is asked then is answered before more of it does. */
  async pass(ms: number): Promise<void> {
    this.timers.advance(ms)
    await until(() => this.relays.every(({ url }) => this.crawlers.lastCrawl(url)?.outcome !== null))
  }

  count(relay = 0): number {
    return this.relays[relay]!.bodies.length
  }

  async asked(relay: number, times: number): Promise<void> {
    await until(() => this.count(relay) === times)
  }

  /** Waits until the first relay was asked so often, and has answered. */
  async settled(times: number): Promise<void> {
    await this.asked(0, times)
    await until(() => this.crawlers.lastCrawl(this.relays[0]!.url)?.outcome !== null)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.crawlers[Symbol.dispose]()
    this.sequencer.close()
    for (const relay of this.relays) await relay[Symbol.asyncDispose]()
    this.directory[Symbol.dispose]()
    configureLog({ level: 'silent' })
  }
}
