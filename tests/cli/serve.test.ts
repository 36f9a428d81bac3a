import { expect, test } from 'bun:test'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from '#cli/client.ts'
import { TemporaryDirectory } from '#tests/support/directory.ts'
import { buildLocus, type LocusServer, locus, locusOnTerminal, startLocus } from '#tests/support/locus.ts'
import { NotifySocket } from '#tests/support/notify.ts'
import { until } from '#tests/support/until.ts'

const alice = { handle: 'alice.test', email: 'alice@example.com', password: 'correct horse' }
const DEV = ['--dev', '--port', '0', '--plc-port', '0']

test('serve --dev is ready in an empty directory, and everything is kept across a restart', async () => {
  using directory = new TemporaryDirectory()
  const data = join(directory.path, 'data')
  await using first = await startLocus({ data })
  const { did } = await new Client(fetch, first.url).call('com.atproto.server.createAccount', alice)
  await first.stop()

  await using second = await startLocus({ data })
  const client = new Client(fetch, second.url)
  const session = await client.call('com.atproto.server.createSession', {
    identifier: alice.handle,
    password: alice.password,
  })

  expect(session.did).toBe(did)
})

test('serve --dev keeps everything to its owner', async () => {
  await using server = await startLocus()

  expect(statSync(server.ready.adminSocket).mode & 0o077).toBe(0)
  expect(statSync(join(server.data, 'secrets')).mode & 0o077).toBe(0)
})

test('the lines that a development server says to try work as they stand', async () => {
  using directory = new TemporaryDirectory()
  const server = Bun.spawn([buildLocus(), 'serve', '--data', directory.path, ...DEV], { stderr: 'ignore' })
  let said = ''
  for await (const chunk of server.stdout) {
    said += Buffer.from(chunk).toString()
    if (said.includes('Ctrl-C')) break
  }
  const lines = said.slice(said.indexOf('Try it'), said.indexOf('Ctrl-C')).split('\n').slice(1).join('\n')

  const { stdout, stderr } = Bun.spawnSync(['bash', '-euo', 'pipefail', '-c', lines])
  server.kill()
  await server.exited

  expect(stderr.toString()).toBe('')
  expect(stdout.toString()).toContain('"accessJwt"')
  expect(stdout.toString()).toContain('"text":"hello"')
  expect(stdout.toString()).toContain('\talice.test\talice@example.com\tactive\t')
})

test('SIGTERM closes cleanly', async () => {
  await using server = await startLocus()

  const exitCode = await server.stop('SIGTERM')

  expect(exitCode).toBe(0)
  expect(existsSync(server.ready.adminSocket)).toBe(false)
  expect(server.log()).toContain('"stopping"')
})

/** A sign-up whose body has begun to arrive. */
async function unfinishedSignUp(server: LocusServer) {
  const body = JSON.stringify(alice)
  const head = [
    'POST /xrpc/com.atproto.server.createAccount HTTP/1.1',
    'host: localhost',
    'content-type: application/json',
    `content-length: ${body.length}`,
  ].join('\r\n')
  let answer = ''
  const connection = await Bun.connect({
    hostname: '127.0.0.1',
    port: server.ready.port,
    socket: {
      data(_, data) {
        answer += data.toString()
      },
    },
  })
  connection.write(`${head}\r\n\r\n${body.slice(0, 10)}`)
  await fetch(`${server.url}/xrpc/_health`) // by its answer the server has read the head as well
  return { finish: () => void connection.write(body.slice(10)), answer: () => answer }
}

test('SIGTERM lets a request that is under way finish, and takes no others', async () => {
  await using server = await startLocus()
  const signUp = await unfinishedSignUp(server)

  const ended = server.stop('SIGTERM')
  await until(() => server.log().includes('"stopping"'))
  const late = fetch(`${server.url}/xrpc/_health`, { keepalive: false })
  await expect(late).rejects.toThrow()
  signUp.finish()

  expect(await ended).toBe(0)
  expect(signUp.answer()).toStartWith('HTTP/1.1 200 OK')
  expect(signUp.answer()).toContain('"accessJwt"')
})

