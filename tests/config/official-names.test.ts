import { expect, test } from 'bun:test'
import { officialNames } from '#config/official-names.ts'
import { ConfigDirectory } from '#tests/support/config.ts'

/** Every variable of the official PDS that sets something here: words, where it arrives in the Config, as what. */
const mapped: readonly (readonly [name: string, words: string, path: string, value: unknown])[] = [
  ['PDS_PORT', '3000', 'port', 3000],
  ['PDS_HOSTNAME', 'PDS.Example.com', 'hostname', 'pds.example.com'],
  ['PDS_HOSTNAME', 'pds.example.com', 'publicUrl', 'https://pds.example.com'],
  ['PDS_SERVICE_DID', 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa', 'serviceDid', 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'],
  ['PDS_SERVICE_NAME', 'Ours', 'serviceName', 'Ours'],
  ['PDS_VERSION', '0.4.219', 'version', '0.4.219'],
  ['PDS_HOME_URL', 'https://example.com/', 'homeUrl', 'https://example.com/'],
  ['PDS_LOGO_URL', 'https://example.com/logo.png', 'logoUrl', 'https://example.com/logo.png'],
  [
    'PDS_PRIVACY_POLICY_URL',
    'https://example.com/privacy',
    'privacyPolicyUrl',
    'https://example.com/privacy',
  ],
  ['PDS_SUPPORT_URL', 'https://example.com/help', 'supportUrl', 'https://example.com/help'],
  ['PDS_TERMS_OF_SERVICE_URL', 'https://example.com/tos', 'termsOfServiceUrl', 'https://example.com/tos'],
  ['PDS_CONTACT_EMAIL_ADDRESS', 'admin@example.com', 'contactEmail', 'admin@example.com'],
  ['PDS_ACCEPTING_REPO_IMPORTS', 'false', 'acceptingImports', false],
  ['PDS_MAX_REPO_IMPORT_SIZE', '1000000', 'importLimit', 1_000_000],
  ['PDS_BLOB_UPLOAD_LIMIT', '52428800', 'blobUploadLimit', 52_428_800],
  ['PDS_DEV_MODE', 'true', 'validateResponses', true],
  ['PDS_DEV_MODE', 'true', 'ssrfProtection', false],
  ['PDS_DEV_MODE', 'false', 'ssrfProtection', true],
  ['PDS_DEV_MODE', 'true', 'dev', false],
  [
    'PDS_OAUTH_TRUSTED_CLIENTS',
    'https://a.example/c.json',
    'oauth.trustedClients',
    ['https://a.example/c.json'],
  ],
  ['PDS_PRIMARY_COLOR', '#0085ff', 'branding.primaryColor', '#0085ff'],
  ['PDS_ERROR_COLOR', 'rgb(1, 2, 3)', 'branding.errorColor', 'rgb(1, 2, 3)'],
  ['PDS_WARNING_COLOR', 'orange', 'branding.warningColor', 'orange'],
  ['PDS_INFO_COLOR', '#abc', 'branding.infoColor', '#abc'],
  ['PDS_SUCCESS_COLOR', '#abcdef12', 'branding.successColor', '#abcdef12'],
  [
    'PDS_BACKGROUND_LIGHT_URL',
    'https://example.com/l.png',
    'branding.backgroundLightUrl',
    'https://example.com/l.png',
  ],
  [
    'PDS_BACKGROUND_DARK_URL',
    'https://example.com/d.png',
    'branding.backgroundDarkUrl',
    'https://example.com/d.png',
  ],
  ['PDS_DATA_DIRECTORY', '/pds', 'dataDirectory', '/pds'],
  ['PDS_ACTOR_STORE_DIRECTORY', '/srv/actors', 'elsewhere.actors', '/srv/actors'],
  ['PDS_BLOBSTORE_DISK_LOCATION', '/pds/blocks', 'elsewhere.blobs', '/pds/blocks'],
  ['PDS_BLOBSTORE_DISK_LOCATION', '/pds/blocks', 'blobStore', { kind: 'disk' }],
  ['PDS_BLOBSTORE_DISK_TMP_LOCATION', '/tmp/blocks', 'elsewhere.blobsTemporary', '/tmp/blocks'],
  ['PDS_BLOBSTORE_S3_BUCKET', 'ours', 'blobStore.bucket', 'ours'],
  ['PDS_BLOBSTORE_S3_BUCKET', 'ours', 'blobStore.kind', 's3'],
  ['PDS_DID_PLC_URL', 'https://plc.example.com/', 'plcUrl', 'https://plc.example.com'],
  ['PDS_DID_CACHE_STALE_TTL', '60000', 'identity.cacheStaleMs', 60_000],
  ['PDS_DID_CACHE_MAX_TTL', '172800000', 'identity.cacheMaxMs', 172_800_000],
  ['PDS_ID_RESOLVER_TIMEOUT', '1000', 'identity.resolverTimeoutMs', 1000],
  [
    'PDS_RECOVERY_DID_KEY',
    'did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme',
    'recoveryDidKey',
    'did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme',
  ],
  ['PDS_SERVICE_HANDLE_DOMAINS', '.a.example, .b.example', 'handleDomains', ['.a.example', '.b.example']],
  [
    'PDS_HANDLE_BACKUP_NAMESERVERS',
    '9.9.9.9,dns.example',
    'identity.handleBackupNameservers',
    ['9.9.9.9', 'dns.example'],
  ],
  ['PDS_ENABLE_DID_DOC_WITH_SESSION', '1', 'identity.didDocWithSession', true],
  ['PDS_INVITE_REQUIRED', 'false', 'inviteRequired', false],
  ['PDS_INVITE_REQUIRED', '1', 'inviteRequired', true],
  ['PDS_INVITE_INTERVAL', '604800000', 'inviteIntervalMs', 604_800_000],
  ['PDS_INVITE_EPOCH', '1700000000000', 'inviteEpoch', 1_700_000_000_000],
  ['PDS_REPO_BACKFILL_LIMIT_MS', '86400000', 'firehose.backfillWindowMs', 86_400_000],
  ['PDS_RATE_LIMITS_ENABLED', 'false', 'rateLimits.enabled', false],
  ['PDS_RATE_LIMIT_BYPASS_KEY', 'let me through', 'rateLimits.bypassKey', 'let me through'],
  [
    'PDS_RATE_LIMIT_BYPASS_IPS',
    '10.1.0.0/16, 192.0.2.7',
    'rateLimits.bypassNetworks',
    ['10.1.0.0/16', '192.0.2.7'],
  ],
  [
    'PDS_CRAWLERS',
    'https://bsky.network,relay.example',
    'crawlers',
    ['https://bsky.network', 'https://relay.example'],
  ],
  ['PDS_JWT_SECRET', 'a'.repeat(32), 'secrets.jwtSecret', 'a'.repeat(32)],
  ['PDS_ADMIN_PASSWORD', 'open sesame please', 'secrets.adminPassword', 'open sesame please'],
  ['PDS_DPOP_SECRET', 'ab'.repeat(32), 'secrets.dpopSecret', 'ab'.repeat(32)],
  [
    'PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX',
    'AB'.repeat(32),
    'secrets.plcRotationKey',
    new Uint8Array(32).fill(0xab),
  ],
  ['PDS_DISABLE_SSRF_PROTECTION', 'true', 'ssrfProtection', false],
  ['PDS_DISABLE_SSRF_PROTECTION', '0', 'ssrfProtection', true],
  ['PDS_FETCH_MAX_RESPONSE_SIZE', '1000', 'fetchMaxBytes', 1000],
  ['PDS_PROXY_HEADERS_TIMEOUT', '5000', 'proxy.headersTimeoutMs', 5000],
  ['PDS_PROXY_BODY_TIMEOUT', '6000', 'proxy.bodyTimeoutMs', 6000],
  ['PDS_PROXY_MAX_RESPONSE_SIZE', '7000', 'proxy.maxBytes', 7000],
  ['PDS_PROXY_MAX_RETRIES', '2', 'proxy.maxRetries', 2],
  ['PDS_PROXY_PREFER_COMPRESSED', 'true', 'proxy.preferCompressed', true],
  ['PDS_LEXICON_AUTHORITY_DID', 'did:web:lex.example', 'lexiconAuthorityDid', 'did:web:lex.example'],
  ['LOG_ENABLED', 'true', 'log.level', 'info'],
  ['LOG_ENABLED', 'false', 'log.level', 'silent'],
  ['LOG_LEVEL', 'trace', 'log.level', 'debug'],
  ['LOG_LEVEL', 'fatal', 'log.level', 'error'],
  ['LOG_LEVEL', 'warn', 'log.level', 'warn'],
]

