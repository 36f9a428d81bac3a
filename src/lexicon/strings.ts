/**
 * The network's identifiers as types of their own, so that a DID is never taken for a handle. The edge checks a string
 * once with these and the rooms within need not look again; the syntax itself is @atproto/syntax's.
 * @see https://atproto.com/specs/lexicon#string-formats
 */
import {
  isAtIdentifierString,
  isAtUriString,
  isValidDid,
  isValidHandle,
  isValidNsid,
  isValidRecordKey,
  isValidTid,
  parseAtUriString,
} from '@atproto/syntax'

declare const format: unique symbol
type Format<Name extends string> = string & { readonly [format]: Name }

export type Did = Format<'did'>
/** Lower case once it is ours: see `normalizeHandle`. */
export type Handle = Format<'handle'>
export type AtIdentifier = Did | Handle
export type Nsid = Format<'nsid'>
/** A timestamp that sorts as text: a repository's rev, and the record keys that we choose. */
export type Tid = Format<'tid'>
/** Every TID is one. */
export type RecordKey = Format<'record-key'> | Tid
export type AtUri = Format<'at-uri'>

export function isDid(text: string): text is Did {
  return isValidDid(text)
}

export function isHandle(text: string): text is Handle {
  return isValidHandle(text)
}

export function isAtIdentifier(text: string): text is AtIdentifier {
  return isAtIdentifierString(text)
}

export function isNsid(text: string): text is Nsid {
  return isValidNsid(text)
}

export function isRecordKey(text: string): text is RecordKey {
  return isValidRecordKey(text)
}

export function isTid(text: string): text is Tid {
  return isValidTid(text)
}

export function isAtUri(text: string): text is AtUri {
  return isAtUriString(text)
}

/** Handles are host names: equal in any case, and kept in lower case. Null when `text` is none. */
export function normalizeHandle(text: string): Handle | null {
  const handle = text.toLowerCase()
  return isHandle(handle) ? handle : null
}

export interface AtUriParts {
  readonly authority: AtIdentifier
  readonly collection: Nsid | null
  readonly rkey: RecordKey | null
}

/** The parts of an AT URI of an account, a collection or a record; null for anything else. */
export function parseAtUri(text: string): AtUriParts | null {
  const parsed = parseAtUriString(text)
  if (!parsed.success) return null
  const { authority, collection = null, rkey = null } = parsed.value
  if (!isAtIdentifier(authority)) return null
  if (collection !== null && !isNsid(collection)) return null
  if (rkey !== null && !isRecordKey(rkey)) return null
  return { authority, collection, rkey }
}

/** The AT URI of a record. */
export function recordUri(authority: AtIdentifier, collection: Nsid, rkey: RecordKey): AtUri {
  const uri: string = `at://${authority}/${collection}/${rkey}`
  return uri as AtUri // its parts are checked already
}
