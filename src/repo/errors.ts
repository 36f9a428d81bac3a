import { DomainError } from '#std/errors.ts'

/** JSON that the data model has no place for: fractions, numbers beyond 2^53, nesting without end. */
export class InvalidRecordDataError extends DomainError {
  override readonly name = 'InvalidRecordDataError'
  readonly kind = 'invalid'
  readonly code = 'InvalidRequest'
}

/** Bytes that are not canonical DAG-CBOR, or not of the form that was expected. */
export class InvalidCborError extends DomainError {
  override readonly name = 'InvalidCborError'
  readonly kind = 'invalid'
  readonly code = 'InvalidRequest'
}

/** A path that is not `collection/rkey` in the letters that record keys may have. */
export class InvalidPathError extends DomainError {
  override readonly name = 'InvalidPathError'
  readonly kind = 'invalid'
  readonly code = 'InvalidRequest'
  constructor(path: string) {
    super(`not a record path: ${JSON.stringify(path.length > 100 ? `${path.slice(0, 100)}...` : path)}`)
  }
}

/** A block that is no commit, or one that was not made by whom it should be. */
export class InvalidCommitError extends DomainError {
  override readonly name = 'InvalidCommitError'
  readonly kind = 'invalid'
  readonly code = 'InvalidRequest'
}

/** Nodes of somebody else's that do not make a canonical tree. */
export class InvalidTreeError extends DomainError {
  override readonly name = 'InvalidTreeError'
  readonly kind = 'invalid'
  readonly code = 'InvalidRequest'
}

/** A CAR that is cut off, malformed, or whose blocks do not hash to their CIDs. */
export class InvalidCarError extends DomainError {
  override readonly name = 'InvalidCarError'
  readonly kind = 'invalid'
  readonly code = 'InvalidRequest'
}

/** A CAR, or a block of it, beyond what was agreed to read. */
export class CarTooLargeError extends DomainError {
  override readonly name = 'CarTooLargeError'
  readonly kind = 'too-large'
  readonly code = 'PayloadTooLarge'
}

/** What is stored of a repository of ours contradicts itself. Trees can be rebuilt from the records. */
export class RepoDamagedError extends DomainError {
  override readonly name = 'RepoDamagedError'
  readonly kind = 'unavailable'
  readonly code = 'RepoDamaged'
  override readonly hint =
    'check it with `locus repo verify`, and restore the account from a backup if that fails'
}

/** Keys chosen so that they fall into one node of the tree, or very many records with very long keys. */
export class CrowdedNodeError extends DomainError {
  override readonly name = 'CrowdedNodeError'
  readonly kind = 'invalid'
  readonly code = 'InvalidRequest'
  constructor(path: string) {
    super(
      `The part of the repository where this record key falls is full, choose another key: ${path.slice(0, 200)}`,
    )
  }
}