test('a request that does not finish is cut off when the time to drain is over', async () => {
  await using server = await startLocus({ args: [...DEV, '--set', 'drain_timeout=200ms'] })
  await unfinishedSignUp(server)

  expect(await server.stop('SIGTERM')).toBe(0)
  expect(server.log()).toContain('cut off')
})

test('a second signal ends the server at once', async () => {
  await using server = await startLocus()
  await unfinishedSignUp(server)

  const ended = server.stop('SIGTERM')
  await until(() => server.log().includes('"stopping"'))
  server.child.kill('SIGTERM')

  expect(await ended).toBe(130)
})

test('SIGINT closes cleanly too, and says that it was interrupted', async () => {
  await using server = await startLocus()

  expect(await server.stop('SIGINT')).toBe(130)
})

test('a second server on the same directory is refused, and the first one goes on', async () => {
  await using server = await startLocus()

  const second = await locus(['serve', '--data', server.data, ...DEV])

  expect(second.exitCode).toBe(10)
  expect(second.stderr).toContain('another process')
  expect((await fetch(`${server.url}/xrpc/_health`)).status).toBe(200)
})

test('a directory without configuration is refused with what to do', async () => {
  using directory = new TemporaryDirectory()

  const { exitCode, stderr } = await locus(['serve', '--data', directory.path])

  expect(exitCode).toBe(3)
  expect(stderr).toContain('locus init')
  expect(stderr).toContain('hostname')
})

test('--check tells whether a server would start, and starts none', async () => {
  using directory = new TemporaryDirectory()

  const data = join(directory.path, 'data')
  const good = await locus(['serve', '--check', '--data', data, ...DEV])
  const bad = await locus(['serve', '--check', '--data', data, ...DEV, '--set', 'durability=soft'])

  expect(good).toMatchObject({ exitCode: 0, stdout: '' })
  expect(existsSync(data)).toBe(false)
  expect(bad.exitCode).toBe(3)
  expect(bad.stderr).toContain('durability')
})

test('a port or an address that cannot be had is told with its setting and what to do', async () => {
  await using server = await startLocus()
  using directory = new TemporaryDirectory()
  const { port, plcPort } = server.ready
  const attempt = (...args: string[]) => locus(['serve', '--dev', '--data', directory.path, ...args])

  const taken = await attempt('--plc-port', '0', '--port', String(port))
  const plcTaken = await attempt('--port', '0', '--plc-port', String(plcPort))
  const foreign = await attempt('--port', '0', '--plc-port', '0', '--listen', '192.0.2.1')
  const nowhere = await attempt('--port', '0', '--plc-port', '0', '--listen', 'unix:/nonexistent/x.sock')

  expect(taken.exitCode).toBe(10)
  expect(taken.stderr).toContain(`port (--port): port ${port} is taken`)
  expect(plcTaken.exitCode).toBe(10)
  expect(plcTaken.stderr).toContain(`plc.port (--plc-port): port ${plcPort} is taken`)
  expect(plcTaken.stderr).toContain('--plc-port 0')
  expect(foreign.exitCode).toBe(3)
  expect(foreign.stderr).toContain('listen (--listen): 192.0.2.1')
  expect(nowhere.exitCode).toBe(3)
  expect(nowhere.stderr).toContain('listen (--listen): /nonexistent/x.sock')
})

test('--dev is refused on the data of a production server, and a development directory stays one', async () => {
  using directory = new TemporaryDirectory()
  const production = join(directory.path, 'production')
  const made = await locus(['init', production, '--hostname', 'pds.example.com', '--yes'])
  expect(made.exitCode).toBe(0)

  const refused = await locus(['serve', '--data', production, ...DEV])
  await using first = await startLocus({ data: join(directory.path, 'dev') })
  await first.stop()
  await using second = await startLocus({ data: first.data, args: ['--port', '0', '--plc-port', '0'] })

  expect(refused.exitCode).toBe(3)
  expect(refused.stderr).toContain('dev (--dev)')
  expect(refused.stderr).toContain(join(production, 'locus.toml'))
  expect(existsSync(join(production, 'service.sqlite'))).toBe(false)
  expect(second.url).toStartWith('http://localhost:')
})

