import { expect, test } from 'bun:test'
import { consume } from '#tests/support/firehose-consumer.ts'
import { startPlc } from '#tests/support/plc.ts'
import { checkHost, checkWriters, History } from './check-host.ts'
import { createAccount } from './client.ts'
import { Host } from './host.ts'
import { Writer } from './writers.ts'

const ROUNDS = Number(process.env.LOCUS_CRASH_ROUNDS ?? 5)
const ACCOUNTS = 4
const WRITERS = 8
const MOST_WRITES = 400
const ROUND_MS = 30_000

test(
  `no acknowledged write is lost, and log and repositories agree, when the server is killed ${ROUNDS} times under load`,
  async () => {
    await using plc = await startPlc() // outlives the server, so that who listens can check until the end
    await using host = await Host.start({ plcUrl: plc.url })
    const history = new History()
    const accounts = await Promise.all(
      Array.from({ length: ACCOUNTS }, (_, i) => createAccount(host, `alice${i}`)),
    )
    const dids = accounts.map(({ did }) => did)
    const writers = Array.from({ length: WRITERS }, (_, i) => new Writer(`w${i}`, accounts[i % ACCOUNTS]!))
    const startTimes: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      await writeUntilKilled(host, writers, history)
      if (round % 3 === 2) await killWhileStarting(host)

      startTimes.push(await host.start())

      const exports = await checkHost(host, dids, history)
      checkWriters(writers, exports, history)
    }
    expect(writers.flatMap(({ refusals }) => refusals)).toEqual([])
    report(startTimes, writers, host.log)
  },
  ROUNDS * ROUND_MS,
)

test('a server that is asked to stop under load answers what it took, tells its consumers, and ends', async () => {
  await using plc = await startPlc()
  await using host = await Host.start({ plcUrl: plc.url })
  const history = new History()
  const alice = await createAccount(host, 'alice')
  const writers = Array.from({ length: 4 }, (_, i) => new Writer(`w${i}`, alice))
  await using consumer = await consume(host.url, { plcUrl: plc.url })
  const enough = Promise.withResolvers<void>()
  let written = 0
  const work = writers.map((writer) =>
    writer.write(
      host,
      () => true,
      () => {
        if (++written === 100) enough.resolve()
      },
    ),
  )
  await enough.promise

  await host.stop()

  await Promise.all(work)
  expect(await consumer.untilClosed()).toMatchObject({ code: 1001 })
  expect(consumer.faults).toEqual([])
  history.note(consumer.events)
  await host.start()
  checkWriters(writers, await checkHost(host, [alice.did], history), history)
})

/** Lets all writers work, and kills the server after a random number of writes, at a random moment. */
async function writeUntilKilled(host: Host, writers: readonly Writer[], history: History): Promise<void> {
  await using consumer = await consume(host.url, { plcUrl: host.plcUrl, checked: history.checked })
  const writes = Math.floor(Math.random() * MOST_WRITES)
  let written = 0
  const enough = Promise.withResolvers<void>()
  const count = () => {
    if (++written >= writes) enough.resolve()
  }
  const work = writers.map((writer) => writer.write(host, () => true, count))
  await Promise.race([enough.promise, Promise.all(work)])
  await moment()
  await host.kill()
  await Promise.all(work)
  await consumer.untilClosed()
  expect(consumer.faults).toEqual([])
  history.note(consumer.events)
}

/** A crash while the last one is being repaired. */
async function killWhileStarting(host: Host): Promise<void> {
  host.launch()
  await moment(150)
  await host.kill()
}

/** A random moment within the next few milliseconds. */
function moment(withinMs = 5): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * withinMs))
}

function report(startTimes: readonly number[], writers: readonly Writer[], log: string): void {
  const sorted = startTimes.toSorted((a, b) => a - b)
  const median = sorted[sorted.length >> 1] ?? 0
  const commits = writers.reduce((sum, writer) => sum + writer.commits.length, 0)
  const redone = log.split('store brought up to date').length - 1
  console.log(
    `${ROUNDS} kills, ${commits} commits acknowledged, ${redone} stores redone; healthy after ${median.toFixed()} ms (median), ${sorted.at(-1)?.toFixed()} ms (most)`,
  )
}
