import { expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from '#cli/client.ts'
import { TemporaryDirectory } from '#tests/support/directory.ts'
import { type LocusServer, locus, startLocus } from '#tests/support/locus.ts'

const DID = /^did:plc:[a-z2-7]{24}$/

/** Makes `<name>.test` and gives its DID and its generated password. */
async function create(server: LocusServer, name: string): Promise<{ did: string; password: string }> {
  const email = `${name}@example.com`
  const { stdout, stderr } = await server.run(
    ...['account', 'create', `${name}.test`, '--email', email, '--generate', '--show-secret', '--json'],
  )
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

function logIn(server: LocusServer, identifier: string, password: string) {
  return new Client(fetch, server.url).call('com.atproto.server.createSession', { identifier, password })
}

test('account create makes an account that can log in with the generated password', async () => {
  await using server = await startLocus()

  const { did, password } = await create(server, 'alice')

  expect(did).toMatch(DID)
  expect(await logIn(server, 'alice.test', password)).toMatchObject({ did, handle: 'alice.test' })
})

test('account create takes the password from stdin or from a file, never from its arguments', async () => {
  await using server = await startLocus()
  const file = join(server.data, 'password')
  writeFileSync(file, 'from a file\nsecond line')
  const create = ['account', 'create', '--data', server.data]

  const first = await locus([...create, 'alice.test', '--email', 'alice@example.com', '--password-stdin'], {
    stdin: 'from standard input\n',
  })
  const second = await locus([...create, 'bob.test', '--email', 'bob@example.com', '--password-file', file])
  const third = await locus([...create, 'carol.test', '--email', 'carol@example.com', '--password', 'x'])

  expect(first).toMatchObject({ exitCode: 0, stderr: '' })
  expect(first.stdout).not.toContain('password')
  expect(second.exitCode).toBe(0)
  expect(third.exitCode).toBe(2)
  await logIn(server, 'alice.test', 'from standard input')
  await logIn(server, 'bob.test', 'from a file')
})

test('account create does nothing when its password could not be shown or asked for', async () => {
  await using server = await startLocus()
  const args = ['account', 'create', 'alice.test', '--email', 'alice@example.com']

  const hidden = await server.run(...args, '--generate')
  const unasked = await server.run(...args)

  expect(hidden).toMatchObject({ exitCode: 2, stdout: '' })
  expect(hidden.stderr).toContain('--show-secret')
  expect(unasked).toMatchObject({ exitCode: 2, stdout: '' })
  expect(unasked.stderr).toContain('--password-stdin')
  expect((await server.run('account', 'list')).stdout).toBe('')
})

test('account create needs no invite where others do, and may give a reserved handle', async () => {
  await using server = await startLocus({
    args: ['--dev', '--port', '0', '--plc-port', '0', '--set', 'invites.required=true'],
  })

  const { did } = await create(server, 'admin')

  expect(did).toMatch(DID)
})

test('account create says what is wrong by exit code and message', async () => {
  await using server = await startLocus()
  await create(server, 'alice')
  const attempt = (handle: string, email: string) =>
    server.run('account', 'create', handle, '--email', email, '--generate', '--show-secret')

  expect(await attempt('alice.test', 'other@example.com')).toMatchObject({
    exitCode: 5,
    stdout: '',
    stderr: 'error: Handle already taken: alice.test\n',
  })
  expect(await attempt('other.test', 'alice@example.com')).toMatchObject({ exitCode: 5 })
  expect(await attempt('no handle', 'other@example.com')).toMatchObject({ exitCode: 2 })
  expect(await attempt('foreign.example.com', 'other@example.com')).toMatchObject({ exitCode: 2 })
  expect(await attempt('other.test', 'nonsense')).toMatchObject({ exitCode: 2 })
})

test('account list finds accounts by a part of their names and by status', async () => {
  await using server = await startLocus()
  const alice = await create(server, 'alice')
  const bob = await create(server, 'bob')

  const all = await server.run('account', 'list')
  const quiet = await server.run('account', 'list', '-q')
  const found = await server.run('account', 'list', '--search', 'ALICE@', '-q')
  const deactivated = await server.run('account', 'list', '--status', 'deactivated')
  const json = await server.run('account', 'list', '--json')
  const lines = await server.run('account', 'list', '--jsonl')

  const row = (did: string, name: string) =>
    new RegExp(`^${did}\t${name}.test\t${name}@example.com\tactive\t\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z$`)
  const rows = all.stdout.trimEnd().split('\n')
  expect(rows).toEqual([
    expect.stringMatching(row(alice.did, 'alice')),
    expect.stringMatching(row(bob.did, 'bob')),
  ])
  expect(quiet.stdout).toBe(`${alice.did}\n${bob.did}\n`)
  expect(found.stdout).toBe(`${alice.did}\n`)
  expect(deactivated).toMatchObject({ exitCode: 0, stdout: '' })
  expect(JSON.parse(json.stdout)).toMatchObject([{ did: alice.did, status: 'active' }, { did: bob.did }])
  expect(
    lines.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual(JSON.parse(json.stdout))
})

test('account list goes through all pages, or stops at its limit and says so', async () => {
  await using server = await startLocus()
  for (const name of ['alice', 'bob', 'carol']) await create(server, name)

  const two = await server.run('account', 'list', '-q', '--limit', '2')
  const all = await server.run('account', 'list', '-q', '--all')

  expect(two.stdout.trimEnd().split('\n')).toHaveLength(2)
  expect(two.stderr).toContain('--all')
  expect(all.stdout.trimEnd().split('\n')).toHaveLength(3)
  expect(all.stderr).toBe('')
})

test('an account is named by DID, handle, @handle or e-mail address, in any case', async () => {
  await using server = await startLocus()
  const { did } = await create(server, 'alice')

  for (const name of [
    did,
    'alice.test',
    '@alice.test',
    'Alice.TEST',
    'alice@example.com',
    'ALICE@example.com',
  ]) {
    const { exitCode, stdout } = await server.run('account', 'show', name, '-q')
    expect({ name, exitCode, stdout }).toEqual({ name, exitCode: 0, stdout: `${did}\n` })
  }
})

test('several accounts come as arguments or as lines of stdin', async () => {
  await using server = await startLocus()
  const alice = await create(server, 'alice')
  const bob = await create(server, 'bob')
  const both = `${alice.did}\n${bob.did}\n`

  const byArguments = await server.run('account', 'show', 'alice.test', 'bob.test', '-q')
  const byLines = await locus(['account', 'show', '-', '-q', '--data', server.data], {
    stdin: '@alice.test\n\n  bob@example.com  \n',
  })

  expect(byArguments.stdout).toBe(both)
  expect(byLines.stdout).toBe(both)
})

test('an account that is not there is 4 alone, and 11 among others that are', async () => {
  await using server = await startLocus()
  const { did } = await create(server, 'alice')

  const alone = await server.run('account', 'show', 'nobody.test')
  const mixed = await server.run('account', 'show', 'nobody.test', 'alice.test', '-q')
  const none = await server.run('account', 'show', 'nobody.test', '@neither.test')

  expect(alone).toMatchObject({ exitCode: 4, stdout: '', stderr: 'error: Account not found\n' })
  expect(mixed).toMatchObject({ exitCode: 11, stdout: `${did}\n` })
  expect(mixed.stderr).toContain('nobody.test: Account not found')
  expect(none.exitCode).toBe(4)
})

test('one JSON document tells what was found and what was not', async () => {
  await using server = await startLocus()
  const { did } = await create(server, 'alice')
  const missing = { account: 'zzz.test', error: 'NotFound', message: 'Account not found' }

  for (const verb of [
    ['account', 'show'],
    ['repo', 'verify'],
    ['account', 'delete', '--yes'],
  ]) {
    const none = await server.run(...verb, 'zzz.test', 'zzz.test', '--json')
    const lines = await server.run('account', 'show', 'zzz.test', 'alice.test', '--jsonl')
    const mixed = await server.run(...verb, 'zzz.test', 'alice.test', '--json')

    expect(mixed.exitCode).toBe(11)
    expect(mixed.stderr).toContain('zzz.test: Account not found')
    expect(JSON.parse(mixed.stdout)).toMatchObject([missing, { did, handle: 'alice.test' }])
    expect(none.exitCode).toBe(4)
    expect(JSON.parse(none.stdout)).toEqual([missing, missing])
    expect(lines.exitCode).toBe(11)
    expect(
      lines.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).error),
    ).toEqual(['NotFound', undefined])
  }
})

test('a handle elsewhere is refused with the domains that there are', async () => {
  await using server = await startLocus()

  const args = ['--email', 'alice@example.com', '--generate', '--show-secret']
  const { exitCode, stderr } = await server.run('account', 'create', 'alice.example.com', ...args)

  expect(exitCode).toBe(2)
  expect(stderr).toBe('error: Not a supported handle domain\nhandles here end in .test\n')
})

test('account show tells the state of the repository', async () => {
  await using server = await startLocus()
  const { did } = await create(server, 'alice')

  const { stdout } = await server.run('account', 'show', 'alice.test', '--json')

  const latest = await new Client(fetch, server.url).call('com.atproto.sync.getLatestCommit', { did })
  expect(JSON.parse(stdout)).toMatchObject({
    did,
    handle: 'alice.test',
    email: 'alice@example.com',
    status: 'active',
    rev: latest.rev,
    commit: latest.cid,
    signingKey: expect.stringMatching(/^did:key:z/),
  })
})

test('account password changes the password and ends the sessions', async () => {
  await using server = await startLocus()
  const { password } = await create(server, 'alice')
  const { refreshJwt } = await logIn(server, 'alice.test', password)

  const changed = await locus(
    ['account', 'password', '@alice.test', '--password-stdin', '--data', server.data],
    {
      stdin: 'something else',
    },
  )

  expect(changed.exitCode).toBe(0)
  await logIn(server, 'alice.test', 'something else')
  await expect(logIn(server, 'alice.test', password)).rejects.toMatchObject({ status: 401 })
  const refresh = new Client(fetch, server.url, { authorization: `Bearer ${refreshJwt}` })
  await expect(refresh.call('com.atproto.server.refreshSession')).rejects.toMatchObject({
    error: 'ExpiredToken',
  })
})

test('account password refuses a password that is too short', async () => {
  await using server = await startLocus()
  const { password } = await create(server, 'alice')

  const refused = await locus(
    ['account', 'password', 'alice.test', '--password-stdin', '--data', server.data],
    {
      stdin: 'short',
    },
  )

  expect(refused.exitCode).toBe(2)
  await logIn(server, 'alice.test', password)
})

test('account delete wants a confirmation, which nobody can give without a terminal', async () => {
  await using server = await startLocus()
  await create(server, 'alice')

  const { exitCode, stdout, stderr } = await server.run('account', 'delete', 'alice.test')

  expect({ exitCode, stdout }).toEqual({ exitCode: 9, stdout: '' })
  expect(stderr).toContain('--yes')
  expect((await server.run('account', 'show', 'alice.test')).exitCode).toBe(0)
})

test('account delete --yes deletes, and says what it deleted', async () => {
  await using server = await startLocus()
  const alice = await create(server, 'alice')
  const bob = await create(server, 'bob')

  const deleted = await server.run('account', 'delete', 'alice.test', 'bob.test', '--yes')

  expect(deleted).toMatchObject({ exitCode: 0, stdout: `${alice.did}\n${bob.did}\n` })
  expect((await server.run('account', 'list')).stdout).toBe('')
  await expect(
    new Client(fetch, server.url).call('com.atproto.sync.getRepo', { did: alice.did }),
  ).rejects.toMatchObject({ error: 'RepoNotFound' })
})

test('a password that systemd hands over is taken', async () => {
  await using server = await startLocus()
  using credentials = new TemporaryDirectory()
  writeFileSync(join(credentials.path, 'account-password'), 'from systemd\n')

  const { exitCode } = await locus(
    ['account', 'create', 'alice.test', '--email', 'alice@example.com', '--data', server.data],
    { env: { CREDENTIALS_DIRECTORY: credentials.path } },
  )

  expect(exitCode).toBe(0)
  await logIn(server, 'alice.test', 'from systemd')
})
