/**
 * References to blobs, found anywhere in a record without its schema. A reference has these four keys and no others:
 *
 *   { "$type": "blob", "ref": { "$link": "bafkrei..." }, "mimeType": "image/jpeg", "size": 10000 }
 *
 * What is almost one is a plain map. Old records have another form, `{ "cid": "bafkrei...", "mimeType": "image/jpeg" }`,
 * which must not be written any more.
 * @see https://atproto.com/specs/data-model#blob-type
 */
import { CID } from 'multiformats/cid'
import { type Cid, parseCid } from './cid.ts'

export interface BlobRef {
  cid: Cid
  mimeType: string
  /** bytes; -1 in references converted from the old form, which had none */
  size: number
}

type JsonMap = Readonly<Record<string, unknown>>

const MAX_CID_TEXT = 128

/** The references in a record, in no particular order; one that occurs twice is listed twice. */
export function blobRefsOf(record: unknown): BlobRef[] {
  const found: BlobRef[] = []
  visitMaps(record, (map) => {
    const ref = blobRefOf(map)
    if (ref) found.push(ref)
    return ref === null
  })
  return found
}

/** The CID in a reference of the old form that a record has, or null. */
export function legacyBlobIn(record: unknown): string | null {
  let found: string | null = null
  visitMaps(record, (map) => {
    found ??= legacyCidOf(map)
    return found === null
  })
  return found
}

function blobRefOf(map: JsonMap): BlobRef | null {
  const { $type, ref, mimeType, size } = map
  if ($type !== 'blob' || typeof mimeType !== 'string' || typeof size !== 'number') return null
  if (!mimeType.includes('/') || !Number.isSafeInteger(size) || size < -1) return null
  if (!isMap(ref) || typeof ref.$link !== 'string') return null
  if (Object.keys(map).length !== 4 || Object.keys(ref).length !== 1) return null
  const cid = parseCid(ref.$link)
  return cid && { cid, mimeType, size }
}

function legacyCidOf(map: JsonMap): string | null {
  const { cid, mimeType } = map
  if (typeof cid !== 'string' || typeof mimeType !== 'string' || mimeType === '') return null
  return Object.keys(map).length === 2 && isCidText(cid) ? cid : null
}

/** Any CID in its own spelling, of our form or not. */
function isCidText(text: string): boolean {
  if (parseCid(text)) return true
  if (text.length > MAX_CID_TEXT) return false
  try {
    return CID.parse(text).toString() === text
  } catch {
    return false
  }
}

/** Calls `visit` with each map, and goes into those for which it returns true. No recursion: input may nest at will. */
function visitMaps(value: unknown, visit: (map: JsonMap) => boolean): void {
  const pending: unknown[] = [value]
  while (pending.length > 0) {
    const next = pending.pop()
    if (Array.isArray(next)) for (const item of next) pending.push(item)
    else if (isMap(next) && visit(next)) for (const key in next) pending.push(next[key])
  }
}

function isMap(value: unknown): value is JsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
