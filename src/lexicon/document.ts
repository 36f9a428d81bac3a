/** The shape of lexicon documents, as far as we read them. @see https://atproto.com/specs/lexicon */
import type { l } from '@atproto/lex-schema'

export type DocumentId = `${string}.${string}.${string}`

export interface LexiconDocument {
  readonly id: DocumentId
  readonly defs: Readonly<Record<string, Definition>>
}

export type Definition = MethodDefinition | RecordDefinition | PermissionSetDefinition | Leaf

export interface MethodDefinition {
  readonly type: 'query' | 'procedure' | 'subscription'
  readonly parameters?: ParamsDefinition
  readonly input?: Payload
  readonly output?: Payload
}

export interface Payload {
  readonly encoding: string
  readonly schema?: ObjectDefinition | RefDefinition | UnionDefinition
}

export interface RecordDefinition {
  readonly type: 'record'
  readonly key: l.LexiconRecordKey
  readonly record: ObjectDefinition
}

/** Read by nobody here yet. */
export interface PermissionSetDefinition {
  readonly type: 'permission-set'
}

export interface ParamsDefinition {
  readonly type: 'params'
  readonly required?: readonly string[]
  readonly properties: Readonly<Record<string, ParamDefinition>>
}

export interface ObjectDefinition {
  readonly type: 'object'
  readonly required?: readonly string[]
  readonly nullable?: readonly string[]
  readonly properties?: Readonly<Record<string, Leaf>>
}

export interface RefDefinition {
  readonly type: 'ref'
  readonly ref: string
}

export interface UnionDefinition {
  readonly type: 'union'
  readonly refs: readonly string[]
  readonly closed?: boolean
}

export type ParamDefinition = BooleanDefinition | IntegerDefinition | StringDefinition | ParamArrayDefinition

export type Leaf =
  | BooleanDefinition
  | IntegerDefinition
  | StringDefinition
  | ArrayDefinition
  | ObjectDefinition
  | RefDefinition
  | UnionDefinition
  | BlobDefinition
  | BytesDefinition
  | { readonly type: 'cid-link' | 'token' | 'unknown' }

export interface BooleanDefinition {
  readonly type: 'boolean'
  readonly const?: boolean
  readonly default?: boolean
}

export interface IntegerDefinition {
  readonly type: 'integer'
  readonly const?: number
  readonly enum?: readonly number[]
  readonly default?: number
  readonly minimum?: number
  readonly maximum?: number
}

export interface StringDefinition {
  readonly type: 'string'
  readonly const?: string
  readonly enum?: readonly string[]
  readonly knownValues?: readonly string[]
  readonly default?: string
  readonly format?: l.StringFormat
  readonly minLength?: number
  readonly maxLength?: number
  readonly minGraphemes?: number
  readonly maxGraphemes?: number
}

export interface ArrayDefinition {
  readonly type: 'array'
  readonly items: Leaf
  readonly minLength?: number
  readonly maxLength?: number
}

export interface ParamArrayDefinition {
  readonly type: 'array'
  readonly items: BooleanDefinition | IntegerDefinition | StringDefinition
  readonly minLength?: number
  readonly maxLength?: number
}

export interface BlobDefinition {
  readonly type: 'blob'
  readonly accept?: string[]
  readonly maxSize?: number
}

export interface BytesDefinition {
  readonly type: 'bytes'
  readonly minLength?: number
  readonly maxLength?: number
}
