import { expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from '#cli/client.ts'
import { TemporaryDirectory } from '#tests/support/directory.ts'
import { type LocusServer, locus, startLocus } from '#tests/support/locus.ts'

async function withAccounts(server: LocusServer): Promise<void> {
  for (const name of ['alice', 'bob']) {
    const args = ['account', 'create', `${name}.test`, '--email', `${name}@example.com`]
    expect((await server.run(...args, '--generate', '--show-secret')).exitCode).toBe(0)
  }
}

/** The options that reach `server` through the network as its operator. */
function remotely(server: LocusServer): string[] {
  return ['--url', server.url, '--admin-password-file', join(server.data, 'secrets', 'admin-password')]
}

const readings = [
  ['account', 'list'],
  ['account', 'list', '--json'],
  ['account', 'show', 'alice.test', 'bob@example.com'],
  ['account', 'show', 'nobody.test'],
  ['invite', 'list'],
  ['invite', 'show', 'localhost-aaaaa-aaaaa'],
  ['export-car', 'alice.test'],
  ['repo', 'verify', '--all'],
]

test('a command prints the same through the socket, the network, and without a server', async () => {
  using directory = new TemporaryDirectory()
  await using server = await startLocus({ data: directory.path })
  await withAccounts(server)
  await server.run('invite', 'create', '-n', '2')

  const run = (door: readonly string[]) => Promise.all(readings.map((args) => locus([...args, ...door])))
  const bySocket = await run(['--data', server.data])
  const byNetwork = await run(remotely(server))
  await server.stop()
  const results = []
  for (const args of readings) results.push(await locus([...args, '--data', directory.path]))

  expect(bySocket.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 4, 0, 4, 0, 0])
  expect(byNetwork).toEqual(bySocket)
  expect(results).toEqual(bySocket)
})

test('a refusal has the same exit code and message through every door', async () => {
  using directory = new TemporaryDirectory()
  await using server = await startLocus({ data: directory.path })
  await withAccounts(server)
  const refused = [
    ['alice.test', 'other@example.com'],
    ['other.test', 'alice@example.com'],
    ['no handle', 'other@example.com'],
    ['foreign.example.com', 'other@example.com'],
    ['other.test', 'nonsense'],
  ].map(([handle = '', email = '']) => ['account', 'create', handle, '--email', email, '--password-stdin'])
  const attempt = async (door: readonly string[]) => {
    const results = []
    for (const args of refused) results.push(await locus([...args, ...door], { stdin: 'correct horse' }))
    const args = ['account', 'create', 'short.test', '--email', 'short@example.com', '--password-stdin']
    return [...results, await locus([...args, ...door], { stdin: 'short' })]
  }

  const bySocket = await attempt(['--data', server.data])
  const byNetwork = await attempt(remotely(server))
  await server.stop()
  const inProcess = await attempt(['--data', directory.path])

  expect(bySocket.map(({ exitCode }) => exitCode)).toEqual([5, 5, 2, 2, 2, 2])
  expect(byNetwork).toEqual(bySocket)
  expect(inProcess).toEqual(bySocket)
})

test('a server that tells no kinds of errors is understood by names and statuses', async () => {
  let answer = { status: 400, error: 'HandleNotAvailable' }
  await using stranger = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: () => Response.json({ error: answer.error, message: 'no' }, { status: answer.status }),
  })
  const did = `did:plc:${'a'.repeat(24)}`
  const exitCodeAt = async (status: number, error: string) => {
    answer = { status, error }
    return (await locus(['export-car', did, '--url', `http://localhost:${stranger.port}`])).exitCode
  }

  expect(await exitCodeAt(400, 'HandleNotAvailable')).toBe(5)
  expect(await exitCodeAt(400, 'RepoNotFound')).toBe(4)
  expect(await exitCodeAt(400, 'InvalidRequest')).toBe(2)
  expect(await exitCodeAt(400, 'ExpiredToken')).toBe(6)
  expect(await exitCodeAt(403, 'Forbidden')).toBe(6)
  expect(await exitCodeAt(429, 'RateLimitExceeded')).toBe(75)
  expect(await exitCodeAt(503, 'NotEnoughResources')).toBe(75)
  expect(await exitCodeAt(502, 'UpstreamFailure')).toBe(7)
  expect(await exitCodeAt(500, 'InternalServerError')).toBe(1)
})

