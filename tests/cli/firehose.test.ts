/** `locus firehose`, as an operator uses it. */
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { Client } from '#cli/client.ts'
import { buildLocus, type LocusServer, locus, startLocus } from '#tests/support/locus.ts'
import { until } from '#tests/support/until.ts'

const POST = 'app.bsky.feed.post'

test('tail prints what was announced, one JSON object per line, the same through every door', async () => {
  await using server = await startLocus()
  const did = await writePost(server, 'alice')

  const { exitCode, stdout } = await server.run('firehose', 'tail', '--cursor', '0', '--limit', '5')
  const network = await locus(['firehose', 'tail', '--cursor', '0', '--limit', '5', ...remotely(server)])
  const numbers = await server.run('firehose', 'tail', '--cursor', '0', '--limit', '5', '-q')
  const document = await server.run('firehose', 'tail', '--cursor', '0', '--limit', '5', '--ops', '--json')
  await server.stop()
  const offline = await locus(['firehose', 'tail', '--cursor', '0', '--data', server.data])

  expect(exitCode).toBe(0)
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const [identity, account, first, sync, commit] = events
  expect(identity).toMatchObject({ kind: 'identity', did, handle: 'alice.test' })
  expect(account).toMatchObject({ kind: 'account', did, active: true })
  expect(first).toMatchObject({ kind: 'commit', did, since: null, opCount: 0 })
  expect(sync).toMatchObject({ kind: 'sync', did, rev: first.rev })
  expect(commit).toMatchObject({ kind: 'commit', did, since: first.rev, opCount: 1 })
  expect(commit.seq).toBe(identity.seq + 4)
  expect(network.stdout).toBe(stdout)
  expect(offline.stdout).toBe(stdout)
  expect(numbers.stdout.trim().split('\n').map(Number)).toEqual(events.map(({ seq }) => seq))
  const [operation] = JSON.parse(document.stdout)[4].ops
  expect(operation).toEqual({ action: 'create', path: expect.stringMatching(POST), cid: expect.any(String) })
})

test('tail follows what is new until the server stops', async () => {
  await using server = await startLocus()
  const tail = Bun.spawn([buildLocus(), 'firehose', 'tail', '--data', server.data], {
    stdout: 'pipe',
    stderr: 'inherit',
  })
  let output = ''
  const reading = (async () => {
    for await (const chunk of tail.stdout) output += Buffer.from(chunk).toString()
  })()
  await until(async () => {
    await writePost(server, `name${output.length}${Math.floor(Math.random() * 1e6)}`.slice(0, 15))
    return output.split('\n').length > 5
  })
  await server.stop()
  await reading

  expect(await tail.exited).toBe(0)
  const kinds = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).kind)
  expect(kinds.join(' ')).toContain('identity account commit sync commit')
})

test('tail refuses what makes no sense', async () => {
  await using server = await startLocus()

  const endless = await server.run('firehose', 'tail', '--json')
  const future = await server.run('firehose', 'tail', '--cursor', '9007199254740000')
  const junk = await server.run('firehose', 'tail', '--cursor', 'junk')

  expect([endless.exitCode, future.exitCode, junk.exitCode]).toEqual([2, 2, 2])
  expect(future.stderr).toContain('ahead of the last event')
})

test('stats counts events and consumers, also after a restart', async () => {
  await using server = await startLocus()
  await writePost(server, 'alice')
  await writePost(server, 'bobby')
  const consumer = new WebSocket(`${server.url.replace('http', 'ws')}/xrpc/com.atproto.sync.subscribeRepos`)
  await new Promise((resolve) => {
    consumer.onopen = resolve
  })

  const { exitCode, stdout } = await server.run('firehose', 'stats', '--json')
  const found = JSON.parse(stdout)
  consumer.terminate()
  await server.stop('SIGKILL')
  const offline = JSON.parse((await locus(['firehose', 'stats', '--json', '--data', server.data])).stdout)

  expect(exitCode).toBe(0)
  expect(found).toMatchObject({
    commits: 4,
    syncs: 2,
    identities: 2,
    accounts: 2,
    lastDay: 10,
    prunedThrough: 0,
    windowSeconds: 72 * 3600,
    atHead: 1,
    behind: 0,
    held: 0,
  })
  expect(found.lastSeq).toBe(found.firstSeq + 9)
  expect(offline).toMatchObject({ commits: 4, lastDay: 10, firstSeq: found.firstSeq, atHead: 0 })
})

test('prune drops what is older, and who was behind is told so', async () => {
  await using server = await startLocus()
  await writePost(server, 'alice')
  const unconfirmed = await server.run('firehose', 'prune', '--older', '0')
  const nothing = await server.run('firehose', 'prune', '--json')
  await Bun.sleep(1100)

  const pruned = await server.run('firehose', 'prune', '--older', '1s', '--yes', '--json')
  const did = await writePost(server, 'bobby')
  const left = await server.run('firehose', 'tail', '--cursor', '1', '--limit', '1', '--json')

  expect(unconfirmed.exitCode).toBe(9)
  expect(JSON.parse(nothing.stdout)).toMatchObject({ events: 0, prunedThrough: 0 })
  expect(JSON.parse(pruned.stdout)).toMatchObject({ events: 5, prunedThrough: expect.any(Number) })
  expect(JSON.parse(left.stdout)).toMatchObject([
    { kind: 'info', name: 'OutdatedCursor' },
    { kind: 'identity', did },
  ])
})

test('bump lets numbers jump ahead, never back', async () => {
  await using server = await startLocus()
  await writePost(server, 'alice')
  const { lastSeq } = JSON.parse((await server.run('firehose', 'stats', '--json')).stdout)
  const to = lastSeq + 1_000_000

  const unconfirmed = await server.run('firehose', 'bump', '--to', `${to}`)
  const bumped = await server.run('firehose', 'bump', '--to', `${to}`, '--yes', '-q')
  const back = await server.run('firehose', 'bump', '--to', `${lastSeq}`, '--yes')
  const none = await server.run('firehose', 'bump', '--yes')
  await writePost(server, 'bobby')
  const tail = await server.run('firehose', 'tail', '--cursor', `${to}`, '--limit', '1', '-q')

  expect(unconfirmed.exitCode).toBe(9)
  expect(bumped.stdout).toBe(`${to}\n`)
  expect(back.exitCode).toBe(2)
  expect(back.stderr).toContain('is not below')
  expect(none.exitCode).toBe(2)
  expect(tail.stdout).toBe(`${to + 1}\n`)
})

/** Makes an account that writes one post: five events. @returns its DID */
async function writePost(server: LocusServer, name: string): Promise<string> {
  const input = { handle: `${name}.test`, email: `${name}@example.com`, password: `password-of-${name}` }
  const { did, accessJwt } = await new Client(fetch, server.url).call(
    'com.atproto.server.createAccount',
    input,
  )
  const account = new Client(fetch, server.url, { authorization: `Bearer ${accessJwt}` })
  const record = { $type: POST, text: 'hello', createdAt: new Date().toISOString() }
  await account.call('com.atproto.repo.createRecord', { repo: did, collection: POST, record })
  return did
}

/** The options that reach the server over the network. */
function remotely(server: LocusServer): string[] {
  return ['--url', server.url, '--admin-password-file', join(server.data, 'secrets', 'admin-password')]
}