/** Variables that count only together: all of them, and where they arrive. */
const together: readonly (readonly [variables: Record<string, string>, path: string, value: unknown])[] = [
  [
    {
      PDS_BLOBSTORE_S3_BUCKET: 'ours',
      PDS_BLOBSTORE_S3_REGION: 'eu-1',
      PDS_BLOBSTORE_S3_ENDPOINT: 'https://s3.example',
      PDS_BLOBSTORE_S3_FORCE_PATH_STYLE: 'true',
      PDS_BLOBSTORE_S3_ACCESS_KEY_ID: 'key',
      PDS_BLOBSTORE_S3_SECRET_ACCESS_KEY: 'secret',
      PDS_BLOBSTORE_S3_UPLOAD_TIMEOUT_MS: '1000',
      PDS_BLOBSTORE_S3_REQUEST_TIMEOUT_MS: '2000',
    },
    'blobStore',
    {
      kind: 's3',
      bucket: 'ours',
      region: 'eu-1',
      endpoint: 'https://s3.example',
      forcePathStyle: true,
      credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
      uploadTimeoutMs: 1000,
      requestTimeoutMs: 2000,
    },
  ],
  [
    {
      PDS_EMAIL_SMTP_URL: 'smtp:///?sendmail=true',
      PDS_EMAIL_FROM_ADDRESS: 'pds@example.com',
      PDS_EMAIL_DISABLE_CONFIRMATION_LINK: 'true',
    },
    'email',
    { smtpUrl: 'smtp:///?sendmail=true', from: 'pds@example.com', confirmationLink: false },
  ],
  [
    { PDS_MODERATION_EMAIL_SMTP_URL: 'smtps://h.example', PDS_MODERATION_EMAIL_ADDRESS: 'mod@example.com' },
    'moderationEmail',
    { smtpUrl: 'smtps://h.example', from: 'mod@example.com' },
  ],
  [
    {
      PDS_BSKY_APP_VIEW_URL: 'https://api.bsky.app',
      PDS_BSKY_APP_VIEW_DID: 'did:web:api.bsky.app',
      PDS_BSKY_APP_VIEW_CDN_URL_PATTERN: 'https://cdn.example/%s/%s/%s',
    },
    'appView',
    {
      url: 'https://api.bsky.app',
      did: 'did:web:api.bsky.app',
      cdnUrlPattern: 'https://cdn.example/%s/%s/%s',
    },
  ],
  [
    { PDS_MOD_SERVICE_URL: 'https://mod.example', PDS_MOD_SERVICE_DID: 'did:web:mod.example' },
    'reportService',
    { url: 'https://mod.example', did: 'did:web:mod.example' },
  ],
  [
    { PDS_REPORT_SERVICE_URL: 'https://report.example', PDS_REPORT_SERVICE_DID: 'did:web:report.example' },
    'reportService',
    { url: 'https://report.example', did: 'did:web:report.example' },
  ],
  [
    { PDS_HCAPTCHA_SITE_KEY: 'site', PDS_HCAPTCHA_SECRET_KEY: 'secret', PDS_HCAPTCHA_TOKEN_SALT: 'salt' },
    'oauth.hcaptcha',
    { siteKey: 'site', secretKey: 'secret', tokenSalt: 'salt' },
  ],
]