test('a development directory keeps the ports that it was made with', async () => {
  using directory = new TemporaryDirectory()
  await using probe = await startLocus()
  const { port, plcPort } = probe.ready
  await probe.stop()
  const ports = ['--port', String(port), '--plc-port', String(plcPort)]
  await using first = await startLocus({ data: directory.path, args: ['--dev', ...ports] })
  await first.stop()

  const create = ['account', 'create', 'alice.test', '--email', 'alice@example.com', '--password-stdin']
  const created = await locus([...create, '--json', '--data', directory.path], { stdin: 'correct horse' })
  await using second = await startLocus({ data: directory.path, args: [] })
  const { did } = JSON.parse(created.stdout)
  const document = await (await fetch(`http://localhost:${plcPort}/${did}`)).text()
  await second.stop()
  await using moved = await startLocus({ data: directory.path, args: ['--port', '0'] })

  expect(second.ready).toMatchObject({ port, plcPort })
  expect(document).toContain(`"http://localhost:${port}"`)
  expect(second.log()).not.toContain('DID documents')
  expect(moved.log()).toContain(`name http://localhost:${port} in their DID documents`)
})

test('SIGHUP takes the new values of what can be reloaded, and a faulty file changes nothing', async () => {
  await using server = await startLocus()
  const file = join(server.data, 'locus.toml')
  const client = new Client(fetch, server.url)
  const described = () => client.call('com.atproto.server.describeServer')
  expect((await described()).inviteCodeRequired).toBe(false)

  writeFileSync(
    file,
    `${readFileSync(file, 'utf8')}\n[service]\ncontact_email = "op@example.com"\n[invites]\nrequired = true\n`,
  )
  server.child.kill('SIGHUP')
  await until(async () => (await described()).inviteCodeRequired === true)
  writeFileSync(file, 'durability = "soft"\n')
  server.child.kill('SIGHUP')
  await until(() => server.log().includes('not reloaded'))

  expect(await described()).toMatchObject({ inviteCodeRequired: true, contact: { email: 'op@example.com' } })
  await expect(client.call('com.atproto.server.createAccount', alice)).rejects.toMatchObject({
    error: 'InvalidInviteCode',
  })
})

test('a server whose terminal is closed stops', async () => {
  using directory = new TemporaryDirectory()
  const args = ['serve', '--data', directory.path, ...DEV]

  const { exitCode } = await locusOnTerminal(args, { type: [{ after: 'Ctrl-C', text: null }] })

  expect(exitCode).toBe(0)
  expect(existsSync(join(directory.path, 'admin.sock'))).toBe(false)
})

test('SIGHUP takes new relays, limits and log levels', async () => {
  const asked = new Set<string>()
  await using relay = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request) {
      asked.add(new URL(request.url).pathname)
      return new Response()
    },
  })
  await using server = await startLocus()
  const limited = async () => (await fetch(`${server.url}/xrpc/com.atproto.server.describeServer`)).headers
  expect((await limited()).get('ratelimit-limit')).toBeNull()

  const reloaded = `dev = true
crawlers = ["http://localhost:${relay.port}"]
[rate_limits]
enabled = true
[log]
level = "debug"
`
  writeFileSync(join(server.data, 'locus.toml'), reloaded)
  server.child.kill('SIGHUP')

  await until(() => asked.has('/xrpc/com.atproto.sync.requestCrawl'))
  expect((await limited()).get('ratelimit-limit')).not.toBeNull()
  await until(() => server.log().includes('"level":"debug"'))
})

test('systemd is told when the server is ready, reloads and stops', async () => {
  using manager = new NotifySocket()
  await using server = await startLocus({ env: { NOTIFY_SOCKET: manager.path, WATCHDOG_USEC: '20000' } })

  await manager.receive('READY=1')
  await manager.receive('WATCHDOG=1')
  server.child.kill('SIGHUP')
  const reloading = await manager.receive('RELOADING=1')
  await until(() => manager.received().filter((message) => message === 'READY=1').length === 2)
  await server.stop()
  await manager.receive('STOPPING=1')

  expect(reloading).toMatch(/^RELOADING=1\nMONOTONIC_USEC=\d{6,}$/)
})
