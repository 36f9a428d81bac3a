/** Any JSON value. Links and bytes of the data model are `{ $link }` and `{ $bytes }` in it. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject

export interface JsonObject {
  readonly [key: string]: Json
}

/** A link to a block, as JSON writes it. */
export interface JsonLink {
  readonly $link: string
}

/** Bytes as JSON writes them: base64, padding optional. */
export interface JsonBytes {
  readonly $bytes: string
}

/** A reference to a blob, as JSON writes it. */
export interface JsonBlob {
  readonly $type: 'blob'
  readonly ref: JsonLink
  readonly mimeType: string
  readonly size: number
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
