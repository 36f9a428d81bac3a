/** Makes a Config of the settings, one room after the other, and checks what no setting can tell of itself. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Config, localUrl, publicUrlOf, type RemoteService } from '#config/config.ts'
import { DataLayout } from '#config/layout.ts'
import { isLocalName, namedNetworks } from '#config/network-kinds.ts'
import type { SettingReader } from '#config/reader.ts'
import type { Setting } from '#config/setting.ts'
import { settings } from '#config/settings.ts'
import { readTomlFile } from '#config/toml-file.ts'
import { fromHex } from '#std/bytes.ts'
import { version } from '#telemetry/version.ts'

/** Longest path of a Unix socket that Linux takes, less the name of ours. */
const MAX_DATA_DIRECTORY_BYTES = 107 - '/admin.sock'.length

/** Below it, a password of the operator is worth a warning. */
const GOOD_PASSWORD_LENGTH = 12
const GOOD_SECRET_BYTES = 32

/** Reads every setting once. What it returns may only be used when `reader` found no fault and misses no secret. */
export function assemble(
  reader: SettingReader,
  sources: { configFile: string | null; defaultDataDirectory: string },
): Config {
  const dev = reader.read(settings.dev)
  reader.development = dev
  const dataDirectory = reader.read(settings.dataDirectory, sources.defaultDataDirectory) ?? ''
  reader.dataDirectory = dataDirectory
  checkDataDirectory(reader, sources.configFile)
  checkDevelopment(reader, sources.configFile)
  const service = serviceOf(reader)
  return {
    dataDirectory,
    elsewhere: {
      actors: reader.read(settings.actorsDirectory),
      blobs: reader.read(settings.blobsDirectory),
      blobsTemporary: reader.read(settings.blobsTemporaryDirectory),
    },
    configFile: sources.configFile,
    dev,
    ...service,
    ...accountsOf(reader, service.hostname),
    ...limitsOf(reader),
    blobStore: blobStoreOf(reader),
    ...identityOf(reader),
    secrets: secretsOf(reader),
    ...mailOf(reader),
    firehose: {
      backfillWindowMs: reader.read(settings.backfillWindow),
    },
    crawlers: crawlersOf(reader),
    ...servicesOf(reader),
    ...outboundOf(reader),
    oauth: oauthOf(reader),
    log: { level: reader.read(settings.logLevel), format: reader.read(settings.logFormat) },
    warnings: reader.warnings,
  }
}

function checkDataDirectory(reader: SettingReader, configFile: string | null): void {
  const { dataDirectory } = reader
  const kept = new DataLayout(dataDirectory)
  if (Buffer.byteLength(dataDirectory) > MAX_DATA_DIRECTORY_BYTES) {
    const problem = `its path is longer than ${MAX_DATA_DIRECTORY_BYTES} bytes, so commands could not reach the server`
    reader.fault(
      settings.dataDirectory,
      problem,
      'move it to a shorter path, or name it by a shorter symbolic link',
    )
  }
  if (existsSync(join(dataDirectory, 'account.sqlite')) && !existsSync(kept.service)) {
    const problem = `${dataDirectory} belongs to the official PDS`
    reader.fault(
      settings.dataDirectory,
      problem,
      'name another directory; locus does not write into this one',
    )
  }
  if (configFile !== null && configFile !== kept.configFile && existsSync(kept.configFile)) {
    reader.warn(settings.dataDirectory, `${kept.configFile} is not read: ${configFile} was asked for`)
  }
}

/**
 * A directory is of development or of production for good, by its locus.toml: accounts of the one would have their
 * identities in a directory that the other does not know.
 */
function checkDevelopment(reader: SettingReader, configFile: string | null): void {
  if (!reader.development) return
  const kept = new DataLayout(reader.dataDirectory)
  const isKept = existsSync(kept.configFile)
  if (!isKept && !existsSync(kept.service)) return
  const file = isKept ? kept.configFile : configFile
  const marked = file === null ? undefined : file === configFile ? reader.inFile(settings.dev) : devIn(file)
  if (marked === true) return
  const problem = `${reader.dataDirectory} is the data directory of a production server: ${
    file === null ? 'it has no locus.toml' : `${file} does not say dev = true`
  }`
  const remedy = 'leave it out, or name another directory with --data; a directory stays what it was made as'
  reader.fault(settings.dev, problem, remedy)
}

