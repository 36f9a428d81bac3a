import { expect, test } from 'bun:test'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TemporaryDirectory } from '#tests/support/directory.ts'
import { locus, locusOnTerminal } from '#tests/support/locus.ts'

const HOSTNAME = ['--hostname', 'pds.example.com']

/** The permissions of every file and directory below `root`, by their paths. */
function modes(root: string): Record<string, string> {
  const paths = ['', ...readdirSync(root, { recursive: true, encoding: 'utf8' })]
  return Object.fromEntries(
    paths.map((path) => [path, (statSync(join(root, path)).mode & 0o777).toString(8)]),
  )
}

test('init makes a data directory that only its owner can read, and a server can start there', async () => {
  using directory = new TemporaryDirectory()
  const data = join(directory.path, 'pds')

  const made = await locus(['init', data, ...HOSTNAME, '--email', 'admin@example.com', '--json'])
  const checked = await locus(['config', 'validate', '--data', data])

  expect(made.exitCode).toBe(0)
  expect(JSON.parse(made.stdout)).toMatchObject({ dataDirectory: data, url: 'https://pds.example.com' })
  expect(modes(data)).toEqual({
    '': '700',
    'locus.toml': '600',
    secrets: '700',
    'secrets/admin-password': '600',
    'secrets/jwt-secret': '600',
    'secrets/plc-rotation-key': '600',
  })
  expect(checked).toMatchObject({ exitCode: 0, stdout: '' })
})

test('init prints what to do next, and no secret', async () => {
  using directory = new TemporaryDirectory()
  const data = join(directory.path, 'pds')

  const { stdout, stderr } = await locus(['init', data, ...HOSTNAME])

  for (const part of [`locus serve --data ${data}`, '*.pds.example.com', 'http://localhost:2583/tls-check']) {
    expect(stderr).toContain(part)
  }
  for (const name of readdirSync(join(data, 'secrets'))) {
    expect(stdout + stderr).not.toContain(readFileSync(join(data, 'secrets', name), 'utf8').trim())
  }
})

test('init writes what options and environment say into locus.toml, and secrets into files of their own', async () => {
  using directory = new TemporaryDirectory()
  const data = join(directory.path, 'pds')
  const options = ['--handle-domain', '.a.example', '--handle-domain', '.b.example', '--port', '3000']
  const env = {
    PDS_SERVICE_NAME: 'Ours',
    PDS_JWT_SECRET: 'a secret from another server, kept',
    PDS_EMAIL_SMTP_URL: 'smtps://me:password@mail.example',
    PDS_EMAIL_FROM_ADDRESS: 'pds@example.com',
  }

  await locus(['init', data, ...HOSTNAME, ...options, '--relay', 'none', '--set', 'durability=relaxed'], {
    env,
  })
  const shown = await locus(['config', 'show', '--data', data, '--json'])

  const values = Object.fromEntries(
    JSON.parse(shown.stdout).map((row: { key: string; value: unknown }) => [row.key, row.value]),
  )
  expect(values).toMatchObject({
    hostname: 'pds.example.com',
    port: 3000,
    durability: 'relaxed',
    crawlers: [],
    'service.name': 'Ours',
    'handles.domains': ['.a.example', '.b.example'],
    'invites.required': true,
    'email.smtp_url': '***',
    'email.from_address': 'pds@example.com',
  })
  expect(readFileSync(join(data, 'secrets/jwt-secret'), 'utf8')).toBe('a secret from another server, kept\n')
  expect(readFileSync(join(data, 'secrets/smtp-url'), 'utf8')).toBe('smtps://me:password@mail.example\n')
  expect(readFileSync(join(data, 'locus.toml'), 'utf8')).not.toMatch(/password@|kept/)
})

test('init --print-only shows all of it with secrets as *** and touches nothing', async () => {
  using directory = new TemporaryDirectory()
  const data = join(directory.path, 'pds')

  const { stdout, exitCode } = await locus([
    'init',
    data,
    ...HOSTNAME,
    '--recovery-key',
    'generate',
    '--print-only',
  ])

  expect(exitCode).toBe(0)
  expect(stdout).toContain(`${data}/secrets/jwt-secret  0600: ***`)
  expect(stdout).toContain('hostname = "pds.example.com"')
  expect(stdout).not.toContain('did:key:z')
  expect(readdirSync(directory.path)).toEqual([])
})

test('init leaves a directory that holds something alone', async () => {
  using directory = new TemporaryDirectory()
  const data = join(directory.path, 'pds')
  await locus(['init', data, ...HOSTNAME])
  const before = readFileSync(join(data, 'secrets/jwt-secret'), 'utf8')
  const other = join(directory.path, 'other')
  mkdirSync(other)
  writeFileSync(join(other, 'thesis.tex'), '')

  const again = await locus(['init', data, ...HOSTNAME, '--yes'])
  const elsewhere = await locus(['init', other, ...HOSTNAME, '--yes'])

  expect(again).toMatchObject({
    exitCode: 5,
    stderr: expect.stringContaining('is the data directory of a server'),
  })
  expect(elsewhere).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('is not empty') })
  expect(readFileSync(join(data, 'secrets/jwt-secret'), 'utf8')).toBe(before)
  expect(readdirSync(other)).toEqual(['thesis.tex'])
})

test('init uses an empty directory that is there, and closes it to others', async () => {
  using directory = new TemporaryDirectory()
  const data = join(directory.path, 'pds')
  mkdirSync(data, { mode: 0o755 })

  const { exitCode } = await locus(['init', '--data', data, ...HOSTNAME])

  expect(exitCode).toBe(0)
  expect(modes(data)['']).toBe('700')
})

