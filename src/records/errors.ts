import type { Tid } from '#lexicon/strings.ts'
import { type Cid, formatCid } from '#repo/cid.ts'
import { DomainError } from '#std/errors.ts'

/** A commit or a record is not what the caller expected it to be. */
export class InvalidSwapError extends DomainError {
  override readonly name = 'InvalidSwapError'
  readonly kind = 'conflict'
  readonly code = 'InvalidSwap'
  constructor(what: 'Commit' | 'Record', current: Cid | null) {
    super(`${what} was at ${current ? formatCid(current) : 'null'}`)
  }
}

export class RecordExistsError extends DomainError {
  override readonly name = 'RecordExistsError'
  readonly kind = 'conflict'
  readonly code = 'InvalidRequest'
  constructor(uri: string) {
    super(`Record already exists: ${uri}`)
  }
}

export class RecordNotFoundError extends DomainError {
  override readonly name = 'RecordNotFoundError'
  readonly kind = 'missing'
  readonly code = 'RecordNotFound'
  constructor(uri: string) {
    super(`Could not locate record: ${uri}`)
  }
}

/** An update or a deletion names a record that is not there. */
export class MissingRecordError extends DomainError {
  override readonly name = 'MissingRecordError'
  readonly kind = 'missing'
  readonly code = 'InvalidRequest'
  constructor(uri: string) {
    super(`Could not find record: ${uri}`)
  }
}

/** A commit may name each path once, or consumers could not undo it. */
export class RepeatedPathError extends DomainError {
  override readonly name = 'RepeatedPathError'
  readonly kind = 'invalid'
  readonly code = 'InvalidRequest'
  constructor(path: string) {
    super(`Two writes of one request name the same record: ${path}`)
  }
}

export class TooManyWritesError extends DomainError {
  override readonly name = 'TooManyWritesError'
  readonly kind = 'invalid'
  readonly code = 'InvalidRequest'
}

export class BlobNotFoundError extends DomainError {
  override readonly name = 'BlobNotFoundError'
  readonly kind = 'missing'
  readonly code = 'BlobNotFound'
  constructor(cid: Cid) {
    super(`Could not find blob: ${formatCid(cid)}`)
  }
}

/** Blocks that were asked for by their CIDs are not in the repository as it is now. */
export class BlocksNotFoundError extends DomainError {
  override readonly name = 'BlocksNotFoundError'
  readonly kind = 'missing'
  readonly code = 'InvalidRequest' // the lexicon says BlockNotFound, the official server this
  constructor(cids: readonly string[]) {
    super(`Could not find cids: ${cids.join(',')}`)
  }
}

/** As many repositories are being downloaded as this server has room for. */
export class TooManyDownloadsError extends DomainError {
  override readonly name = 'TooManyDownloadsError'
  readonly kind = 'unavailable'
  readonly code = 'TooManyDownloads'
  constructor() {
    super('Too many repositories are being downloaded at the moment, try again later')
  }
}

/** There are no bytes to a blob's CID here. */
export class BlobNotHereError extends DomainError {
  override readonly name = 'BlobNotHereError'
  readonly kind = 'missing'
  readonly code = 'InvalidRequest' // the lexicon says BlobNotFound, the official server this
  constructor() {
    super('Blob not found')
  }
}

/** The store of a repository does not hold what the event log says it should, and the log cannot mend it. */
export class RepoLagsError extends DomainError {
  override readonly name = 'RepoLagsError'
  readonly kind = 'unavailable'
  readonly code = 'RepoUnavailable'
  override readonly hint =
    'restore this account from a backup; the log on this host no longer reaches back far enough'
  constructor(did: string, found: Tid | null, wanted: Tid) {
    super(
      `the store of ${did} is at rev ${found ?? 'none'}, the event log at ${wanted}, with events missing in between`,
    )
  }
}
