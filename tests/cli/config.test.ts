import { expect, test } from 'bun:test'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { configTemplate } from '#config/template.ts'
import { ConfigDirectory, secretVariables } from '#tests/support/config.ts'
import { locus, locusOnTerminal } from '#tests/support/locus.ts'

const HOST = { LOCUS_HOSTNAME: 'pds.example.com' }

test('config show --origin says where each value comes from, and keeps secrets to itself', async () => {
  using directory = new ConfigDirectory()
  const file = directory.write('locus.toml', 'port = 3000\n')
  const env = { ...HOST, ...secretVariables, PDS_CRAWLERS: 'https://bsky.network,relay.example' }

  const { stdout, exitCode } = await locus(
    ['config', 'show', '--origin', '--changed', '--set', 'durability=relaxed'],
    { env, cwd: directory.path },
  )

  expect(stdout.trim().split('\n').sort()).toEqual(
    [
      'hostname\tpds.example.com\tLOCUS_HOSTNAME',
      `port\t3000\t${file}:1`,
      'durability\trelaxed\t--set durability',
      'crawlers\thttps://bsky.network https://relay.example\tPDS_CRAWLERS',
      'secrets.jwt_secret\t***\tPDS_JWT_SECRET',
      'secrets.admin_password\t***\tPDS_ADMIN_PASSWORD',
      'secrets.plc_rotation_key\t***\tPDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX',
    ].sort(),
  )
  expect(exitCode).toBe(0)
})

test('config show --json has every setting with its typed value', async () => {
  const { stdout } = await locus(['config', 'show', '--dev', '--json', '--data', '/nonexistent/data'])

  const rows: { key: string; value: unknown }[] = JSON.parse(stdout)
  const values = Object.fromEntries(rows.map(({ key, value }) => [key, value]))
  expect(values).toMatchObject({
    hostname: 'localhost',
    port: 2583,
    'invites.required': false,
    'handles.domains': ['.test'],
    'blobs.upload_limit': '300MiB',
    'email.smtp_url': null,
  })
})

test('config show also works where the configuration has faults, and tells them', async () => {
  using directory = new ConfigDirectory()
  const env = { ...secretVariables, LOCUS_HOSTNAME: '192.0.2.1' }

  const { stdout, stderr, exitCode } = await locus(['config', 'show', 'port', 'PDS_HOSTNAME'], {
    env,
    cwd: directory.path,
  })

  expect(stdout).toBe('port\t2583\nhostname\t\n')
  expect(stderr).toContain('hostname (LOCUS_HOSTNAME): "192.0.2.1" is an IP address')
  expect(exitCode).toBe(3)
})

test('config get prints one value, by its key or by a variable', async () => {
  using directory = new ConfigDirectory()
  const options = {
    env: { ...HOST, ...secretVariables, PDS_CRAWLERS: 'a.example,b.example' },
    cwd: directory.path,
  }
  const get = async (...args: string[]) => (await locus(['config', 'get', ...args], options)).stdout

  const found = await Promise.all([
    get('hostname'),
    get('PDS_CRAWLERS'),
    get('crawlers', '--json'),
    get('email.smtp_url'),
    get('email.smtp_url', '--json'),
    get('secrets.jwt_secret'),
    get('PDS_JWT_SECRET', '--show-secret'),
  ])

  expect(found).toEqual([
    'pds.example.com\n',
    'https://a.example,https://b.example\n',
    '["https://a.example","https://b.example"]\n',
    '\n',
    'null\n',
    '***\n',
    `${secretVariables.PDS_JWT_SECRET}\n`,
  ])
})

test('config get of a setting that there is not suggests one', async () => {
  const { stderr, exitCode } = await locus(['config', 'get', 'hostnam', '--dev'])

  expect(stderr).toContain('did you mean hostname?')
  expect(exitCode).toBe(2)
})

test('config validate tells every fault and warning, and exits with 3', async () => {
  using directory = new ConfigDirectory()
  const file = directory.write(
    'new.toml',
    'hostname = "pds.example.com"\nprot = 1\n[invites]\nrequired = false\n',
  )

  const { stdout, exitCode } = await locus(['config', 'validate', 'new.toml', '--json'], {
    env: { ...secretVariables, PDS_PORT: '99999' },
    cwd: directory.path,
  })

  expect(exitCode).toBe(3)
  expect(JSON.parse(stdout)).toMatchObject([
    { severity: 'fault', key: 'prot', place: `${file}:2`, remedy: 'did you mean port?' },
    { severity: 'fault', key: 'port', place: 'PDS_PORT', message: '99999 is out of range' },
    { severity: 'warning', key: 'invites.required', place: `${file}:4`, remedy: null },
  ])
})

