/** A head that is signed anew without a change of the records: on the stream, and for stores that have to follow. */
import { expect, test } from 'bun:test'
import { copyFileSync, rmSync } from 'node:fs'
import type { Did } from '#lexicon/strings.ts'
import { formatCid } from '#repo/cid.ts'
import { TemporaryDirectory } from '#tests/support/directory.ts'
import { consume } from '#tests/support/firehose-consumer.ts'
import { type Pds, startPds, type TestAccount } from '#tests/support/pds.ts'
import { startPlc } from '#tests/support/plc.ts'

const POST = 'app.bsky.feed.post'

test('a renewed head has a newer rev and the same tree, and commits go on from it', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  await post(alice, 'before')
  await using consumer = await consume(pds.url, { plcUrl: pds.app.config.plcUrl, cursor: 0 })
  const before = headOf(pds, alice.did)

  await pds.app.committer.announce(alice.did, [{ type: 'sync', newerThan: before.rev }])
  await post(alice, 'after')
  await consumer.waitForSeq(pds.app.sequencer.lastSeq)

  const [, , created, , posted, sync, next] = consumer.of(alice.did)
  expect(sync).toMatchObject({ type: 'sync' })
  expect(sync).toMatchObject({ data: posted && 'data' in posted ? posted.data : '' })
  expect(next).toMatchObject({ type: 'commit', since: sync && 'rev' in sync ? sync.rev : '' })
  expect(created?.type).toBe('commit')
  expect(consumer.faults).toEqual([])
  expect((await pds.app.repos.verify(alice.did)).problems).toEqual([])
})

test('a head that is newer already is announced as it is', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const first = headOf(pds, alice.did)
  await post(alice, 'newer')
  const before = headOf(pds, alice.did)

  await pds.app.committer.announce(alice.did, [{ type: 'sync', newerThan: first.rev }])

  expect(headOf(pds, alice.did)).toEqual(before)
})

test('a store that knows nothing of a renewal is brought up to it', async () => {
  await using plc = await startPlc()
  using data = new TemporaryDirectory()
  const start = () => startPds({ data: data.path, settings: { 'plc.url': plc.url } })
  let did: Did
  let storePath: string
  {
    await using pds = await start()
    const alice = await pds.createAccount('alice')
    await post(alice, 'before')
    did = alice.did
    storePath = pds.app.layout.actor(did).store
  }
  copyFileSync(storePath, `${storePath}.older`)
  let head: ReturnType<typeof headOf>
  {
    await using pds = await start()
    await pds.app.committer.announce(did, [{ type: 'sync', newerThan: headOf(pds, did).rev }])
    head = headOf(pds, did)
  }
  for (const part of ['-wal', '-shm']) rmSync(storePath + part, { force: true })
  copyFileSync(`${storePath}.older`, storePath)

  await using pds = await start()

  expect(headOf(pds, did)).toEqual(head)
  const report = await pds.app.repos.verify(did)
  expect(report).toMatchObject({ rev: head.rev, problems: [] })
})

function headOf(pds: Pds, did: Did) {
  const { rev, cid } = pds.app.repos.head(did)
  return { rev, cid: formatCid(cid) }
}

async function post(account: TestAccount, text: string): Promise<void> {
  const record = { $type: POST, text, createdAt: new Date().toISOString() }
  await account.call('com.atproto.repo.createRecord', { repo: account.did, collection: POST, record })
}
