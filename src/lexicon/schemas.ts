/**
 * Lexicon documents as validators. The checking is @atproto/lex-schema's, which the official server uses too, so that
 * we refuse the same values with the same words. A definition is compiled when it is first needed, and what it refers
 * to when a value first gets there: only a few of some four hundred documents ever are.
 */
import { l } from '@atproto/lex-schema'
import type {
  Definition,
  DocumentId,
  IntegerDefinition,
  Leaf,
  MethodDefinition,
  ObjectDefinition,
  ParamsDefinition,
  Payload,
  StringDefinition,
} from '#lexicon/document.ts'
import { lexiconDocument } from '#lexicon/documents.ts'

export interface MethodSchemas {
  /** null when the method has no parameters */
  readonly params: l.ParamsSchema | null
  /** null when there is no input or it is not described, as for bytes */
  readonly input: l.Validator | null
  readonly output: l.Validator | null
}

const methods = new Map<string, MethodSchemas>()
const definitions = new Map<string, l.Validator>()

/** @throws TypeError when no lexicon defines a method of that name */
export function methodSchemas(nsid: string): MethodSchemas {
  const known = methods.get(nsid)
  if (known) return known
  const main = lexiconDocument(nsid)?.defs.main
  if (!main || !isMethod(main)) throw new TypeError(`no lexicon defines a method ${nsid}`)
  const schemas: MethodSchemas = {
    params: main.parameters ? compileParams(nsid, main.parameters) : null,
    input: compilePayload(nsid, main.input),
    output: compilePayload(nsid, main.output),
  }
  methods.set(nsid, schemas)
  return schemas
}

/** The validator of a record type, or null when this program has no lexicon for it. */
export function recordSchema(nsid: string): l.RecordSchema | null {
  const known = definitions.get(nsid)
  if (!known && lexiconDocument(nsid)?.defs.main?.type !== 'record') return null
  const schema = known ?? definition(nsid)
  return schema instanceof l.RecordSchema ? schema : null
}

function isMethod(found: Definition): found is MethodDefinition {
  return found.type === 'query' || found.type === 'procedure' || found.type === 'subscription'
}

function definition(ref: string): l.Validator {
  const known = definitions.get(ref)
  if (known) return known
  const [nsid = '', name = 'main'] = ref.split('#')
  const document = lexiconDocument(nsid)
  const found = document?.defs[name]
  if (!document || !found) throw new TypeError(`no lexicon defines ${ref}`)
  const schema = compileDefinition(document.id, name, found)
  definitions.set(ref, schema)
  return schema
}

function compileDefinition(nsid: DocumentId, name: string, found: Definition): l.Validator {
  switch (found.type) {
    case 'record':
      return l.record(found.key, nsid, compileObject(nsid, found.record))
    case 'object':
      return l.typedObject(nsid, name, compileObject(nsid, found))
    case 'token':
      return l.token(nsid, name)
    case 'query':
    case 'procedure':
    case 'subscription':
    case 'permission-set':
      throw new TypeError(`${nsid}#${name} describes no value`)
    default:
      return compileLeaf(nsid, found)
  }
}

function compileLeaf(nsid: string, leaf: Leaf): l.Validator {
  switch (leaf.type) {
    case 'boolean':
      return withDefault(leaf.const === undefined ? l.boolean() : l.literal(leaf.const), leaf.default)
    case 'integer':
      return withDefault(closedTo(leaf) ?? l.integer(leaf), leaf.default)
    case 'string':
      return withDefault(closedTo(leaf) ?? l.string(leaf), leaf.default)
    case 'blob':
      return l.blob(leaf)
    case 'bytes':
      return l.bytes(leaf)
    case 'cid-link':
      return l.cid()
    case 'unknown':
      return l.lexMap()
    case 'array':
      return l.array(compileLeaf(nsid, leaf.items), leaf)
    case 'object':
      return compileObject(nsid, leaf)
    case 'ref': {
      const target = absolute(nsid, leaf.ref)
      return l.ref(() => definition(target))
    }
    case 'union': {
      const targets = leaf.refs.map((ref) => absolute(nsid, ref))
      return l.typedUnion(
        targets.map((target) => l.typedRef(() => typedDefinition(target))),
        leaf.closed ?? false,
      )
    }
    case 'token':
      throw new TypeError(`${nsid} has a token where a value belongs`)
  }
}

function closedTo(leaf: IntegerDefinition | StringDefinition): l.Validator | null {
  if (leaf.const !== undefined) return l.literal(leaf.const)
  return leaf.enum ? l.enum([...leaf.enum]) : null
}

function withDefault(schema: l.Validator, value: string | number | boolean | undefined): l.Validator {
  return value === undefined ? schema : l.withDefault(schema, value)
}

function typedDefinition(ref: string): l.RecordSchema | l.TypedObjectSchema {
  const schema = definition(ref)
  if (schema instanceof l.RecordSchema || schema instanceof l.TypedObjectSchema) return schema
  throw new TypeError(`a union may not have ${ref} in it`)
}

function absolute(nsid: string, ref: string): string {
  return (ref.startsWith('#') ? nsid + ref : ref).replace(/#main$/, '')
}

function compileObject(nsid: string, object: ObjectDefinition): l.ObjectSchema {
  const shape: Record<string, l.Validator> = {}
  for (const [name, property] of Object.entries(object.properties ?? {})) {
    const leaf = compileLeaf(nsid, property)
    const value = object.nullable?.includes(name) ? l.nullable(leaf) : leaf
    shape[name] = object.required?.includes(name) ? value : optional(property, value)
  }
  return l.object(shape)
}

function optional(leaf: Leaf, schema: l.Validator): l.OptionalSchema<l.Validator> {
  const mayHaveDefault = leaf.type === 'ref' || ('default' in leaf && leaf.default !== undefined)
  return mayHaveDefault ? l.optional(schema) : new QuickOptionalSchema(schema)
}

/**
 * What may be absent and has no default. The library's own asks the schema within for a default, and has it make an
 * error with a stack trace for each absent field: 3 of the 4 µs that the input of createRecord took.
 */
class QuickOptionalSchema extends l.OptionalSchema<l.Validator> {
  override validateInContext(input: unknown, context: l.ValidationContext) {
    return input === undefined ? context.success(input) : super.validateInContext(input, context)
  }
}

function compileParams(nsid: string, parameters: ParamsDefinition): l.ParamsSchema {
  const shape: Record<string, l.Validator> = {}
  for (const [name, property] of Object.entries(parameters.properties)) {
    const value = compileLeaf(nsid, property)
    shape[name] = parameters.required?.includes(name) ? value : optional(property, value)
  }
  return l.params(shape as l.ParamsShape) // scalars and arrays of them, by the type of their definitions
}

function compilePayload(nsid: string, payload: Payload | undefined): l.Validator | null {
  return payload?.schema ? compileLeaf(nsid, payload.schema) : null
}