function devIn(file: string): unknown {
  const toml = readTomlFile(file)
  return 'problem' in toml ? undefined : toml.entries.get(settings.dev.key)?.value
}

/** In development accounts carry the port in their DID documents. */
function warnOfOtherPort(reader: SettingReader, hostname: string, port: number): void {
  const before = reader.inFile(settings.port)
  if (hostname !== 'localhost' || typeof before !== 'number' || before === 0 || before === port) return
  const message = `accounts that were made before name ${localUrl(before)} in their DID documents, and are found there only`
  reader.warn(settings.port, message)
}

function serviceOf(reader: SettingReader) {
  const hostname = reader.read(settings.hostname, reader.development ? 'localhost' : null) ?? 'localhost'
  if (!reader.development && !reader.isSet(settings.hostname)) {
    const remedy =
      'set hostname in locus.toml, LOCUS_HOSTNAME or --hostname; to try locus out: locus serve --dev'
    reader.fault(settings.hostname, 'the public name of the server is needed', remedy)
  }
  const port = reader.read(settings.port)
  const listen = reader.read(settings.listen)
  if (reader.development) warnOfOtherPort(reader, hostname, port)
  const serviceDid = reader.read(settings.serviceDid, `did:web:${hostname}`) ?? ''
  if (serviceDid.startsWith('did:web:') && serviceDid !== `did:web:${hostname}`) {
    const remedy = `remove it, or use did:web:${hostname}, or set hostname to the name in it`
    reader.fault(settings.serviceDid, `${serviceDid} is not the DID of ${hostname}`, remedy)
  }
  return {
    hostname,
    port,
    listen: listen.startsWith('unix:')
      ? { kind: 'unix' as const, path: listen.slice('unix:'.length) }
      : { kind: 'address' as const, address: listen },
    publicUrl: publicUrlOf(hostname, port),
    serviceDid,
    trustedProxies: namedNetworks(reader.read(settings.trustedProxies)),
    version: reader.read(settings.version, version) ?? version,
    durability: reader.read(settings.durability),
    validateResponses: reader.read(settings.validateResponses),
    drainTimeoutMs: reader.read(settings.drainTimeout),
    serviceName: reader.read(settings.serviceName, `${hostname} PDS`) ?? '',
    homeUrl: reader.read(settings.homeUrl),
    logoUrl: reader.read(settings.logoUrl),
    supportUrl: reader.read(settings.supportUrl),
    privacyPolicyUrl: reader.read(settings.privacyPolicyUrl),
    termsOfServiceUrl: reader.read(settings.termsOfServiceUrl),
    contactEmail: reader.read(settings.contactEmail),
    branding: {
      primaryColor: reader.read(settings.primaryColor),
      errorColor: reader.read(settings.errorColor),
      warningColor: reader.read(settings.warningColor),
      infoColor: reader.read(settings.infoColor),
      successColor: reader.read(settings.successColor),
      backgroundLightUrl: reader.read(settings.backgroundLightUrl),
      backgroundDarkUrl: reader.read(settings.backgroundDarkUrl),
    },
  }
}

function accountsOf(reader: SettingReader, hostname: string) {
  const local = reader.development || hostname === 'localhost'
  const own = [hostname === 'localhost' || reader.development ? '.test' : `.${hostname}`]
  const read = reader.read(settings.handleDomains, own) ?? own
  const handleDomains = read.length > 0 ? read : own
  const test = handleDomains.find((domain) => domain === '.test' || domain.endsWith('.test'))
  if (test !== undefined && !local) {
    const message = `handles in ${test} resolve on machines of developers only; a domain of yours, such as .${hostname}, would do for all`
    reader.warn(settings.handleDomains, message)
  }
  const inviteRequired = reader.read(settings.inviteRequired)
  if (!inviteRequired && !reader.development) {
    const message =
      'anyone who finds this server can create accounts on it; set invites.required = true unless you want that'
    reader.warn(settings.inviteRequired, message)
  }
  return {
    handleDomains,
    inviteRequired,
    inviteIntervalMs: reader.read(settings.inviteInterval),
    inviteEpoch: reader.read(settings.inviteEpoch),
  }
}

