import { expect, test } from 'bun:test'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { TemporaryDirectory } from '#tests/support/directory.ts'
import { consume } from '#tests/support/firehose-consumer.ts'
import { startPlc } from '#tests/support/plc.ts'
import { until } from '#tests/support/until.ts'
import { checkHost, History } from './check-host.ts'
import { call, createAccount } from './client.ts'
import { canTrace, DiskModel, readCalls, traced } from './disk-trace.ts'
import { Host } from './host.ts'
import { Writer } from './writers.ts'

const CUTS = Number(process.env.LOCUS_POWER_CUTS ?? 6)
const WRITES = 150
const CUT_MS = 20_000
/** as frames have them: DAG-CBOR of `rev`, and of `seq` with its head and eight bytes */
const REV_AND_SEQ = /crevm([2-7a-z]{13})cseq.(.{8})/gs

test.skipIf(!canTrace())(
  `what was acknowledged or announced is there after a power cut, at ${CUTS} moments of a run`,
  async () => {
    using directory = new TemporaryDirectory()
    await using plc = await startPlc()
    const data = join(directory.path, 'data')
    const trace = join(directory.path, 'trace')
    mkdirSync(data, { mode: 0o700 })
    const dids = await record(data, trace, plc.url)
    const calls = readCalls(readFileSync(trace, 'latin1'))
    const first = calls.findIndex(({ text }) => text.includes(hexOf('"commit":{"cid":"')))
    expect(first).toBeGreaterThan(0)
    const cuts = Array.from(
      { length: CUTS },
      () => first + 1 + Math.floor(Math.random() * (calls.length - first)),
    )
    cuts.sort((a, b) => a - b)

    const model = new DiskModel(data)
    let done = 0
    for (const [i, cut] of cuts.entries()) {
      for (; done < cut; done++) model.apply(calls[done]!)
      const after = join(directory.path, `cut-${i}`)
      // every other time some of what was not synced has reached the disk too, in any order
      model.writeTo(after, i % 2 === 0 ? undefined : () => Math.random() < 0.5)

      await using host = await Host.start({ data: after, plcUrl: plc.url })

      await checkAfterCut(host, dids, model.sent)
    }
  },
  60_000 + CUTS * CUT_MS,
)

/** A run under load whose every write and fsync ends up in `trace`. @returns who had an account before the first record */
async function record(data: string, trace: string, plcUrl: string): Promise<string[]> {
  await using host = await Host.start({ data, plcUrl, under: traced(trace) })
  const accounts = [await createAccount(host, 'alice'), await createAccount(host, 'bob')]
  await using consumer = await consume(host.url, { plcUrl })
  const writers = Array.from({ length: 4 }, (_, i) => new Writer(`w${i}`, accounts[i % 2]!))
  let written = 0
  await Promise.all(
    writers.map((writer) =>
      writer.write(
        host,
        () => written < WRITES,
        () => void written++,
      ),
    ),
  )
  await host.kill()
  await consumer.untilClosed()
  expect(consumer.faults).toEqual([])
  await until(() => readFileSync(trace, 'latin1').includes('+++ killed by SIGKILL +++'))
  return accounts.map(({ did }) => did)
}

/** Whatever a client or a consumer was sent before the cut is true after it. */
async function checkAfterCut(host: Host, had: readonly string[], sent: readonly string[]): Promise<void> {
  const { repos } = await call<{ repos: { did: string }[] }>(host, 'com.atproto.sync.listRepos')
  const dids = repos.map(({ did }) => did)
  expect(dids).toEqual(expect.arrayContaining([...had]))
  const history = new History()
  await checkHost(host, dids, history)
  const text = sent.join('')
  const commits = [...text.matchAll(/"commit":\{"cid":"(bafyrei[a-z2-7]+)"/g)].map(([, cid]) => cid)
  expect(commits.filter((cid) => cid !== undefined && !history.commits.has(cid))).toEqual([])
  const announced = [...text.matchAll(REV_AND_SEQ)]
  for (const [, rev, bytes = ''] of announced) {
    const seq = Number(Buffer.from(bytes, 'latin1').readBigUInt64BE())
    expect([seq, history.revOf(seq)]).toEqual([seq, rev])
  }
}

function hexOf(text: string): string {
  return [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16)}`).join('')
}
