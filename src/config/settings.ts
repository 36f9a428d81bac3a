/**
 * Every setting, declared once. Its type, its parsing, its names in the environment, `locus config`, the commented
 * locus.toml and the table of the README all come from here.
 *
 * A key is the place in locus.toml: `email.from_address` is `from_address` in `[email]`. Its variable is
 * `LOCUS_EMAIL_FROM_ADDRESS` unless declared otherwise; `official` are the variables of the official PDS it answers to.
 */
import {
  bad,
  boolean,
  choice,
  duration,
  good,
  integer,
  list,
  type Parsed,
  path,
  port,
  size,
  stringKind,
  text,
} from '#config/kinds.ts'
import {
  did,
  didKey,
  emailAddress,
  handleDomain,
  hasPassword,
  hostname,
  listenAddress,
  nameserver,
  network,
  relay,
  sender,
  serviceUrl,
  smtpUrl,
  url,
} from '#config/network-kinds.ts'
import { jwtSecret, password, privateKeyHex, secretText } from '#config/secret-kinds.ts'
import {
  inverted,
  milliseconds,
  officialDevelopmentMode,
  optional,
  type Setting,
  setting,
} from '#config/setting.ts'
import { DAY, HOUR, SECOND } from '#std/clock.ts'

/** Official log levels that ours do not have. */
const OFFICIAL_LEVELS: Record<string, string> = { trace: 'debug', fatal: 'error' }