const withoutMeaning = [
  'PDS_SQLITE_DISABLE_WAL_AUTO_CHECKPOINT',
  'PDS_ACCOUNT_DB_LOCATION',
  'PDS_SEQUENCER_DB_LOCATION',
  'PDS_DID_CACHE_DB_LOCATION',
  'PDS_ACTOR_STORE_CACHE_SIZE',
  'PDS_MAX_SUBSCRIPTION_BUFFER',
  'PDS_REDIS_SCRATCH_ADDRESS',
  'PDS_REDIS_SCRATCH_PASSWORD',
  'PDS_PROXY_ALLOW_HTTP2',
  'PDS_PRIMARY_COLOR_CONTRAST',
  'PDS_PRIMARY_COLOR_HUE',
  'PDS_ERROR_COLOR_CONTRAST',
  'PDS_ERROR_COLOR_HUE',
  'PDS_WARNING_COLOR_CONTRAST',
  'PDS_WARNING_COLOR_HUE',
  'PDS_INFO_COLOR_CONTRAST',
  'PDS_INFO_COLOR_HUE',
  'PDS_SUCCESS_COLOR_CONTRAST',
  'PDS_SUCCESS_COLOR_HUE',
  'PDS_LIGHT_COLOR',
  'PDS_DARK_COLOR',
  'PDS_CONTRAST_SATURATION',
  'LOG_DESTINATION',
  'LOG_SYSTEMS',
]

