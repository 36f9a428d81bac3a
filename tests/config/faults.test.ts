import { expect, test } from 'bun:test'
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '#config/errors.ts'
import { loadConfig } from '#config/load.ts'
import { ConfigDirectory, secretVariables } from '#tests/support/config.ts'

const HOST = { LOCUS_HOSTNAME: 'pds.example.com' }

/** A configuration with one fault: what sets it, the key it is about, what its remedy says. */
const faulty: readonly (readonly [what: string, env: Record<string, string>, key: string, remedy: string])[] =
  [
    ['no hostname', {}, 'hostname', 'set hostname in locus.toml'],
    [
      'a hostname with a scheme',
      { LOCUS_HOSTNAME: 'https://pds.example.com/' },
      'hostname',
      'pds.example.com',
    ],
    ['a hostname that is an IPv4 address', { LOCUS_HOSTNAME: '192.0.2.1' }, 'hostname', 'DNS name'],
    ['a hostname that is an IPv6 address', { LOCUS_HOSTNAME: '[2001:db8::1]' }, 'hostname', 'DNS name'],
    ['a hostname with a port', { LOCUS_HOSTNAME: 'pds.example.com:443' }, 'hostname', 'use pds.example.com'],
    ['a hostname with a path', { LOCUS_HOSTNAME: 'example.com/pds' }, 'hostname', 'use example.com'],
    ['a hostname without domain', { LOCUS_HOSTNAME: 'pds' }, 'hostname', 'pds.example.com'],
    [
      'a hostname that is no name',
      { LOCUS_HOSTNAME: 'my_pds.example' },
      'hostname',
      'letters, digits, hyphens',
    ],
    ['a port that is no number', { ...HOST, LOCUS_PORT: 'http' }, 'port', '0 to 65535'],
    ['a port out of range', { ...HOST, PDS_PORT: '65536' }, 'port', '0 to 65535'],
    ['a port with words behind', { ...HOST, PDS_PORT: '3000x' }, 'port', '0 to 65535'],
    ['an address with a port', { ...HOST, LOCUS_LISTEN: '127.0.0.1:3000' }, 'listen', 'use "127.0.0.1" here'],
    ['an address that is a name', { ...HOST, LOCUS_LISTEN: 'example.com' }, 'listen', '127.0.0.1'],
    ['a socket without path', { ...HOST, LOCUS_LISTEN: 'unix:' }, 'listen', 'unix:/run'],
    [
      "another server's DID",
      { ...HOST, PDS_SERVICE_DID: 'did:web:other.example' },
      'service.did',
      'did:web:pds.example.com',
    ],
    [
      'a DID that is none',
      { ...HOST, PDS_SERVICE_DID: 'pds.example.com' },
      'service.did',
      'did:web:api.example.com',
    ],
    [
      'a domain without dot',
      { ...HOST, PDS_SERVICE_HANDLE_DOMAINS: 'example.com' },
      'handles.domains',
      '".example.com"',
    ],
    [
      'a switch that is neither',
      { ...HOST, PDS_INVITE_REQUIRED: 'maybe' },
      'invites.required',
      'true or false',
    ],
    [
      'an inverted switch that is neither',
      { ...HOST, PDS_DISABLE_SSRF_PROTECTION: 'maybe' },
      'outbound.ssrf_protection',
      'true or false',
    ],
    [
      'a duration without unit',
      { ...HOST, LOCUS_IDENTITY_RESOLVER_TIMEOUT: '3000' },
      'identity.resolver_timeout',
      '"500ms"',
    ],
    [
      'an official duration with words',
      { ...HOST, PDS_ID_RESOLVER_TIMEOUT: 'soon' },
      'identity.resolver_timeout',
      '"500ms"',
    ],
    [
      'a size with a wrong unit',
      { ...HOST, LOCUS_BLOBS_UPLOAD_LIMIT: '300 megs' },
      'blobs.upload_limit',
      '"300MB"',
    ],
    [
      'a word that is not among the few',
      { ...HOST, LOCUS_DURABILITY: 'most' },
      'durability',
      'full, relaxed',
    ],
    [
      'an SMTP URL without sender',
      { ...HOST, PDS_EMAIL_SMTP_URL: 'smtp://localhost' },
      'email.smtp_url',
      'email.from_address',
    ],
    [
      'a sender without SMTP URL',
      { ...HOST, PDS_EMAIL_FROM_ADDRESS: 'a@b.example' },
      'email.from_address',
      'email.smtp_url',
    ],
    [
      'moderation mail by half',
      { ...HOST, PDS_MODERATION_EMAIL_ADDRESS: 'a@b.example' },
      'email.moderation_address',
      'email.moderation_smtp_url',
    ],
    [
      'an AppView without DID',
      { ...HOST, PDS_BSKY_APP_VIEW_URL: 'https://a.example' },
      'app_view.url',
      'app_view.did',
    ],
    [
      'both blob stores',
      { ...HOST, PDS_BLOBSTORE_S3_BUCKET: 'b', PDS_BLOBSTORE_DISK_LOCATION: '/b' },
      'blobs.s3.bucket',
      'remove',
    ],
    [
      'half of S3 credentials',
      { ...HOST, PDS_BLOBSTORE_S3_BUCKET: 'b', PDS_BLOBSTORE_S3_ACCESS_KEY_ID: 'k' },
      'blobs.s3.access_key_id',
      'secret_access_key',
    ],
    [
      'a short JWT secret',
      { ...HOST, PDS_JWT_SECRET: '0123456789abcde' },
      'secrets.jwt_secret',
      'openssl rand',
    ],
    ['a short password', { ...HOST, PDS_ADMIN_PASSWORD: 'admin' }, 'secrets.admin_password', 'openssl rand'],
    [
      'a rotation key that is no hex',
      { ...HOST, PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: 'zz' },
      'secrets.plc_rotation_key',
      '64 hex digits',
    ],
    [
      'a rotation key of zero',
      { ...HOST, PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: '00'.repeat(32) },
      'secrets.plc_rotation_key',
      '64 hex digits',
    ],
    [
      'a rotation key beyond the curve',
      { ...HOST, LOCUS_PLC_ROTATION_KEY: 'ff'.repeat(32) },
      'secrets.plc_rotation_key',
      '64 hex digits',
    ],
    [
      'a recovery key that is none',
      { ...HOST, PDS_RECOVERY_DID_KEY: 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK' },
      'plc.recovery_did_key',
      'locus key generate',
    ],
    ['a URL that is none', { ...HOST, PDS_DID_PLC_URL: 'plc.directory' }, 'plc.url', 'https://'],
    [
      'a URL with credentials',
      { ...HOST, PDS_DID_PLC_URL: 'https://a:b@plc.example' },
      'plc.url',
      'leave it out',
    ],
    [
      'a mail address that is none',
      { ...HOST, PDS_CONTACT_EMAIL_ADDRESS: 'admin' },
      'service.contact_email',
      'admin@example.com',
    ],
    [
      'a network that is none',
      { ...HOST, PDS_RATE_LIMIT_BYPASS_IPS: '10.0.0.0/33' },
      'rate_limits.bypass_networks',
      '10.0.0.0/8',
    ],
    [
      'a cache that forgets before it refreshes',
      { ...HOST, PDS_DID_CACHE_STALE_TTL: '7200000', PDS_DID_CACHE_MAX_TTL: '60000' },
      'identity.cache_stale_after',
      'shorter',
    ],
    ['a log level that is none', { ...HOST, LOG_LEVEL: 'loud' }, 'log.level', 'debug, info'],
    [
      'a LOCUS_ variable that is none',
      { ...HOST, LOCUS_HOST_NAME: 'a.example' },
      'LOCUS_HOST_NAME',
      'did you mean LOCUS_HOSTNAME?',
    ],
    [
      'a LOCUS_ variable unlike any',
      { ...HOST, LOCUS_XYZZY_PLUGH: '1' },
      'LOCUS_XYZZY_PLUGH',
      'locus config template',
    ],
    [
      'a data directory too deep',
      { ...HOST, LOCUS_DATA_DIRECTORY: `/${'d'.repeat(100)}` },
      'data_directory',
      'shorter',
    ],
  ]

test.each(faulty.map(([what, env, key, remedy]) => ({ what, env, key, remedy })))(
  '$what is a fault with a remedy',
  ({ env, key, remedy }) => {
    using directory = new ConfigDirectory()

    const { config, faults } = directory.read(env)

    expect(config).toBeNull()
    expect(faults.map((fault) => fault.key)).toEqual([key])
    expect(faults[0]?.remedy).toContain(remedy)
    expect(faults[0]?.problem).not.toBe('')
  },
)

test('all faults are told at once, each with its place', () => {
  using directory = new ConfigDirectory()
  const file = directory.write('locus.toml', 'hostname = "192.0.2.1"\n\n[log]\nlevel = "loud"\n')
  const env = { ...secretVariables, PDS_JWT_SECRET: 'short', LOCUS_PROT: '1' }

  const load = () => loadConfig({ env, flags: { port: 70000 }, cwd: directory.path })

  expect(load).toThrow(ConfigError)
  const { faults } = directory.read({ PDS_JWT_SECRET: 'short', LOCUS_PROT: '1' }, { port: 70000 })
  expect(faults.map(({ key, place }) => `${key} @ ${place}`)).toEqual([
    `hostname @ ${file}:1`,
    'port @ --port',
    'secrets.jwt_secret @ PDS_JWT_SECRET',
    `log.level @ ${file}:4`,
    'LOCUS_PROT @ LOCUS_PROT',
  ])
})

test('the error lists every fault with its remedy and no secret', () => {
  using directory = new ConfigDirectory()
  const env = {
    ...secretVariables,
    PDS_ADMIN_PASSWORD: 'hunter2',
    PDS_EMAIL_SMTP_URL: 'smtps://me:pa/ss@mail.example',
  }

  const load = () => loadConfig({ env, cwd: directory.path })

  expect(load).toThrow(
    'the configuration has 3 faults\n  hostname (default): the public name of the server is needed\n',
  )
  expect(load).toThrow('secrets.admin_password (PDS_ADMIN_PASSWORD): it is shorter than 8 characters')
  expect(load).toThrow('in user and password write @ as %40, / as %2F')
  expect(load).not.toThrow('hunter2')
  expect(load).not.toThrow('pa/ss')
})

/** A locus.toml with one fault: its text, line, key, what the remedy says. */
const faultyFiles: readonly (readonly [toml: string, line: number, key: string, remedy: string])[] = [
  ['hostnam = "a.example"', 1, 'hostnam', 'did you mean hostname?'],
  ['\n[emial]\nfrom_address = "a@b.example"', 2, 'emial', 'did you mean email?'],
  ['[log]\nlevle = "info"', 2, 'log.levle', 'did you mean log.level?'],
  ['smtp_url = "smtp://localhost"', 1, 'smtp_url', 'did you mean email.smtp_url?'],
  ['email = "a@b.example"', 1, 'email', '[email]'],
  ['[port]\nnumber = 1', 1, 'port', 'port is a single value'],
  ['[blobs.s4]\nbucket = "b"', 1, 'blobs.s4', 'did you mean blobs.s3?'],
  ['port = "3000"', 1, 'port', 'whole number'],
  ['port = 3000.5', 1, 'port', 'whole number'],
  ['crawlers = "bsky.network"', 1, 'crawlers', 'write ["..."]'],
  ['crawlers = [1]', 1, 'crawlers', 'quotes'],
  ['hostname = 5', 1, 'hostname', 'quotes'],
  ['drain_timeout = 20', 1, 'drain_timeout', '"500ms"'],
  ['drain_timeout = 2026-11-21', 1, 'drain_timeout', '"500ms"'],
  ['[invites]\nrequired = "false"', 2, 'invites.required', 'true or false'],
  [
    '[secrets]\ndpop_secret = "0123456789abcdef"',
    2,
    'secrets.dpop_secret',
    'dpop_secret_file = "secrets/dpop-secret"',
  ],
  [
    '[email]\nfrom_address = "a@b.example"\nsmtp_url = "smtp://a:b@c.example"',
    3,
    'email.smtp_url',
    'smtp_url_file',
  ],
  ['[secrets]\ndpop_secret_file = "none"', 2, 'secrets.dpop_secret', 'chmod 600'],
  ['[secrets]\ndpop_secret_file = 5', 2, 'secrets.dpop_secret', 'quotes'],
]

test.each(
  faultyFiles.map(([toml, line, key, remedy]) => ({
    what: toml.trim().replaceAll('\n', ' / '),
    toml,
    line,
    key,
    remedy,
  })),
)('locus.toml with $what is a fault with its line', ({ toml, line, key, remedy }) => {
  using directory = new ConfigDirectory()
  const file = directory.write('locus.toml', `${toml}\n`)
  const env = key === 'hostname' ? {} : HOST

  const { faults } = directory.read(env)

  expect(faults.map((fault) => fault.key)).toEqual([key])
  expect(faults[0]?.place).toStartWith(`${file}:${line}`)
  expect(faults[0]?.remedy).toContain(remedy)
})

test('a file that is not TOML is a fault with its line', () => {
  using directory = new ConfigDirectory()
  const file = directory.write('locus.toml', 'port = 1\nhostname = pds.example.com\n')

  const { faults } = directory.read(HOST)

  expect(faults).toMatchObject([{ key: file, place: `${file}:2` }])
})

test('a configuration file that is named and not there is a fault', () => {
  using directory = new ConfigDirectory()

  const { faults } = directory.read(HOST, { config: 'none.toml' })

  expect(faults).toMatchObject([{ place: join(directory.path, 'none.toml') }])
})

test('an unknown key of --set is a fault, and a secret does not belong there', () => {
  using directory = new ConfigDirectory()

  const { faults } = directory.read(HOST, { set: { prot: '1', 'secrets.jwt_secret': 'x'.repeat(32) } })

  expect(faults.map(({ place, remedy }) => `${place}: ${remedy}`)).toEqual([
    '--set prot: did you mean port?',
    '--set secrets.jwt_secret: set LOCUS_JWT_SECRET or LOCUS_JWT_SECRET_FILE instead',
  ])
})

test('the data directory of an official PDS is not written into', () => {
  using directory = new ConfigDirectory()
  directory.write('pds/account.sqlite', '')

  const { faults } = directory.read({ ...HOST, PDS_DATA_DIRECTORY: 'pds' })

  expect(faults).toMatchObject([{ key: 'data_directory', place: 'PDS_DATA_DIRECTORY' }])
})

/** Sound configurations with something to say about: variables, key, a part of the warning. */
const warned: readonly (readonly [env: Record<string, string>, key: string, message: string])[] = [
  [{ PDS_INVITE_REQUIRED: 'false' }, 'invites.required', 'anyone who finds this server'],
  [{ PDS_SERVICE_HANDLE_DOMAINS: '.test' }, 'handles.domains', 'machines of developers only'],
  [{ PDS_DISABLE_SSRF_PROTECTION: 'true' }, 'outbound.ssrf_protection', 'any machine'],
  [{ PDS_DID_PLC_URL: 'http://plc.internal:2582' }, 'plc.url', 'not encrypted'],
  [{ PDS_JWT_SECRET: '0123456789abcdef' }, 'secrets.jwt_secret', 'shorter than 32 bytes'],
  [{ PDS_ADMIN_PASSWORD: 'admin-pass' }, 'secrets.admin_password', 'full power'],
  [{ PDS_BSKY_APP_VIEW_DID: 'did:web:api.bsky.app' }, 'app_view.did', 'nothing without app_view.url'],
  [{ PDS_BLOBSTORE_S3_REGION: 'eu-1' }, 'blobs.s3.region', 'nothing without blobs.s3.bucket'],
  [{ PDS_HCAPTCHA_SITE_KEY: 'site' }, 'oauth.hcaptcha_site_key', 'not guarded'],
]

test.each(
  warned.map(([env, key, message]) => ({
    what: Object.entries(env).join().replace(',', '='),
    env,
    key,
    message,
  })),
)('$what is warned of', ({ env, key, message }) => {
  using directory = new ConfigDirectory()

  const { warnings } = directory.load(env)

  const mine = warnings.filter((warning) => warning.key === key && warning.message.includes(message))
  expect(mine).toHaveLength(1)
})

test('a sound configuration is not warned of', () => {
  using directory = new ConfigDirectory()

  expect(directory.load().warnings).toEqual([])
})

test('a data directory that cannot be read is no crash', () => {
  using directory = new ConfigDirectory()
  mkdirSync(join(directory.path, 'data'))
  directory.write('data/locus.toml', 'port = 1')
  chmodSync(join(directory.path, 'data/locus.toml'), 0)

  const { faults, config } = directory.read({ ...HOST, LOCUS_DATA_DIRECTORY: 'data' })

  expect(config === null ? faults[0]?.problem : 'as root').toMatch(/cannot be read|as root/)
})