test("an account's token exports repositories by handle, and for all else the operator is asked for", async () => {
  await using server = await startLocus()
  const { accessJwt } = await new Client(fetch, server.url).call('com.atproto.server.createAccount', {
    handle: 'alice.test',
    email: 'alice@example.com',
    password: 'correct horse',
  })
  const token = join(server.data, 'token')
  writeFileSync(token, accessJwt)
  const run = (...args: string[]) => locus([...args, '--url', server.url, '--token-file', token])

  const exported = await run('export-car', '@alice.test')
  const anonymous = await locus(['export-car', 'alice.test', '--url', server.url])
  const missing = await run('export-car', 'nobody.test')
  const byEmail = await run('export-car', 'alice@example.com')

  expect(exported.exitCode).toBe(0)
  expect(anonymous.exitCode).toBe(0)
  expect(missing.exitCode).toBe(4)
  expect(byEmail).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('operator') })
  for (const args of [
    ['account', 'list'],
    ['account', 'show', 'alice.test'],
    ['invite', 'create'],
    ['status'],
    ['repo', 'verify', '--all'],
  ]) {
    const { exitCode, stderr } = await run(...args)
    expect({ args, exitCode }).toEqual({ args, exitCode: 6 })
    expect(stderr).toContain('--admin-password-file')
  }
})

test('what is changed without a server is there when one starts', async () => {
  using directory = new TemporaryDirectory()
  await using first = await startLocus({ data: directory.path })
  await first.stop()

  const create = ['account', 'create', 'alice.test', '--email', 'alice@example.com', '--password-stdin']
  const created = await locus([...create, '--data', directory.path], { stdin: 'correct horse' })
  await using second = await startLocus({ data: directory.path })

  expect(created.exitCode).toBe(0)
  expect((await second.run('account', 'show', 'alice.test')).exitCode).toBe(0)
})

test('two commands without a server do not work on the same directory at once', async () => {
  using directory = new TemporaryDirectory()
  await using server = await startLocus({ data: directory.path })
  await server.stop()

  const both = await Promise.all(
    Array.from({ length: 8 }, () => locus(['account', 'list', '--data', directory.path])),
  )

  const exitCodes = new Set(both.map(({ exitCode }) => exitCode))
  expect(exitCodes.has(0)).toBe(true)
  expect([...exitCodes].every((exitCode) => exitCode === 0 || exitCode === 10)).toBe(true)
})

test('the socket that a killed server left is passed by', async () => {
  using directory = new TemporaryDirectory()
  await using server = await startLocus({ data: directory.path })
  await withAccounts(server)
  await server.stop('SIGKILL')

  const { exitCode, stdout } = await locus(['account', 'list', '-q', '--data', directory.path])

  expect(exitCode).toBe(0)
  expect(stdout.trimEnd().split('\n')).toHaveLength(2)
})

test('a directory that is not there is bad configuration, and is not made', async () => {
  using directory = new TemporaryDirectory()
  const missing = join(directory.path, 'none')

  const { exitCode, stderr } = await locus(['account', 'list', '--data', missing])

  expect(exitCode).toBe(3)
  expect(stderr).toContain(missing)
  expect(await Bun.file(missing).exists()).toBe(false)
})

test('over the network, who does not prove to be the operator is refused', async () => {
  await using server = await startLocus()
  const wrong = join(server.data, 'wrong')
  writeFileSync(wrong, 'not the password\n')

  const anonymous = await locus(['account', 'list', '--url', server.url])
  const mistaken = await locus(['account', 'list', '--url', server.url, '--admin-password-file', wrong])

  expect(anonymous.exitCode).toBe(6)
  expect(anonymous.stderr).toContain('--admin-password-file')
  expect(mistaken.exitCode).toBe(6)
})

