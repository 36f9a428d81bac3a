/**
 * The configuration of a server: one typed, frozen value, derived from the table in `settings.ts`. It never changes
 * while in use; a reload makes another one. Sizes are bytes and times milliseconds, as the names say.
 */

import type { ConfigWarning } from '#config/reader.ts'

/** Where requests come in: an address (with `Config.port`) or a Unix socket. */
export type ListenAddress =
  | { readonly kind: 'address'; readonly address: string }
  | { readonly kind: 'unix'; readonly path: string }

/** A service of the network that this server works with: an AppView, a moderation service. */
export interface RemoteService {
  readonly url: string
  readonly did: string
}

export type BlobStoreConfig =
  | { readonly kind: 'disk' }
  | {
      readonly kind: 's3'
      readonly bucket: string
      readonly region: string | null
      readonly endpoint: string | null
      readonly forcePathStyle: boolean
      /** null = as the environment of the AWS tools says */
      readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | null
      readonly uploadTimeoutMs: number
      readonly requestTimeoutMs: number | null
    }

export interface Config {
  /** absolute path; `new DataLayout(config.dataDirectory, config.elsewhere)` has the paths below it */
  readonly dataDirectory: string
  /** directories that lie outside of the data directory by configuration */
  readonly elsewhere: {
    readonly actors: string | null
    readonly blobs: string | null
    readonly blobsTemporary: string | null
  }
  /** the file that was read, null when there is none */
  readonly configFile: string | null
  /** a development server: embedded PLC directory, mail catcher, generated secrets */
  readonly dev: boolean

  /** the public name, lower case, without scheme and port */
  readonly hostname: string
  /** 0 = any free one; see `withPorts` */
  readonly port: number
  readonly listen: ListenAddress
  /** `https://<hostname>`, or `http://localhost:<port>`; no slash at the end */
  readonly publicUrl: string
  readonly serviceDid: string
  /** networks (CIDR) whose `X-Forwarded-For` is believed */
  readonly trustedProxies: readonly string[]
  /** what `_health` says; the version of locus unless the operator set another */
  readonly version: string
  readonly durability: 'full' | 'relaxed'
  /** check what methods answer against their lexicons */
  readonly validateResponses: boolean
  /** how long a stop waits for requests that are under way */
  readonly drainTimeoutMs: number

  /** what the server says of itself, in describeServer and on its pages */
  readonly serviceName: string
  readonly homeUrl: string | null
  readonly logoUrl: string | null
  readonly supportUrl: string | null
  readonly privacyPolicyUrl: string | null
  readonly termsOfServiceUrl: string | null
  readonly contactEmail: string | null
  /** CSS colours and pictures of the pages */
  readonly branding: {
    readonly primaryColor: string | null
    readonly errorColor: string | null
    readonly warningColor: string | null
    readonly infoColor: string | null
    readonly successColor: string | null
    readonly backgroundLightUrl: string | null
    readonly backgroundDarkUrl: string | null
  }

  /** each with its leading dot */
  readonly handleDomains: readonly string[]
  readonly inviteRequired: boolean
  /** how often an account earns an invite code; null = never */
  readonly inviteIntervalMs: number | null
  /** Unix milliseconds: accounts earn nothing for the time before */
  readonly inviteEpoch: number

  readonly acceptingImports: boolean
  /** null = no limit */
  readonly importLimit: number | null
  /** bytes of one blob */
  readonly blobUploadLimit: number
  readonly blobStore: BlobStoreConfig
  /** bytes of a request body, decompressed; bodies that are not JSON have `blobUploadLimit` */
  readonly bodyLimits: {
    readonly json: number
    /** JSON of createRecord, putRecord and applyWrites */
    readonly records: number
  }

  readonly plcUrl: string
  /** the PLC directory to serve beside, at `plcUrl`; port 0 = any free one. Null outside development */
  readonly embeddedPlc: { readonly port: number } | null
  readonly recoveryDidKey: string | null
  readonly identity: {
    /** age from which a cached DID document is refreshed behind the scenes */
    readonly cacheStaleMs: number
    /** age from which it is not used any more */
    readonly cacheMaxMs: number
    readonly resolverTimeoutMs: number
    readonly handleBackupNameservers: readonly string[]
    readonly didDocWithSession: boolean
  }
  readonly lexiconAuthorityDid: string | null

  readonly secrets: {
    readonly jwtSecret: string
    readonly adminPassword: string
    /** 32 bytes, a K-256 private key */
    readonly plcRotationKey: Uint8Array
    /** null = a new one at each start */
    readonly dpopSecret: string | null
  }

  /** null = no mail can be sent: codes are kept for the operator to read */
  readonly email: {
    readonly smtpUrl: string
    readonly from: string
    readonly confirmationLink: boolean
  } | null
  readonly moderationEmail: { readonly smtpUrl: string; readonly from: string } | null

  readonly firehose: {
    /** how old an event may be to be replayed; older ones are removed */
    readonly backfillWindowMs: number
  }
  /** relays that are asked to crawl this server */
  readonly crawlers: readonly string[]

  readonly appView: (RemoteService & { readonly cdnUrlPattern: string | null }) | null
  readonly modService: RemoteService | null
  /** the moderation service unless set */
  readonly reportService: RemoteService | null

  readonly rateLimits: {
    readonly enabled: boolean
    /** callers who send it in `x-ratelimit-bypass` are not limited */
    readonly bypassKey: string | null
    /** networks (CIDR) that are not limited */
    readonly bypassNetworks: readonly string[]
  }

  /** whether strangers are kept from making this server contact machines that are not public */
  readonly ssrfProtection: boolean
  /** whether they may name this machine all the same: in development */
  readonly allowLoopback: boolean
  /** bytes of an answer to one of our own requests */
  readonly fetchMaxBytes: number
  readonly proxy: {
    readonly headersTimeoutMs: number
    readonly bodyTimeoutMs: number
    /** bytes of an answer that must be held in memory */
    readonly maxBytes: number
    readonly maxRetries: number
    readonly preferCompressed: boolean
  }
  readonly oauth: {
    /** client ids */
    readonly trustedClients: readonly string[]
    readonly hcaptcha: {
      readonly siteKey: string
      readonly secretKey: string
      readonly tokenSalt: string
    } | null
  }

  readonly log: {
    readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent'
    /** `auto` = text on a terminal, JSON elsewhere */
    readonly format: 'auto' | 'text' | 'json'
  }

  /** what the operator should know at start; never a secret */
  readonly warnings: readonly ConfigWarning[]
}

/**
 * `config` with the ports that are really listened on, for when any free ones were asked for: what names them in URLs
 * follows.
 */
export function withPorts(config: Config, ports: { port?: number; plcPort?: number }): Config {
  const { port = config.port, plcPort } = ports
  const embedded = config.embeddedPlc && plcPort !== undefined ? { port: plcPort } : config.embeddedPlc
  return Object.freeze({
    ...config,
    port,
    publicUrl: publicUrlOf(config.hostname, port),
    embeddedPlc: embedded && Object.freeze(embedded),
    plcUrl: embedded ? localUrl(embedded.port) : config.plcUrl,
  })
}

/** The URL under which the network knows a server. */
export function publicUrlOf(hostname: string, port: number): string {
  return hostname === 'localhost' ? localUrl(port) : `https://${hostname}`
}

export function localUrl(port: number): string {
  return `http://localhost:${port}`
}
