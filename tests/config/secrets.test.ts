import { expect, test } from 'bun:test'
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DataLayout } from '#config/layout.ts'
import { loadConfig, readConfig } from '#config/load.ts'
import { createSecrets } from '#config/secret-files.ts'
import { ConfigDirectory } from '#tests/support/config.ts'

test('secrets are read from the files that the data directory keeps', () => {
  using directory = new ConfigDirectory()
  const layout = new DataLayout(directory.path)
  directory.write('locus.toml', 'hostname = "pds.example.com"\n')

  const created = createSecrets(layout)
  const config = loadConfig({ env: {}, cwd: directory.path })

  expect(created).toEqual(['jwt-secret', 'admin-password', 'plc-rotation-key'])
  expect(`${config.secrets.jwtSecret}\n`).toBe(readFileSync(layout.secret('jwt-secret'), 'utf8'))
  expect(config.secrets.plcRotationKey).toHaveLength(32)
  expect(config.warnings).toEqual([])
  expect(statSync(layout.secrets).mode & 0o777).toBe(0o700)
  for (const name of created) expect(statSync(layout.secret(name)).mode & 0o777).toBe(0o600)
})

test('secrets that are there stay as they are', () => {
  using directory = new ConfigDirectory()
  directory.write('secrets/jwt-secret', 'mine')

  const created = createSecrets(new DataLayout(directory.path))

  expect(created).toEqual(['admin-password', 'plc-rotation-key'])
  expect(readFileSync(join(directory.path, 'secrets/jwt-secret'), 'utf8')).toBe('mine')
})

test('a secret comes from its variable, else the file a variable names, else the official variable, else systemd, else locus.toml, else the kept file', () => {
  using directory = new ConfigDirectory()
  const kept = directory.write('secrets/jwt-secret', 'kept kept kept kept kept kept kept\n')
  const found: string[] = []
  function find(env: Record<string, string>): void {
    const { settings } = readConfig({ env, cwd: directory.path })
    const read = settings.find(({ setting }) => setting.key === 'secrets.jwt_secret')
    found.push(`${String(read?.value).split(' ')[0]}: ${read?.place}`)
  }

  directory.write('locus.toml', '')
  find({})
  const toml = directory.write('locus.toml', '[secrets]\njwt_secret_file = "toml.secret"\n')
  const named = directory.write('toml.secret', 'toml toml toml toml toml toml toml\r\n')
  find({})
  const credential = directory.write('credentials/jwt-secret', 'systemd systemd systemd systemd systemd')
  const env = { CREDENTIALS_DIRECTORY: join(directory.path, 'credentials') }
  find(env)
  find({ ...env, PDS_JWT_SECRET: 'official official official official' })
  const other = directory.write('other.secret', 'variable variable variable variable')
  const file = { LOCUS_JWT_SECRET_FILE: 'other.secret' }
  find({ ...env, ...file, PDS_JWT_SECRET: 'official official official official' })
  find({ ...env, ...file, LOCUS_JWT_SECRET: 'own own own own own own own own own' })

  expect(found).toEqual([
    `kept: ${kept}`,
    `toml: ${toml}:2: ${named}`,
    `systemd: ${credential}`,
    'official: PDS_JWT_SECRET',
    `variable: LOCUS_JWT_SECRET_FILE: ${other}`,
    'own: LOCUS_JWT_SECRET',
  ])
})

test('a secret that others can read is warned of', () => {
  using directory = new ConfigDirectory()
  const path = directory.write('secrets/dpop-secret', 'ab'.repeat(32))
  chmodSync(path, 0o644)
  directory.write('locus.toml', '')

  const { warnings } = directory.load()

  expect(warnings).toContainEqual({
    key: 'secrets.dpop_secret',
    place: path,
    message: `${path} can be read by others; run: chmod 600 ${path}`,
  })
})

test('a file of variables with secrets that others can read is warned of', () => {
  using directory = new ConfigDirectory()
  const path = directory.write('pds.env', 'PDS_DPOP_SECRET=abababababababab\n')
  chmodSync(path, 0o640)

  const { warnings } = directory.load({}, { envFile: path })

  expect(warnings).toContainEqual({
    key: 'env-file',
    place: path,
    message: `it holds secrets and can be read by others; run: chmod 600 ${path}`,
  })
})

