import type { DomainError, ErrorKind } from '#std/errors.ts'

/** Missing things and conflicts are 400 in XRPC, as every error that a lexicon names is. */
const STATUS_BY_KIND: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  missing: 400,
  conflict: 400,
  'too-large': 413,
  unsupported: 415,
  'rate-limited': 429,
  upstream: 502,
  unavailable: 503,
}

/** Codes that have a status of their own. */
const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  RequestTimeout: 408,
  MethodNotImplemented: 501,
  UpstreamTimeout: 504,
}

/** The HTTP status of an error. The only place that knows. */
export function statusOf(error: DomainError): number {
  return STATUS_BY_CODE[error.code] ?? STATUS_BY_KIND[error.kind]
}