test('init without a hostname and without a terminal says which option is needed', async () => {
  using directory = new TemporaryDirectory()
  const data = join(directory.path, 'pds')

  const { stderr, exitCode } = await locus(['init', data])

  expect(exitCode).toBe(2)
  expect(stderr).toContain('--hostname is needed')
  expect(existsSync(data)).toBe(false)
})

test('init refuses wrong values with the option that gave them, and makes nothing', async () => {
  using directory = new TemporaryDirectory()
  const data = join(directory.path, 'pds')
  const wrong = [
    '--hostname',
    'https://pds.example.com',
    '--handle-domain',
    'example.com',
    '--recovery-key',
    'did:key:x',
  ]

  const { stderr, exitCode } = await locus(['init', data, ...wrong])

  expect(exitCode).toBe(3)
  for (const place of [
    'hostname (--hostname)',
    'handles.domains (--handle-domain)',
    'plc.recovery_did_key (--recovery-key)',
  ]) {
    expect(stderr).toContain(place)
  }
  expect(existsSync(data)).toBe(false)
})

test('a generated recovery key is shown once and its secret part kept nowhere', async () => {
  using directory = new TemporaryDirectory()
  const data = join(directory.path, 'pds')
  const args = ['init', data, ...HOSTNAME, '--recovery-key', 'generate', '--json']

  const hidden = await locus(args)
  const shown = await locus([...args, '--show-secret'])

  expect(hidden).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--show-secret') })
  const { recoveryKey, recoverySecretHex } = JSON.parse(shown.stdout)
  expect(recoverySecretHex).toMatch(/^[0-9a-f]{64}$/)
  const inspected = await locus(['key', 'inspect', '-', '--json'], { stdin: recoverySecretHex })
  expect(inspected.stdout).toContain(recoveryKey)
  for (const [path] of Object.entries(modes(data)).filter(([name]) => name !== '' && name !== 'secrets')) {
    expect(readFileSync(join(data, path), 'utf8')).not.toContain(recoverySecretHex)
  }
  const { stdout } = await locus(['config', 'get', 'plc.recovery_did_key', '--data', data])
  expect(stdout.trim()).toBe(recoveryKey)
})

test('init --account makes the first account', async () => {
  using directory = new TemporaryDirectory()
  const data = join(directory.path, 'dev')
  const account = ['--account', '@alice.test', '--account-email', 'alice@example.com', '--password-stdin']

  const made = await locus(['init', data, '--dev', ...account, '--json'], {
    stdin: 'correct horse battery\n',
  })
  const listed = await locus(['account', 'list', '--data', data])

  expect(made.exitCode).toBe(0)
  expect(JSON.parse(made.stdout)).toMatchObject({
    handle: 'alice.test',
    account: expect.stringMatching(/^did:plc:/),
  })
  expect(made.stdout + made.stderr).not.toContain('correct horse')
  expect(listed.stdout).toContain('alice.test\talice@example.com\tactive')
})

test('init keeps the directory when the first account cannot be made, and says how to try again', async () => {
  using directory = new TemporaryDirectory()
  const data = join(directory.path, 'dev')
  const account = ['--account', 'not_a_handle', '--account-email', 'alice@example.com', '--password-stdin']

  const { stderr, exitCode } = await locus(['init', data, '--dev', ...account], {
    stdin: 'correct horse battery\n',
  })

  expect(exitCode).not.toBe(0)
  expect(stderr).toContain(`locus account create not_a_handle --data ${data}`)
  expect(existsSync(join(data, 'locus.toml'))).toBe(true)
})

test('--account-email without --account is refused before anything is made', async () => {
  using directory = new TemporaryDirectory()
  const data = join(directory.path, 'pds')

  const { exitCode } = await locus(['init', data, ...HOSTNAME, '--account-email', 'alice@example.com'])

  expect(exitCode).toBe(2)
  expect(existsSync(data)).toBe(false)
})

test('on a terminal init asks for what is missing, and explains wrong answers', async () => {
  using directory = new TemporaryDirectory()
  const data = join(directory.path, 'pds')
  const ENTER = '\r'

  const { screen, exitCode } = await locusOnTerminal(['init', data, '--recovery-key', 'none'], {
    type: [
      { after: 'public DNS name', text: 'pds_example\r' },
      { after: 'letters, digits, hyphens', text: '\x15pds.example.com\r' },
      { after: 'get their handles', text: ENTER },
      { after: 'reach you', text: 'admin@example.com\r' },
      { after: 'Who may create', text: ENTER },
      { after: 'May a relay', text: ENTER },
      { after: 'first account', text: ENTER },
      { after: `Make ${data}?`, text: 'y' },
    ],
  })

  expect(exitCode).toBe(0)
  expect(screen).toContain('locus serve --data')
  const { stdout } = await locus(['config', 'show', '--changed', '--data', data])
  expect(stdout).toContain('hostname\tpds.example.com\n')
  expect(stdout).toContain('service.contact_email\tadmin@example.com\n')
})

test('on a terminal Ctrl-C in the middle of init leaves nothing behind', async () => {
  using directory = new TemporaryDirectory()
  const data = join(directory.path, 'pds')

  const { exitCode } = await locusOnTerminal(['init', data], {
    type: [
      { after: 'public DNS name', text: 'pds.example.com\r' },
      { after: 'get their handles', text: '\x03' },
    ],
  })

  expect(exitCode).toBe(130)
  expect(readdirSync(directory.path)).toEqual([])
})