function limitsOf(reader: SettingReader) {
  return {
    acceptingImports: reader.read(settings.acceptingImports),
    importLimit: reader.read(settings.importLimit),
    blobUploadLimit: reader.read(settings.blobUploadLimit),
    bodyLimits: {
      json: reader.read(settings.jsonBodyLimit),
      records: reader.read(settings.recordsBodyLimit),
    },
    rateLimits: {
      enabled: reader.read(settings.rateLimitsEnabled),
      bypassKey: reader.read(settings.rateLimitBypassKey),
      bypassNetworks: namedNetworks(reader.read(settings.rateLimitBypassNetworks)),
    },
  }
}

function blobStoreOf(reader: SettingReader): Config['blobStore'] {
  const bucket = reader.read(settings.s3Bucket)
  const region = reader.read(settings.s3Region)
  const endpoint = reader.read(settings.s3Endpoint)
  const forcePathStyle = reader.read(settings.s3ForcePathStyle)
  const accessKeyId = reader.read(settings.s3AccessKeyId)
  const secretAccessKey = reader.read(settings.s3SecretAccessKey)
  const uploadTimeoutMs = reader.read(settings.s3UploadTimeout)
  const requestTimeoutMs = reader.read(settings.s3RequestTimeout)
  const onDisk = reader.isSet(settings.blobsDirectory)
  if (bucket !== null && onDisk) {
    const place = reader.placeOf(settings.blobsDirectory)
    const problem = `blobs can be kept in a bucket or in a directory, not in both (${place})`
    reader.fault(settings.s3Bucket, problem, 'remove blobs.s3.bucket or blobs.directory')
  }
  if (bucket === null) {
    if (accessKeyId !== null || endpoint !== null || region !== null) {
      const setting =
        accessKeyId !== null
          ? settings.s3AccessKeyId
          : endpoint !== null
            ? settings.s3Endpoint
            : settings.s3Region
      reader.warn(setting, 'it does nothing without blobs.s3.bucket: blobs are kept in a directory')
    }
    return { kind: 'disk' }
  }
  bothOrNone(reader, settings.s3AccessKeyId, settings.s3SecretAccessKey, accessKeyId, secretAccessKey)
  const credentials =
    accessKeyId !== null && secretAccessKey !== null ? { accessKeyId, secretAccessKey } : null
  return {
    kind: 's3',
    bucket,
    region,
    endpoint,
    forcePathStyle,
    credentials,
    uploadTimeoutMs,
    requestTimeoutMs,
  }
}

function identityOf(reader: SettingReader) {
  const plcPort = reader.read(settings.plcPort)
  const plcUrl = reader.read(settings.plcUrl, reader.development ? localUrl(plcPort) : undefined)
  const embedded = reader.development && !reader.isSet(settings.plcUrl)
  if (reader.development && embedded && plcPort !== 0 && plcPort === portOf(reader)) {
    reader.fault(
      settings.plcPort,
      `${plcPort} is the port of the server as well`,
      'use another port for one of them',
    )
  }
  warnOfPlainHttp(reader, settings.plcUrl, embedded ? null : plcUrl)
  const cacheStaleMs = reader.read(settings.didCacheStale)
  const cacheMaxMs = reader.read(settings.didCacheMax)
  if (cacheStaleMs > cacheMaxMs) {
    const problem = 'documents would be thrown away before they are refreshed'
    reader.fault(settings.didCacheStale, problem, 'make it shorter than identity.cache_max_age')
  }
  return {
    plcUrl,
    embeddedPlc: embedded ? { port: plcPort } : null,
    recoveryDidKey: reader.read(settings.recoveryDidKey),
    identity: {
      cacheStaleMs,
      cacheMaxMs,
      resolverTimeoutMs: reader.read(settings.resolverTimeout),
      handleBackupNameservers: reader.read(settings.handleBackupNameservers),
      didDocWithSession: reader.read(settings.didDocWithSession),
    },
    lexiconAuthorityDid: reader.read(settings.lexiconAuthorityDid),
  }
}

