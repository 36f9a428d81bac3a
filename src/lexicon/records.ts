/**
 * Records held against the lexicons of their types, as the official server does it and with its words. A record stays
 * the JSON that came in (`{ $link }`, `{ $bytes }`); only the check sees it with links and bytes made real.
 */
import { type JsonValue, jsonToLex } from '@atproto/lex-json'
import { InvalidRecordError } from '#lexicon/errors.ts'
import type { JsonObject } from '#lexicon/json.ts'
import { schemas } from '#lexicon/schemas.ts'
import { isRecordKey, type Nsid, type RecordKey } from '#lexicon/strings.ts'

/** The record types that the official server checks. Others are accepted unseen, and refused when a check is asked for. */
const CHECKED: ReadonlySet<string> = new Set([
  'app.bsky.actor.profile',
  'app.bsky.actor.status',
  'app.bsky.feed.generator',
  'app.bsky.feed.like',
  'app.bsky.feed.post',
  'app.bsky.feed.postgate',
  'app.bsky.feed.repost',
  'app.bsky.feed.threadgate',
  'app.bsky.graph.block',
  'app.bsky.graph.follow',
  'app.bsky.graph.list',
  'app.bsky.graph.listblock',
  'app.bsky.graph.listitem',
  'app.bsky.graph.starterpack',
  'app.bsky.graph.verification',
  'app.bsky.labeler.service',
  'app.bsky.notification.declaration',
  'chat.bsky.actor.declaration',
  'com.atproto.lexicon.schema',
  'com.germnetwork.declaration',
])

export type ValidationStatus = 'valid' | 'unknown'
/** Keys and indexes that lead from a caller's input to a record. */
export type RecordPlace = readonly (string | number)[]

const RECORD: RecordPlace = ['record']

export interface RecordToCheck {
  readonly collection: Nsid
  readonly rkey: RecordKey
  readonly record: JsonObject
  /** true: its lexicon must be known; absent: checked where it is known; false: not held against a lexicon */
  readonly validate: boolean | undefined
  readonly place?: RecordPlace
}

export interface CheckedRecord {
  /** absent when no check was wanted */
  readonly status: ValidationStatus | undefined
  /** the record, with `$type` filled in where it was missing */
  readonly record: JsonObject
}

/**
 * Checks a record before it is written: `$type` equals the collection, and key and content fit the lexicon.
 * @throws InvalidRecordError
 */
export function validateRecord(toCheck: RecordToCheck): CheckedRecord {
  const { collection, rkey, record, validate } = toCheck
  if (record.$type !== undefined && record.$type !== collection) {
    throw new InvalidRecordError(`Invalid $type: expected ${collection}, got ${shown(record.$type)}`)
  }
  if (!isRecordKey(rkey)) throw new InvalidRecordError(`Invalid record key: ${rkey}`)
  const typed = record.$type === undefined ? { ...record, $type: collection } : record
  if (validate === false) return { status: undefined, record: typed }
  return { status: checkAgainstLexicon({ ...toCheck, record: typed }), record: typed }
}

function checkAgainstLexicon(toCheck: RecordToCheck): ValidationStatus {
  const { collection, rkey, record, validate, place = RECORD } = toCheck
  const schema = CHECKED.has(collection) ? schemas.record(collection) : null
  if (!schema) {
    if (validate) throw new InvalidRecordError(`Unknown lexicon type: ${collection}`)
    return 'unknown'
  }
  const key = schema.keySchema.safeValidate(rkey)
  if (!key.success) {
    throw new InvalidRecordError(`Invalid record key for ${collection}: ${key.reason.message}`)
  }
  const content = schema.safeValidate(jsonToLex(record as JsonValue), { path: [...place] })
  if (!content.success) {
    throw new InvalidRecordError(`Invalid ${collection} record: ${content.reason.message}`)
  }
  return 'valid'
}

function shown(type: unknown): string {
  return typeof type === 'string' ? type : JSON.stringify(type)
}