test('config validate of a sound configuration exits with 0 and prints nothing on stdout', async () => {
  using directory = new ConfigDirectory()

  const { stdout, stderr, exitCode } = await locus(['config', 'validate'], {
    env: { ...HOST, ...secretVariables },
    cwd: directory.path,
  })

  expect([stdout, exitCode]).toEqual(['', 0])
  expect(stderr).toContain('a server can start')
})

test('config validate on a terminal tells faults in sentences', async () => {
  using directory = new ConfigDirectory()

  const { screen, exitCode } = await locusOnTerminal(['config', 'validate'], {
    env: { ...secretVariables, LOCUS_HOSTNAME: 'https://pds.example.com' },
    cwd: directory.path,
  })

  expect(screen).toContain('fault  hostname (LOCUS_HOSTNAME): "https://pds.example.com" is a URL')
  expect(screen).toContain('leave out the scheme: pds.example.com')
  expect(exitCode).toBe(3)
})

test('config validate reads a pds.env and points out the lines that docker and a shell read differently', async () => {
  using directory = new ConfigDirectory()
  const file = directory.write('pds.env', 'PDS_HOSTNAME="pds.example.com"\nPDS_PORT=3000\n')

  const { stdout, exitCode } = await locus(['config', 'validate', '--env-file', 'pds.env', '--jsonl'], {
    env: { ...secretVariables },
    cwd: directory.path,
  })

  expect(exitCode).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ severity: 'warning', key: 'PDS_HOSTNAME', place: `${file}:1` })
})

test('config template prints a locus.toml that sets nothing', async () => {
  const { stdout, exitCode } = await locus(['config', 'template'])

  expect(stdout).toBe(configTemplate())
  expect(exitCode).toBe(0)
})

test('config env prints variables that give the same configuration, with secrets referred to or left out', async () => {
  using directory = new ConfigDirectory()
  const secret = directory.write('jwt', 'x'.repeat(40))
  directory.write('locus.toml', '[service]\nname = "It\'s ours"\n[secrets]\njwt_secret_file = "jwt"\n')
  const { PDS_JWT_SECRET: _, ...secrets } = secretVariables

  const { stdout } = await locus(['config', 'env'], { env: { ...HOST, ...secrets }, cwd: directory.path })

  expect(stdout.trim().split('\n').sort()).toEqual([
    '# LOCUS_ADMIN_PASSWORD=***',
    '# LOCUS_PLC_ROTATION_KEY=***',
    'LOCUS_HOSTNAME=pds.example.com',
    `LOCUS_JWT_SECRET_FILE=${secret}`,
    "LOCUS_SERVICE_NAME='It'\\''s ours'",
  ])
  const again = directory.read(
    { LOCUS_ENV_FILE: directory.write('locus.env', stdout) },
    { config: '/dev/null' },
  )
  expect(again.config).toMatchObject({ hostname: 'pds.example.com', serviceName: "It's ours" })
})

test('looking at the configuration writes nothing', async () => {
  using directory = new ConfigDirectory()

  for (const args of [
    ['show', '--dev'],
    ['validate', '--dev'],
    ['env', '--dev'],
    ['get', 'port', '--dev'],
  ]) {
    expect((await locus(['config', ...args], { cwd: directory.path })).exitCode).toBe(0)
  }

  expect(readdirSync(directory.path)).toEqual([])
})

test('serve in production stops before anything is opened when the configuration has faults', async () => {
  using directory = new ConfigDirectory()
  const data = join(directory.path, 'data')

  const { stderr, exitCode } = await locus(
    ['serve', '--data', data, '--hostname', 'https://pds.example.com'],
    {
      env: { PDS_ENTRYWAY_URL: 'https://entryway.example', LOCUS_PROT: '1' },
    },
  )

  expect(exitCode).toBe(3)
  for (const part of [
    'hostname (--hostname)',
    'secrets.jwt_secret',
    '`locus init` makes one',
    'PDS_ENTRYWAY_URL',
    'did you mean LOCUS_PORT?',
  ]) {
    expect(stderr).toContain(part)
  }
  expect(readdirSync(directory.path)).toEqual([])
})