function portOf(reader: SettingReader): unknown {
  return reader.settings.find(({ setting }) => setting.key === settings.port.key)?.value
}

function secretsOf(reader: SettingReader): Config['secrets'] {
  const jwtSecret = reader.read(settings.jwtSecret)
  const adminPassword = reader.read(settings.adminPassword)
  const plcRotationKey = reader.read(settings.plcRotationKey)
  requireSecret(reader, settings.jwtSecret)
  requireSecret(reader, settings.adminPassword)
  requireSecret(reader, settings.plcRotationKey)
  if (jwtSecret !== null && Buffer.byteLength(jwtSecret) < GOOD_SECRET_BYTES) {
    const message = `it is shorter than ${GOOD_SECRET_BYTES} bytes; a longer one ends all sessions once and is harder to guess`
    reader.warn(settings.jwtSecret, message)
  }
  if (adminPassword !== null && adminPassword.length < GOOD_PASSWORD_LENGTH && !reader.development) {
    const message = `it is shorter than ${GOOD_PASSWORD_LENGTH} characters, and has full power over all accounts`
    reader.warn(settings.adminPassword, message)
  }
  return {
    jwtSecret: jwtSecret ?? '',
    adminPassword: adminPassword ?? '',
    plcRotationKey: fromHex(plcRotationKey ?? '') ?? new Uint8Array(),
    dpopSecret: reader.read(settings.dpopSecret),
  }
}

/** A server without its secrets would make others, and so lose its sessions and its power over its accounts' identities. */
function requireSecret(reader: SettingReader, setting: Setting<string | null>): void {
  if (reader.isSet(setting) || !setting.secret) return
  const path = new DataLayout(reader.dataDirectory).secret(setting.secret.file)
  const [official] = setting.official
  const remedy = `\`locus init\` makes one; or set ${official?.name ?? setting.variable}, or put it into the file (mode 0600)`
  const fault = { key: setting.key, place: path, problem: 'it is missing', remedy }
  reader.missingSecrets.push({ name: setting.secret.file, fault })
}

function mailOf(reader: SettingReader): Pick<Config, 'email' | 'moderationEmail'> {
  const smtpUrl = reader.read(settings.smtpUrl)
  const from = reader.read(settings.emailFrom)
  const confirmationLink = reader.read(settings.emailConfirmationLink)
  const moderationSmtpUrl = reader.read(settings.moderationSmtpUrl)
  const moderationFrom = reader.read(settings.moderationEmailFrom)
  bothOrNone(reader, settings.smtpUrl, settings.emailFrom, smtpUrl, from)
  bothOrNone(
    reader,
    settings.moderationSmtpUrl,
    settings.moderationEmailFrom,
    moderationSmtpUrl,
    moderationFrom,
  )
  return {
    email: smtpUrl !== null && from !== null ? { smtpUrl, from, confirmationLink } : null,
    moderationEmail:
      moderationSmtpUrl !== null && moderationFrom !== null
        ? { smtpUrl: moderationSmtpUrl, from: moderationFrom }
        : null,
  }
}

function servicesOf(reader: SettingReader): Pick<Config, 'appView' | 'modService' | 'reportService'> {
  const appView = remoteService(reader, settings.appViewUrl, settings.appViewDid)
  const cdnUrlPattern = reader.read(settings.appViewCdnUrlPattern)
  const modService = remoteService(reader, settings.modServiceUrl, settings.modServiceDid)
  const reportService = remoteService(reader, settings.reportServiceUrl, settings.reportServiceDid)
  return {
    appView: appView && { ...appView, cdnUrlPattern },
    modService,
    reportService: reportService ?? modService,
  }
}

