/**
 * Where everything in a data directory is. Paths only: nothing here reads, makes or removes a file.
 * `actors/` and the blob directory may lie elsewhere by configuration; all else is below the root.
 */
import { join } from 'node:path'
import { hex } from '#std/bytes.ts'

/** Longest name of a file or directory that common file systems take, less room for suffixes such as `-wal`. */
const MAX_NAME_BYTES = 240

export interface ActorPaths {
  readonly directory: string
  /** the account's repository, records and preferences */
  readonly store: string
  /** the account's signing key: 32 raw bytes */
  readonly key: string
}

/** Secrets that a server keeps, by the name of their file. */
export type SecretName =
  | 'jwt-secret'
  | 'admin-password'
  | 'plc-rotation-key'
  | 'dpop-secret'
  | 'smtp-url'
  | 'moderation-smtp-url'
  | 's3-secret-access-key'
  | 'rate-limit-bypass-key'
  | 'hcaptcha-secret-key'
  | 'hcaptcha-token-salt'

export class DataLayout {
  /** configuration */
  readonly configFile: string
  /** whoever holds it is the only writer of this directory */
  readonly lock: string
  /** accounts, sessions, invites, mail, moderation, jobs */
  readonly service: string
  /** the event log */
  readonly sequencer: string
  /** DID documents, handles, lexicons; may be deleted while no server runs */
  readonly cache: string
  /** the PLC directory of a development server */
  readonly plc: string
  /** where commands reach the running server; owner only */
  readonly adminSocket: string
  /** files of mode 0600 in a directory of mode 0700 */
  readonly secrets: string
  readonly actorsRoot: string
  readonly blobsRoot: string
  /** uploads that are not complete yet */
  readonly blobsTemporary: string
  readonly backups: string
  /** space that the server gives up when the disk is full */
  readonly reserve: string

  /**
   * @param root absolute path of the data directory
   * @param elsewhere directories that the configuration puts outside of it
   */
  constructor(
    readonly root: string,
    elsewhere: { actors?: string | null; blobs?: string | null; blobsTemporary?: string | null } = {},
  ) {
    this.configFile = join(root, 'locus.toml')
    this.lock = join(root, 'lock.sqlite')
    this.service = join(root, 'service.sqlite')
    this.sequencer = join(root, 'sequencer.sqlite')
    this.cache = join(root, 'cache.sqlite')
    this.plc = join(root, 'plc.sqlite')
    this.adminSocket = join(root, 'admin.sock')
    this.secrets = join(root, 'secrets')
    this.actorsRoot = elsewhere.actors ?? join(root, 'actors')
    this.blobsRoot = elsewhere.blobs ?? join(root, 'blobs')
    this.blobsTemporary = elsewhere.blobsTemporary ?? join(this.blobsRoot, 'temp')
    this.backups = join(root, 'backups')
    this.reserve = join(root, 'reserve')
  }

  secret(name: SecretName): string {
    return join(this.secrets, name)
  }

  /** The files of one account, spread over 256 directories by the hash of the DID. */
  actor(did: string): ActorPaths {
    const directory = join(this.actorsRoot, hashOf(did).slice(0, 2), directoryName(did))
    return { directory, store: join(directory, 'store.sqlite'), key: join(directory, 'key') }
  }

  /** The directory of one account's blobs. */
  blobs(did: string): string {
    return join(this.blobsRoot, directoryName(did))
  }

  /** The file of one blob; `cid` is its text form. */
  blob(did: string, cid: string): string {
    return join(this.blobs(did), cid)
  }
}

/**
 * The DID itself, which every reader of the directory understands; its hash when it is longer than a file name may be.
 * DIDs are checked long before, but this is the last line before the file system.
 */
function directoryName(did: string): string {
  if (!/^did:[a-z]+:[A-Za-z0-9._:%-]+$/.test(did)) throw new TypeError('not a DID')
  return did.length <= MAX_NAME_BYTES ? did : `sha256-${hashOf(did)}`
}

function hashOf(did: string): string {
  return hex(Bun.SHA256.hash(did) as Uint8Array)
}