test('over the network, address and password may come from the environment or from systemd', async () => {
  await using server = await startLocus()
  const file = join(server.data, 'secrets', 'admin-password')
  const password = (await Bun.file(file).text()).trim()
  const list = (env: Record<string, string>) =>
    locus(['account', 'list'], { env: { LOCUS_URL: server.url, ...env } })

  const results = [
    await list({ LOCUS_ADMIN_PASSWORD: password }),
    await list({ PDS_ADMIN_PASSWORD: password }),
    await list({ LOCUS_ADMIN_PASSWORD_FILE: file }),
    await list({ CREDENTIALS_DIRECTORY: join(server.data, 'secrets') }),
  ]

  expect(results.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0])
})

test('over the network, a password of the environment does not go to an address that was typed', async () => {
  const seen: (string | null)[] = []
  await using stranger = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request) {
      seen.push(request.headers.get('authorization'))
      return Response.json({ error: 'AuthMissing', message: 'who?' }, { status: 401 })
    },
  })
  using directory = new TemporaryDirectory()
  writeFileSync(join(directory.path, 'admin-password'), 'secret\n')
  const env = {
    LOCUS_ADMIN_PASSWORD: 'secret',
    LOCUS_ADMIN_PASSWORD_FILE: join(directory.path, 'admin-password'),
    LOCUS_TOKEN_FILE: join(directory.path, 'admin-password'),
    CREDENTIALS_DIRECTORY: directory.path,
  }

  const { exitCode } = await locus(['account', 'list', '--url', `http://localhost:${stranger.port}`], { env })

  expect(exitCode).toBe(6)
  expect(seen).toEqual([null])
})

test('over the network, a password is not sent in the clear', async () => {
  using directory = new TemporaryDirectory()
  const file = join(directory.path, 'password')
  writeFileSync(file, 'secret\n')

  const { exitCode, stderr } = await locus([
    'account',
    'list',
    '--url',
    'http://pds.example',
    '--admin-password-file',
    file,
  ])

  expect(exitCode).toBe(2)
  expect(stderr).toContain('https')
})

test('a server that cannot be reached is an upstream failure', async () => {
  const { exitCode, stderr } = await locus(['account', 'list', '--url', 'http://localhost:1'])

  expect(exitCode).toBe(7)
  expect(stderr).toContain('http://localhost:1')
})

test('what is no address of a server is wrong usage', async () => {
  for (const url of ['pds.example', 'ftp://pds.example', '']) {
    expect((await locus(['account', 'list', '--url', url])).exitCode).toBe(2)
  }
})

test('healthcheck knows nothing but 0 and 1', async () => {
  await using server = await startLocus()

  const well = await server.run('healthcheck')
  const remote = await locus(['healthcheck', '--url', server.url])
  await server.stop('SIGKILL')
  const gone = await server.run('healthcheck')
  const unreachable = await locus(['healthcheck', '--url', 'http://localhost:1'])

  expect([well.exitCode, remote.exitCode, gone.exitCode, unreachable.exitCode]).toEqual([0, 0, 1, 1])
  expect(well.stdout).toBe('')
})

test('status tells whether a server runs', async () => {
  using directory = new TemporaryDirectory()
  await using server = await startLocus({ data: directory.path })

  const running = await server.run('status', '--json')
  await server.stop()
  const stopped = await locus(['status', '--json', '--data', directory.path])

  expect(JSON.parse(running.stdout)).toMatchObject({ running: true, publicUrl: server.url, accounts: 0 })
  expect(JSON.parse(stopped.stdout)).toMatchObject({ running: false, accounts: 0 })
})

test('a server is reached even while its configuration has faults', async () => {
  await using server = await startLocus()
  writeFileSync(join(server.data, 'locus.toml'), 'dev = true\ndurability = "soft"\n')

  const { exitCode } = await server.run('account', 'list')

  expect(exitCode).toBe(0)
})