test('an SMTP URL without password may stand in locus.toml', () => {
  using directory = new ConfigDirectory()
  directory.write(
    'locus.toml',
    '[email]\nsmtp_url = "smtp://localhost:25"\nfrom_address = "pds@example.com"\n',
  )

  expect(directory.load().email).toMatchObject({ smtpUrl: 'smtp://localhost:25' })
})

test('a server in production does not start without secrets, and makes none', () => {
  using directory = new ConfigDirectory()

  const { faults } = readConfig({ env: { LOCUS_HOSTNAME: 'pds.example.com' }, cwd: directory.path })
  const load = () => loadConfig({ env: { LOCUS_HOSTNAME: 'pds.example.com' }, cwd: directory.path })

  expect(load).toThrow('`locus init` makes one')
  expect(faults.map(({ key }) => key)).toEqual([
    'secrets.jwt_secret',
    'secrets.admin_password',
    'secrets.plc_rotation_key',
  ])
  expect(readdirSync(directory.path)).toEqual([])
})

test('a development server starts in an empty directory and keeps what it makes', () => {
  using directory = new ConfigDirectory()
  const request = { flags: { dev: true }, env: {}, cwd: directory.path }

  const first = loadConfig(request)
  const again = loadConfig(request)
  const byCommand = loadConfig({ env: {}, flags: { data: 'locus-data' }, cwd: directory.path })

  expect(first).toMatchObject({
    dev: true,
    hostname: 'localhost',
    port: 2583,
    listen: { kind: 'address', address: '127.0.0.1' },
    publicUrl: 'http://localhost:2583',
    serviceDid: 'did:web:localhost',
    handleDomains: ['.test'],
    plcUrl: 'http://localhost:2582',
    embeddedPlc: { port: 2582 },
    inviteRequired: false,
    validateResponses: true,
    ssrfProtection: true,
    allowLoopback: true,
    rateLimits: { enabled: false },
    warnings: [],
  })
  expect(again.secrets).toEqual(first.secrets)
  expect(byCommand).toMatchObject({ dev: true, secrets: first.secrets })
  const root = join(directory.path, 'locus-data')
  expect(first.dataDirectory).toBe(root)
  expect(statSync(root).mode & 0o777).toBe(0o700)
  expect(readdirSync(join(root, 'secrets')).sort()).toEqual([
    'admin-password',
    'jwt-secret',
    'plc-rotation-key',
  ])
})

test('a development server takes the secrets, the directory of did:plc and the ports it is given', () => {
  using directory = new ConfigDirectory()

  const config = directory.load(
    { LOCUS_HOSTNAME: '', PDS_DID_PLC_URL: 'http://localhost:9999', LOCUS_JWT_SECRET: 'given'.repeat(8) },
    { dev: true, port: 0 },
  )

  expect(config).toMatchObject({ port: 0, plcUrl: 'http://localhost:9999', embeddedPlc: null })
  expect(config.secrets.jwtSecret).toBe('given'.repeat(8))
  expect(readdirSync(config.dataDirectory)).toEqual(['locus.toml'])
})

test('a development server with a fault makes nothing', () => {
  using directory = new ConfigDirectory()
  const load = () => loadConfig({ flags: { dev: true, port: 99999 }, env: {}, cwd: directory.path })

  expect(load).toThrow('99999 is out of range')
  expect(readdirSync(directory.path)).toEqual([])
})

test('reading the configuration of a development server makes nothing', () => {
  using directory = new ConfigDirectory()

  const { faults, missingSecrets } = readConfig({ flags: { dev: true }, env: {}, cwd: directory.path })

  expect(faults).toEqual([])
  expect(missingSecrets).toHaveLength(3)
  expect(readdirSync(directory.path)).toEqual([])
})

test('the two ports of a development server must differ', () => {
  using directory = new ConfigDirectory()

  const { faults } = directory.read({}, { dev: true, port: 4000, plcPort: 4000 })

  expect(faults.map(({ key }) => key)).toEqual(['plc.port'])
})

test('a secret that cannot be read is a fault', () => {
  using directory = new ConfigDirectory()
  mkdirSync(join(directory.path, 'secrets/dpop-secret'), { recursive: true })
  directory.write('locus.toml', 'hostname = "pds.example.com"\n')

  const { faults } = directory.read()

  expect(faults).toMatchObject([
    { key: 'secrets.dpop_secret', problem: expect.stringContaining('cannot be read') },
  ])
})
