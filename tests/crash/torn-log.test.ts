import { expect, test } from 'bun:test'
import { statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { consume } from '#tests/support/firehose-consumer.ts'
import { startPlc } from '#tests/support/plc.ts'
import { until } from '#tests/support/until.ts'
import { exportOf } from './check-host.ts'
import { call, createAccount } from './client.ts'
import { Host } from './host.ts'

test('a log whose tail is torn costs no record, and its numbers are not used again', async () => {
  await using plc = await startPlc()
  await using host = await Host.start({ plcUrl: plc.url })
  const alice = await createAccount(host, 'alice')
  const bob = await createAccount(host, 'bob')
  await using before = await consume(host.url, { plcUrl: plc.url, cursor: 0 })
  const uris: string[] = []
  for (let i = 0; i < 20; i++) {
    const account = i % 2 === 0 ? alice : bob
    const record = { $type: 'com.example.torn', text: `${i}` }
    const input = { repo: account.did, collection: 'com.example.torn', record }
    const { uri } = await call<{ uri: string }>(host, 'com.atproto.repo.createRecord', {
      input,
      token: account.token,
    })
    uris.push(uri)
  }
  const commits = () => before.events.filter(({ type }) => type === 'commit').length
  await until(() => commits() === uris.length + 2)
  const seen = Math.max(...before.events.map((event) => ('seq' in event ? event.seq : 0)))
  await host.kill()
  const log = join(host.data, 'sequencer.sqlite-wal')
  truncateSync(log, Math.floor(statSync(log).size * 0.6) + 7)

  await host.start()

  for (const { did } of [alice, bob]) {
    const { records } = await exportOf(host, did)
    expect([...records.keys()].sort()).toEqual(
      uris
        .filter((uri) => uri.includes(did))
        .map((uri) => uri.split('/').slice(3).join('/'))
        .sort(),
    )
  }
  // both heads are announced anew, with numbers that are new
  await using after = await consume(host.url, { plcUrl: plc.url, cursor: seen })
  await until(() => after.heads.size === 2)
  const head = await call<{ cid: string }>(host, 'com.atproto.sync.getLatestCommit', {
    params: { did: alice.did },
  })
  expect(after.heads.get(alice.did)?.commit).toBe(head.cid)
})