const colour = stringKind('colour', '#0085ff', (input): Parsed<string> => {
  return /^(#[0-9a-fA-F]{3,8}|[a-z]+(\([0-9a-z%.,\s/-]+\))?)$/.test(input)
    ? good(input)
    : bad(`${JSON.stringify(input)} is not a CSS colour`, 'use one like "#0085ff"')
})

const OAUTH_LATER = 'signing in with OAuth'
const PAGES_LATER = 'the pages of the server'
const PROXY_LATER = 'passing requests on to other services'
const MAIL_LATER = 'sending mail'
const BLOBS_LATER = 'storing blobs'
const CODES_LATER = 'codes that accounts earn'
const IMPORT_LATER = 'importing repositories'

/** In the order in which they are listed to people. */
export const settings = {
  hostname: optional(
    'hostname',
    hostname,
    'Public DNS name of the server; the DIDs of its accounts point to it.',
    {
      official: 'PDS_HOSTNAME',
      follows: 'required; localhost in development',
      flag: '--hostname',
    },
  ),
  port: setting('port', port, 2583, 'Port that is listened on; 0 takes any free one.', {
    official: 'PDS_PORT',
    flag: '--port',
  }),
  listen: setting('listen', listenAddress, '::', 'Address that is listened on, "::" for all, or unix:PATH.', {
    developmentFallback: '127.0.0.1',
    flag: '--listen',
  }),
  dataDirectory: optional('data_directory', path, 'Where everything is kept.', {
    official: 'PDS_DATA_DIRECTORY',
    follows: '$STATE_DIRECTORY, else the current directory if it has a locus.toml, else ./locus-data',
    flag: '--data',
  }),
  dev: setting(
    'dev',
    boolean,
    false,
    'Development: own PLC directory, caught mail, .test handles, open to all.',
    {
      flag: '--dev',
    },
  ),
  durability: setting<'full' | 'relaxed'>(
    'durability',
    choice('full', 'relaxed'),
    'full',
    'full: a write is answered when it is on disk. relaxed: a power cut may take the last moments.',
  ),
  trustedProxies: setting<readonly string[]>(
    'trusted_proxies',
    list(network),
    ['loopback', 'linklocal', 'uniquelocal'],
    'Networks whose X-Forwarded-For is believed.',
    { reloadable: true },
  ),
  drainTimeout: setting(
    'drain_timeout',
    duration,
    20 * SECOND,
    'How long a stop waits for requests that are under way.',
  ),
  validateResponses: setting(
    'validate_responses',
    boolean,
    false,
    'Check every answer against its lexicon.',
    {
      developmentFallback: true,
      official: [officialDevelopmentMode(true)],
      reloadable: true,
    },
  ),
  crawlers: setting<readonly string[]>(
    'crawlers',
    list(relay),
    [],
    'Relays that are asked to crawl the server.',
    {
      official: 'PDS_CRAWLERS',
      reloadable: true,
    },
  ),

  serviceDid: optional('service.did', did, 'DID of the server.', {
    official: 'PDS_SERVICE_DID',
    follows: 'did:web:<hostname>',
  }),
  serviceName: optional('service.name', text, 'Name of the server, for people.', {
    official: 'PDS_SERVICE_NAME',
    follows: '<hostname> PDS',
    reloadable: true,
    waitsFor: PAGES_LATER,
  }),
  version: optional('service.version', text, 'Version that the server shows.', {
    official: 'PDS_VERSION',
    follows: 'the version of locus',
  }),
  homeUrl: optional('service.home_url', url, 'Its home page.', {
    official: 'PDS_HOME_URL',
    reloadable: true,
    waitsFor: PAGES_LATER,
  }),
  logoUrl: optional('service.logo_url', url, 'Its logo.', {
    official: 'PDS_LOGO_URL',
    reloadable: true,
    waitsFor: PAGES_LATER,
  }),
  supportUrl: optional('service.support_url', url, 'Where its users get help.', {
    official: 'PDS_SUPPORT_URL',
    reloadable: true,
    waitsFor: PAGES_LATER,
  }),
  privacyPolicyUrl: optional('service.privacy_policy_url', url, 'Its privacy policy.', {
    official: 'PDS_PRIVACY_POLICY_URL',
    reloadable: true,
  }),
  termsOfServiceUrl: optional('service.terms_of_service_url', url, 'Its terms of service.', {
    official: 'PDS_TERMS_OF_SERVICE_URL',
    reloadable: true,
  }),
  contactEmail: optional('service.contact_email', emailAddress, 'Where its operator is reached.', {
    official: 'PDS_CONTACT_EMAIL_ADDRESS',
    reloadable: true,
  }),

  handleDomains: optional<readonly string[]>(
    'handles.domains',
    list(handleDomain),
    'Domains below which accounts get their handles, each with its dot.',
    {
      official: 'PDS_SERVICE_HANDLE_DOMAINS',
      follows: '.<hostname>; .test on localhost',
    },
  ),
  inviteRequired: setting('invites.required', boolean, true, 'Whether a new account needs an invite code.', {
    developmentFallback: false,
    official: 'PDS_INVITE_REQUIRED',
    reloadable: true,
  }),
  inviteInterval: optional(
    'invites.interval',
    duration,
    'How often an account earns an invite code; unset: never.',
    {
      official: milliseconds('PDS_INVITE_INTERVAL'),
      waitsFor: CODES_LATER,
    },
  ),
  inviteEpoch: setting(
    'invites.epoch',
    integer('Unix milliseconds', 0),
    0,
    'Accounts earn no codes for the time before.',
    { official: 'PDS_INVITE_EPOCH', waitsFor: CODES_LATER },
  ),

  acceptingImports: setting('imports.accepted', boolean, true, 'Whether repositories may be imported.', {
    official: 'PDS_ACCEPTING_REPO_IMPORTS',
    reloadable: true,
    waitsFor: IMPORT_LATER,
  }),
  importLimit: optional('imports.max_size', size, 'Largest repository that may be imported; unset: any.', {
    official: 'PDS_MAX_REPO_IMPORT_SIZE',
    reloadable: true,
    waitsFor: IMPORT_LATER,
  }),
  jsonBodyLimit: setting('limits.json_body', size, 150 * 1024, 'Largest JSON body of a request.', {
    reloadable: true,
  }),
  recordsBodyLimit: setting(
    'limits.records_body',
    size,
    1_000_000,
    'The same for createRecord, putRecord and applyWrites.',
    { reloadable: true },
  ),

  blobUploadLimit: setting(
    'blobs.upload_limit',
    size,
    300 * 1024 * 1024,
    'Largest blob that may be uploaded.',
    {
      official: 'PDS_BLOB_UPLOAD_LIMIT',
      reloadable: true,
    },
  ),
  blobsDirectory: optional('blobs.directory', path, 'Where blobs are kept.', {
    official: 'PDS_BLOBSTORE_DISK_LOCATION',
    follows: '<data_directory>/blobs',
    waitsFor: BLOBS_LATER,
  }),
  blobsTemporaryDirectory: optional('blobs.temporary_directory', path, 'Where uploads grow.', {
    official: 'PDS_BLOBSTORE_DISK_TMP_LOCATION',
    follows: '<blobs.directory>/temp',
    waitsFor: BLOBS_LATER,
  }),
  s3Bucket: optional('blobs.s3.bucket', text, 'Bucket to keep blobs in, instead of a directory.', {
    official: 'PDS_BLOBSTORE_S3_BUCKET',
    waitsFor: BLOBS_LATER,
  }),
  s3Region: optional('blobs.s3.region', text, 'Its region.', {
    official: 'PDS_BLOBSTORE_S3_REGION',
    waitsFor: BLOBS_LATER,
  }),
  s3Endpoint: optional('blobs.s3.endpoint', serviceUrl, 'Its service, if not that of AWS.', {
    official: 'PDS_BLOBSTORE_S3_ENDPOINT',
    waitsFor: BLOBS_LATER,
  }),
  s3ForcePathStyle: setting(
    'blobs.s3.force_path_style',
    boolean,
    false,
    'Name the bucket in the path of URLs.',
    {
      official: 'PDS_BLOBSTORE_S3_FORCE_PATH_STYLE',
      waitsFor: BLOBS_LATER,
    },
  ),
  s3AccessKeyId: optional('blobs.s3.access_key_id', text, 'Its access key.', {
    official: 'PDS_BLOBSTORE_S3_ACCESS_KEY_ID',
    waitsFor: BLOBS_LATER,
  }),
  s3SecretAccessKey: optional('blobs.s3.secret_access_key', secretText, 'The secret of the access key.', {
    official: 'PDS_BLOBSTORE_S3_SECRET_ACCESS_KEY',
    secret: { file: 's3-secret-access-key', kept: false },
    waitsFor: BLOBS_LATER,
  }),
  s3UploadTimeout: setting(
    'blobs.s3.upload_timeout',
    duration,
    20 * SECOND,
    'Longest time of one upload to it.',
    {
      official: milliseconds('PDS_BLOBSTORE_S3_UPLOAD_TIMEOUT_MS'),
      waitsFor: BLOBS_LATER,
    },
  ),
  s3RequestTimeout: optional(
    'blobs.s3.request_timeout',
    duration,
    'Longest time of any other request to it.',
    {
      official: milliseconds('PDS_BLOBSTORE_S3_REQUEST_TIMEOUT_MS'),
      waitsFor: BLOBS_LATER,
    },
  ),
  actorsDirectory: optional('actors.directory', path, 'Where the stores of accounts are kept.', {
    official: 'PDS_ACTOR_STORE_DIRECTORY',
    follows: '<data_directory>/actors',
  }),

  plcUrl: setting('plc.url', serviceUrl, 'https://plc.directory', 'Directory of did:plc.', {
    official: 'PDS_DID_PLC_URL',
    follows: 'its own in development',
  }),
  plcPort: setting(
    'plc.port',
    port,
    2582,
    "Port of a development server's own directory; 0 takes any free one.",
    {
      flag: '--plc-port',
    },
  ),
  recoveryDidKey: optional('plc.recovery_did_key', didKey, 'Key that can recover every account made here.', {
    official: 'PDS_RECOVERY_DID_KEY',
  }),
  didCacheStale: setting(
    'identity.cache_stale_after',
    duration,
    HOUR,
    'Age from which a DID document is refreshed while the old one is used.',
    { official: milliseconds('PDS_DID_CACHE_STALE_TTL') },
  ),
  didCacheMax: setting(
    'identity.cache_max_age',
    duration,
    DAY,
    'Age from which a DID document is not used.',
    {
      official: milliseconds('PDS_DID_CACHE_MAX_TTL'),
    },
  ),
  resolverTimeout: setting(
    'identity.resolver_timeout',
    duration,
    3 * SECOND,
    'Longest time to resolve a DID or a handle.',
    { official: milliseconds('PDS_ID_RESOLVER_TIMEOUT') },
  ),
  handleBackupNameservers: setting<readonly string[]>(
    'identity.handle_backup_nameservers',
    list(nameserver),
    [],
    "Name servers to ask for a handle that the system's do not know.",
    { official: 'PDS_HANDLE_BACKUP_NAMESERVERS' },
  ),
  didDocWithSession: setting(
    'identity.did_doc_with_session',
    boolean,
    false,
    'Send the DID document with sessions.',
    {
      official: 'PDS_ENABLE_DID_DOC_WITH_SESSION',
      reloadable: true,
    },
  ),
  lexiconAuthorityDid: optional(
    'identity.lexicon_authority_did',
    did,
    'Where all lexicons are fetched from.',
    {
      official: 'PDS_LEXICON_AUTHORITY_DID',
      waitsFor: 'resolving lexicons',
    },
  ),

  jwtSecret: optional('secrets.jwt_secret', jwtSecret, 'Signs the tokens of sessions.', {
    official: 'PDS_JWT_SECRET',
    variable: 'LOCUS_JWT_SECRET',
    secret: { file: 'jwt-secret', kept: true },
  }),
  adminPassword: optional('secrets.admin_password', password, 'Password of the operator, as user `admin`.', {
    official: 'PDS_ADMIN_PASSWORD',
    variable: 'LOCUS_ADMIN_PASSWORD',
    secret: { file: 'admin-password', kept: true },
  }),
  plcRotationKey: optional(
    'secrets.plc_rotation_key',
    privateKeyHex,
    "Key of the server among every account's rotation keys: K-256, in hex.",
    {
      official: 'PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX',
      variable: 'LOCUS_PLC_ROTATION_KEY',
      secret: { file: 'plc-rotation-key', kept: true },
    },
  ),
  dpopSecret: optional(
    'secrets.dpop_secret',
    secretText,
    'Makes the nonces of DPoP; unset: a new one at each start.',
    {
      official: 'PDS_DPOP_SECRET',
      variable: 'LOCUS_DPOP_SECRET',
      secret: { file: 'dpop-secret', kept: true },
      waitsFor: OAUTH_LATER,
    },
  ),

  smtpUrl: optional('email.smtp_url', smtpUrl, 'Where mail is handed over.', {
    official: 'PDS_EMAIL_SMTP_URL',
    secret: { file: 'smtp-url', kept: false, allowedInline: (value) => !hasPassword(value) },
    waitsFor: MAIL_LATER,
  }),
  emailFrom: optional('email.from_address', sender, 'Sender of the mail of the server.', {
    official: 'PDS_EMAIL_FROM_ADDRESS',
    waitsFor: MAIL_LATER,
  }),
  emailConfirmationLink: setting(
    'email.confirmation_link',
    boolean,
    true,
    'Put a link into mails that confirm.',
    {
      official: [inverted('PDS_EMAIL_DISABLE_CONFIRMATION_LINK')],
      waitsFor: MAIL_LATER,
    },
  ),
  moderationSmtpUrl: optional(
    'email.moderation_smtp_url',
    smtpUrl,
    'Where mail of moderators is handed over.',
    {
      official: 'PDS_MODERATION_EMAIL_SMTP_URL',
      secret: { file: 'moderation-smtp-url', kept: false, allowedInline: (value) => !hasPassword(value) },
      waitsFor: MAIL_LATER,
    },
  ),
  moderationEmailFrom: optional('email.moderation_address', sender, 'Sender of the mail of moderators.', {
    official: 'PDS_MODERATION_EMAIL_ADDRESS',
    waitsFor: MAIL_LATER,
  }),

  backfillWindow: setting(
    'firehose.backfill_window',
    duration,
    72 * HOUR,
    'How old an event may be to be replayed; older ones are removed.',
    { official: milliseconds('PDS_REPO_BACKFILL_LIMIT_MS') },
  ),

  appViewUrl: optional('app_view.url', serviceUrl, 'AppView that requests are passed on to.', {
    official: 'PDS_BSKY_APP_VIEW_URL',
    waitsFor: PROXY_LATER,
  }),
  appViewDid: optional('app_view.did', did, 'Its DID.', {
    official: 'PDS_BSKY_APP_VIEW_DID',
    waitsFor: PROXY_LATER,
  }),
  appViewCdnUrlPattern: optional(
    'app_view.cdn_url_pattern',
    text,
    'URLs of its pictures, with %s for preset, DID and CID.',
    {
      official: 'PDS_BSKY_APP_VIEW_CDN_URL_PATTERN',
      waitsFor: PROXY_LATER,
    },
  ),
  modServiceUrl: optional('mod_service.url', serviceUrl, 'Moderation service of the server.', {
    official: 'PDS_MOD_SERVICE_URL',
  }),
  modServiceDid: optional('mod_service.did', did, 'Its DID.', {
    official: 'PDS_MOD_SERVICE_DID',
  }),
  reportServiceUrl: optional('report_service.url', serviceUrl, 'Service that reports go to.', {
    official: 'PDS_REPORT_SERVICE_URL',
    follows: 'mod_service',
    waitsFor: PROXY_LATER,
  }),
  reportServiceDid: optional('report_service.did', did, 'Its DID.', {
    official: 'PDS_REPORT_SERVICE_DID',
    follows: 'mod_service',
    waitsFor: PROXY_LATER,
  }),

  rateLimitsEnabled: setting('rate_limits.enabled', boolean, true, 'Whether callers are limited.', {
    developmentFallback: false,
    official: 'PDS_RATE_LIMITS_ENABLED',
    reloadable: true,
  }),
  rateLimitBypassKey: optional(
    'rate_limits.bypass_key',
    secretText,
    'Who sends it in x-ratelimit-bypass is not limited.',
    {
      official: 'PDS_RATE_LIMIT_BYPASS_KEY',
      reloadable: true,
      secret: { file: 'rate-limit-bypass-key', kept: false },
    },
  ),
  rateLimitBypassNetworks: setting<readonly string[]>(
    'rate_limits.bypass_networks',
    list(network),
    [],
    'Networks that are not limited.',
    { official: 'PDS_RATE_LIMIT_BYPASS_IPS', reloadable: true },
  ),

  ssrfProtection: setting(
    'outbound.ssrf_protection',
    boolean,
    true,
    'Keep strangers from making the server contact machines that are not public.',
    { official: [inverted('PDS_DISABLE_SSRF_PROTECTION'), officialDevelopmentMode(false)] },
  ),
  fetchMaxSize: setting(
    'outbound.max_response_size',
    size,
    512 * 1024,
    'Largest answer to a request of its own.',
    {
      official: 'PDS_FETCH_MAX_RESPONSE_SIZE',
      waitsFor: 'fetching documents of OAuth clients',
    },
  ),
  proxyHeadersTimeout: setting(
    'proxy.headers_timeout',
    duration,
    10 * SECOND,
    'Longest wait for an answer to begin.',
    {
      official: milliseconds('PDS_PROXY_HEADERS_TIMEOUT'),
      waitsFor: PROXY_LATER,
    },
  ),
  proxyBodyTimeout: setting(
    'proxy.body_timeout',
    duration,
    30 * SECOND,
    'Longest wait for an answer to end.',
    {
      official: milliseconds('PDS_PROXY_BODY_TIMEOUT'),
      waitsFor: PROXY_LATER,
    },
  ),
  proxyMaxSize: setting(
    'proxy.max_response_size',
    size,
    10 * 1024 * 1024,
    'Largest answer that is held in memory.',
    {
      official: 'PDS_PROXY_MAX_RESPONSE_SIZE',
      waitsFor: PROXY_LATER,
    },
  ),
  proxyMaxRetries: setting(
    'proxy.max_retries',
    integer('count', 0, 10),
    0,
    'How often a failed request is repeated.',
    {
      official: 'PDS_PROXY_MAX_RETRIES',
      waitsFor: PROXY_LATER,
    },
  ),
  proxyPreferCompressed: setting('proxy.prefer_compressed', boolean, false, 'Ask for compressed answers.', {
    official: 'PDS_PROXY_PREFER_COMPRESSED',
    waitsFor: PROXY_LATER,
  }),

  oauthTrustedClients: setting<readonly string[]>(
    'oauth.trusted_clients',
    list(url),
    [],
    'Clients shown as trusted.',
    {
      official: 'PDS_OAUTH_TRUSTED_CLIENTS',
      waitsFor: OAUTH_LATER,
    },
  ),
  hcaptchaSiteKey: optional('oauth.hcaptcha_site_key', text, 'Site key of hCaptcha, for registration.', {
    official: 'PDS_HCAPTCHA_SITE_KEY',
    waitsFor: OAUTH_LATER,
  }),
  hcaptchaSecretKey: optional('oauth.hcaptcha_secret_key', secretText, 'Its secret key.', {
    official: 'PDS_HCAPTCHA_SECRET_KEY',
    secret: { file: 'hcaptcha-secret-key', kept: false },
    waitsFor: OAUTH_LATER,
  }),
  hcaptchaTokenSalt: optional('oauth.hcaptcha_token_salt', secretText, 'Salt of its tokens.', {
    official: 'PDS_HCAPTCHA_TOKEN_SALT',
    secret: { file: 'hcaptcha-token-salt', kept: false },
    waitsFor: OAUTH_LATER,
  }),
  primaryColor: brandColour('primary'),
  errorColor: brandColour('error'),
  warningColor: brandColour('warning'),
  infoColor: brandColour('info'),
  successColor: brandColour('success'),
  backgroundLightUrl: optional('branding.background_light_url', url, 'Picture behind the pages, by day.', {
    official: 'PDS_BACKGROUND_LIGHT_URL',
    waitsFor: PAGES_LATER,
  }),
  backgroundDarkUrl: optional('branding.background_dark_url', url, 'The same by night.', {
    official: 'PDS_BACKGROUND_DARK_URL',
    waitsFor: PAGES_LATER,
  }),

  logLevel: setting<'debug' | 'info' | 'warn' | 'error' | 'silent'>(
    'log.level',
    choice('debug', 'info', 'warn', 'error', 'silent'),
    'info',
    'What is logged.',
    {
      official: [
        {
          name: 'LOG_ENABLED',
          fromWords: (words) => (/^(false|f|0|no|off)$/i.test(words) ? 'silent' : undefined),
        },
        {
          name: 'LOG_LEVEL',
          fromWords: (words) => OFFICIAL_LEVELS[words.toLowerCase()] ?? words.toLowerCase(),
        },
      ],
      reloadable: true,
    },
  ),
  logFormat: setting<'auto' | 'text' | 'json'>(
    'log.format',
    choice('auto', 'text', 'json'),
    'auto',
    'auto: text on a terminal, else JSON.',
    {
      reloadable: true,
    },
  ),
}

function brandColour(what: 'primary' | 'error' | 'warning' | 'info' | 'success'): Setting<string | null> {
  return optional(`branding.${what}_color`, colour, `Colour of the pages: ${what}.`, {
    official: `PDS_${what.toUpperCase()}_COLOR`,
    waitsFor: PAGES_LATER,
  })
}

/** The settings as a list; values are unknown to whoever walks it. */
export const settingList: readonly Setting<unknown>[] = Object.values(settings)