const refused = [
  'PDS_ENTRYWAY_URL',
  'PDS_ENTRYWAY_DID',
  'PDS_ENTRYWAY_JWT_VERIFY_KEY_K256_PUBLIC_KEY_HEX',
  'PDS_ENTRYWAY_PLC_ROTATION_KEY',
  'PDS_ENTRYWAY_ADMIN_TOKEN',
  'PDS_PLC_ROTATION_KEY_KMS_KEY_ID',
]

test.each(mapped.map(([name, words, path, value]) => ({ name, words, path, value })))(
  '$name=$words sets $path',
  ({ name, words, path, value }) => {
    using directory = new ConfigDirectory()

    const config = directory.load({ [name]: words })

    expect(config).toHaveProperty(path, value)
  },
)

test.each(
  together.map(([variables, path, value]) => ({
    names: Object.keys(variables).join(', '),
    variables,
    path,
    value,
  })),
)('$names set $path together', ({ variables, path, value }) => {
  using directory = new ConfigDirectory()

  const config = directory.load(variables)

  expect(config).toHaveProperty(path, value)
})

test.each(withoutMeaning)('%s is reported and changes nothing', (name) => {
  using directory = new ConfigDirectory()
  const { warnings: _, ...before } = directory.load()

  const { warnings, ...after } = directory.load({ [name]: '1' })

  expect(warnings).toMatchObject([
    { key: name, place: name, message: expect.stringContaining('no meaning here') },
  ])
  expect(after).toEqual(before)
})

test.each(refused)('%s stops the start', (name) => {
  using directory = new ConfigDirectory()

  const { config, faults } = directory.read({ LOCUS_HOSTNAME: 'a.example', [name]: 'x' })

  expect(config).toBeNull()
  expect(faults).toMatchObject([{ key: name, place: name }])
  expect(faults[0]?.remedy).toContain('unset it')
})

test('no official name is left out', () => {
  const tested = [
    ...mapped.map(([name]) => name),
    ...together.flatMap(([variables]) => Object.keys(variables)),
    ...withoutMeaning,
    ...refused,
  ]

  expect([...officialNames.keys()].sort()).toEqual([...new Set(tested)].sort())
})

test('a PDS_ variable that the official PDS does not know is warned of, with the one that was meant', () => {
  using directory = new ConfigDirectory()

  const { warnings } = directory.load({ PDS_EMAIL_FROM: 'a@b.example', PDS_SOMETHING_ELSE_ALTOGETHER: '1' })

  expect(warnings).toEqual([
    {
      key: 'PDS_EMAIL_FROM',
      place: 'PDS_EMAIL_FROM',
      message: 'the official PDS has no such variable; did you mean PDS_EMAIL_FROM_ADDRESS?',
    },
    {
      key: 'PDS_SOMETHING_ELSE_ALTOGETHER',
      place: 'PDS_SOMETHING_ELSE_ALTOGETHER',
      message: 'the official PDS has no such variable; it does nothing',
    },
  ])
})

test('variables of OpenTelemetry are reported, those of other programs are not', () => {
  using directory = new ConfigDirectory()

  const { warnings } = directory.load({
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318',
    EDITOR: 'vi',
    LOGNAME: 'x',
  })

  expect(warnings.map(({ key }) => key)).toEqual(['OTEL_EXPORTER_OTLP_ENDPOINT'])
})