function remoteService(
  reader: SettingReader,
  urlSetting: Setting<string | null>,
  didSetting: Setting<string | null>,
): RemoteService | null {
  const url = reader.read(urlSetting)
  const did = reader.read(didSetting)
  if (url !== null && did === null) {
    reader.fault(urlSetting, `${didSetting.key} is not set`, `set ${didSetting.key} to the DID of ${url}`)
  }
  // the official PDS takes a DID without a URL for nothing, and so starts with one
  if (did !== null && url === null) reader.warn(didSetting, `it does nothing without ${urlSetting.key}`)
  warnOfPlainHttp(reader, urlSetting, url)
  return url !== null && did !== null ? { url, did } : null
}

/**
 * A file may have come from a production server, whose relays shall not hear of a development server: there, who means
 * them says so where the server is started.
 */
function crawlersOf(reader: SettingReader): readonly string[] {
  const crawlers = reader.read(settings.crawlers)
  const read = reader.settings.find(({ setting }) => setting.key === settings.crawlers.key)
  if (!reader.development || read?.origin !== 'file') return crawlers
  const local = crawlers.filter((url) => isLocalName(new URL(url).hostname))
  if (local.length < crawlers.length) {
    const message = `a development server asks no relay elsewhere on the word of a file; ${settings.crawlers.variable} or --set crawlers=... makes it`
    reader.warn(settings.crawlers, message)
  }
  return local
}

function outboundOf(reader: SettingReader) {
  const ssrfProtection = reader.read(settings.ssrfProtection)
  if (!ssrfProtection && !reader.development) {
    const message = 'strangers can make this server contact any machine that it can reach'
    reader.warn(settings.ssrfProtection, message)
  }
  return {
    ssrfProtection,
    allowLoopback: reader.development,
    fetchMaxBytes: reader.read(settings.fetchMaxSize),
    proxy: {
      headersTimeoutMs: reader.read(settings.proxyHeadersTimeout),
      bodyTimeoutMs: reader.read(settings.proxyBodyTimeout),
      maxBytes: reader.read(settings.proxyMaxSize),
      maxRetries: reader.read(settings.proxyMaxRetries),
      preferCompressed: reader.read(settings.proxyPreferCompressed),
    },
  }
}

function oauthOf(reader: SettingReader): Config['oauth'] {
  const siteKey = reader.read(settings.hcaptchaSiteKey)
  const secretKey = reader.read(settings.hcaptchaSecretKey)
  const tokenSalt = reader.read(settings.hcaptchaTokenSalt)
  const complete = siteKey !== null && secretKey !== null && tokenSalt !== null
  if (!complete && siteKey !== null) {
    const message =
      'registration is not guarded by it: oauth.hcaptcha_secret_key and hcaptcha_token_salt are needed too'
    reader.warn(settings.hcaptchaSiteKey, message)
  }
  return {
    trustedClients: reader.read(settings.oauthTrustedClients),
    hcaptcha: complete ? { siteKey, secretKey, tokenSalt } : null,
  }
}

/** Two settings that mean nothing alone. */
function bothOrNone(
  reader: SettingReader,
  first: Setting<string | null>,
  second: Setting<string | null>,
  firstValue: string | null,
  secondValue: string | null,
): void {
  if ((firstValue === null) === (secondValue === null)) return
  const [given, lacking] = firstValue === null ? [second, first] : [first, second]
  // a faulty value reads as none, and has its fault already
  if (reader.isSet(lacking)) return
  reader.fault(
    given,
    `${lacking.key} is not set`,
    `set ${lacking.key} (${lacking.variable}) as well, or remove this`,
  )
}

/** What is sent in the clear can be read and changed on its way. */
function warnOfPlainHttp(
  reader: SettingReader,
  setting: Setting<string | null> | Setting<string>,
  url: string | null,
): void {
  if (!url?.startsWith('http:') || reader.development || isLocalName(new URL(url).hostname)) return
  reader.warn(setting, `${url} is not encrypted; use https unless the way there is yours`)
}
