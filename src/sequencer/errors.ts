import { DomainError } from '#std/errors.ts'

/** Event numbers only grow, and must not run out. */
export class SequenceRefusedError extends DomainError {
  override readonly name = 'SequenceRefusedError'
  readonly kind = 'invalid'
  readonly code = 'SequenceRefused'
  constructor(to: number, last: number) {
    super(
      to <= last
        ? `the last event has the number ${last}, which is not below ${to}`
        : `${to} is not a number that events can go on from`,
    )
  }
}

/** Which repositories have which collections is still being found out. */
export class CollectionsUnknownError extends DomainError {
  override readonly name = 'CollectionsUnknownError'
  readonly kind = 'unavailable'
  readonly code = 'CollectionsUnknown'
  constructor() {
    super('which repositories have which collections is still being found out, try again later')
  }
}

/** Nobody can have seen an event with this number. */
export class FutureCursorError extends DomainError {
  override readonly name = 'FutureCursorError'
  readonly kind = 'invalid'
  readonly code = 'FutureCursor'
  constructor(cursor: number, last: number) {
    super(`${cursor} is ahead of the last event, ${last}`)
  }
}
