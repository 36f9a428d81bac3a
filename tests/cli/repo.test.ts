import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from '#cli/client.ts'
import { DataLayout } from '#config/layout.ts'
import { TemporaryDirectory } from '#tests/support/directory.ts'
import { buildLocus, type LocusServer, locus, locusOnTerminal, startLocus } from '#tests/support/locus.ts'
import { verifyExport } from '#tests/support/verify-export.ts'

/** An account with some posts. */
async function withPosts(server: LocusServer, name: string, count: number) {
  const client = new Client(fetch, server.url)
  const { did, accessJwt } = await client.call('com.atproto.server.createAccount', {
    handle: `${name}.test`,
    email: `${name}@example.com`,
    password: 'correct horse',
  })
  const account = new Client(fetch, server.url, { authorization: `Bearer ${accessJwt}` })
  const post = (text: string) =>
    account.call('com.atproto.repo.createRecord', {
      repo: did,
      collection: 'app.bsky.feed.post',
      record: { text, createdAt: new Date().toISOString() },
    })
  for (let i = 0; i < count; i++) await post(`post ${i}`)
  const { stdout } = await server.run('account', 'show', did, '--json')
  const { signingKey: didKey, rev } = JSON.parse(stdout)
  return { did, didKey, rev, post }
}

test('export-car writes a repository that verifies with the key of the account', async () => {
  await using server = await startLocus()
  using directory = new TemporaryDirectory()
  const { did, didKey, rev } = await withPosts(server, 'alice', 20)
  const file = join(directory.path, 'alice.car')

  const { exitCode, stdout } = await server.run('export-car', '@alice.test', '-o', file)

  const car = await Bun.file(file).bytes()
  const exported = await verifyExport(car, { did, didKey })
  expect(exitCode).toBe(0)
  expect(stdout).toBe(`did\t${did}\nfile\t${file}\nbytes\t${car.length}\n`)
  expect(exported.rev).toBe(rev)
  expect(exported.records.size).toBe(20)
  expect(readdirSync(directory.path)).toEqual(['alice.car'])
})

test('export-car writes to a pipe, and to no terminal', async () => {
  await using server = await startLocus()
  const { did, didKey } = await withPosts(server, 'alice', 3)

  const args = ['export-car', 'alice.test', '--data', server.data]
  const piped = Bun.spawn([buildLocus(), ...args], { stdout: 'pipe', stderr: 'ignore' })
  const terminal = await locusOnTerminal(args)

  expect((await verifyExport(await piped.stdout.bytes(), { did, didKey })).records.size).toBe(3)
  expect(terminal.exitCode).toBe(2)
  expect(terminal.screen).toContain('-o')
})

test('export-car --since leaves out what is older', async () => {
  await using server = await startLocus()
  const { rev, post } = await withPosts(server, 'alice', 30)
  await post('the last one')

  const whole = await server.run('export-car', 'alice.test')
  const part = await server.run('export-car', 'alice.test', '--since', rev)

  expect(part.exitCode).toBe(0)
  expect(whole.stdout).toContain('post 5')
  expect(part.stdout).not.toContain('post 5')
  expect(part.stdout).toContain('the last one')
})

test('export-car of an account that is not there leaves no file', async () => {
  await using server = await startLocus()
  using directory = new TemporaryDirectory()
  const file = join(directory.path, 'nobody.car')

  const { exitCode } = await server.run('export-car', 'nobody.test', '-o', file)
  const byDid = await server.run('export-car', `did:plc:${'a'.repeat(24)}`, '-o', file)

  expect([exitCode, byDid.exitCode]).toEqual([4, 4])
  expect(existsSync(file)).toBe(false)
})

test('export-car says which directory is missing', async () => {
  await using server = await startLocus()
  using directory = new TemporaryDirectory()
  await withPosts(server, 'alice', 1)
  const missing = join(directory.path, 'none')

  const nowhere = await server.run('export-car', 'alice.test', '-o', join(missing, 'alice.car'))
  const onDirectory = await server.run('export-car', 'alice.test', '-o', directory.path)

  expect(nowhere).toMatchObject({
    exitCode: 4,
    stderr: `error: there is no directory ${missing}\nmake it first\n`,
  })
  expect(onDirectory).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('is a directory') })
  expect(readdirSync(directory.path)).toEqual([])
})

test('export-car needs no operator for what is public anyway', async () => {
  await using server = await startLocus()
  const { did } = await withPosts(server, 'alice', 1)

  const { exitCode, stdout } = await locus(['export-car', did, '--url', server.url])

  expect(exitCode).toBe(0)
  expect(stdout).toContain('post 0')
})

test('repo verify finds nothing wrong with sound repositories', async () => {
  await using server = await startLocus()
  const alice = await withPosts(server, 'alice', 5)
  const bob = await withPosts(server, 'bob', 0)

  const named = await server.run('repo', 'verify', 'alice.test')
  const all = await server.run('repo', 'verify', '--all')

  expect(named).toMatchObject({ exitCode: 0, stdout: `${alice.did}\talice.test\t${alice.rev}\t5\tok\n` })
  expect(all).toMatchObject({
    exitCode: 0,
    stdout: `${named.stdout}${bob.did}\tbob.test\t${bob.rev}\t0\tok\n`,
  })
})

test('repo verify tells of a damaged repository and ends with 8', async () => {
  using directory = new TemporaryDirectory()
  await using server = await startLocus({ data: directory.path })
  const { did } = await withPosts(server, 'alice', 5)
  await withPosts(server, 'bob', 1)
  await server.stop()
  using store = new Database(new DataLayout(directory.path).actor(did).store)
  store.run(`UPDATE record SET content = CAST(replace(CAST(content AS TEXT), 'post 3', 'post X') AS BLOB)
             WHERE instr(content, CAST('post 3' AS BLOB))`)

  const { exitCode, stdout, stderr } = await locus([
    'repo',
    'verify',
    '--all',
    '--json',
    '--data',
    directory.path,
  ])

  const [alice, bob] = JSON.parse(stdout)
  expect(exitCode).toBe(8)
  expect(stderr).toContain('1')
  expect(alice.problems).toEqual([expect.stringContaining('does not hash to its CID')])
  expect(bob.problems).toEqual([])
})

test('repo verify wants accounts or --all', async () => {
  for (const args of [[], ['alice.test', '--all']]) {
    expect((await locus(['repo', 'verify', ...args])).exitCode).toBe(2)
  }
})
