/**
 * Lexicon documents as validators. The checking is @atproto/lex-schema's, which the official server uses too, so that
 * we refuse the same values with the same words. A definition is compiled when it is first needed, and what it refers
 * to when a value first gets there: only a few of some four hundred documents ever are.
 */
import { type JsonValue, jsonToLex } from '@atproto/lex-json'
import { l } from '@atproto/lex-schema'
import type {
  Definition,
  DocumentId,
  IntegerDefinition,
  Leaf,
  LexiconDocument,
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

/** The validators of a set of documents, each made when it is first asked for. */
export class LexiconSchemas {
  private readonly methods = new Map<string, MethodSchemas>()
  private readonly definitions = new Map<string, l.Validator>()

  constructor(private readonly documentOf: (nsid: string) => LexiconDocument | null) {}

  /** @throws TypeError when no lexicon defines a method of that name */
  method(nsid: string): MethodSchemas {
    const known = this.methods.get(nsid)
    if (known) return known
    const main = this.documentOf(nsid)?.defs.main
    if (!main || !isMethod(main)) throw new TypeError(`no lexicon defines a method ${nsid}`)
    const schemas: MethodSchemas = {
      params: main.parameters ? this.compileParams(nsid, main.parameters) : null,
      input: this.compilePayload(nsid, main.input),
      output: this.compilePayload(nsid, main.output),
    }
    this.methods.set(nsid, schemas)
    return schemas
  }

  /** The validator of a record type, or null when no lexicon defines it. */
  record(nsid: string): l.RecordSchema | null {
    const known = this.definitions.get(nsid)
    if (!known && this.documentOf(nsid)?.defs.main?.type !== 'record') return null
    const schema = known ?? this.definition(nsid)
    return schema instanceof l.RecordSchema ? schema : null
  }

  private definition(ref: string): l.Validator {
    const known = this.definitions.get(ref)
    if (known) return known
    const [nsid = '', name = 'main'] = ref.split('#')
    const document = this.documentOf(nsid)
    const found = document?.defs[name]
    if (!document || !found) throw new TypeError(`no lexicon defines ${ref}`)
    const schema = this.compileDefinition(document.id, name, found)
    this.definitions.set(ref, schema)
    return schema
  }

  private typedDefinition(ref: string): l.RecordSchema | l.TypedObjectSchema {
    const schema = this.definition(ref)
    if (schema instanceof l.RecordSchema || schema instanceof l.TypedObjectSchema) return schema
    throw new TypeError(`a union may not have ${ref} in it`)
  }

  private compileDefinition(nsid: DocumentId, name: string, found: Definition): l.Validator {
    switch (found.type) {
      case 'record':
        return l.record(found.key, nsid, this.compileObject(nsid, found.record))
      case 'object':
        return l.typedObject(nsid, name, this.compileObject(nsid, found))
      case 'token':
        return l.token(nsid, name)
      case 'query':
      case 'procedure':
      case 'subscription':
      case 'permission-set':
        throw new TypeError(`${nsid}#${name} describes no value`)
      default:
        return this.compileLeaf(nsid, found)
    }
  }

  private compileLeaf(nsid: string, leaf: Leaf): l.Validator {
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
        return new JsonMapSchema()
      case 'array':
        return l.array(this.compileLeaf(nsid, leaf.items), leaf)
      case 'object':
        return this.compileObject(nsid, leaf)
      case 'ref': {
        const target = absolute(nsid, leaf.ref)
        return l.ref(() => this.definition(target))
      }
      case 'union': {
        const targets = leaf.refs.map((ref) => absolute(nsid, ref))
        return l.typedUnion(
          targets.map((target) => l.typedRef(() => this.typedDefinition(target))),
          leaf.closed ?? false,
        )
      }
      case 'token':
        throw new TypeError(`${nsid} has a token where a value belongs`)
    }
  }

  private compileObject(nsid: string, object: ObjectDefinition): l.ObjectSchema {
    const shape: Record<string, l.Validator> = {}
    for (const [name, property] of Object.entries(object.properties ?? {})) {
      const leaf = this.compileLeaf(nsid, property)
      const value = object.nullable?.includes(name) ? l.nullable(leaf) : leaf
      shape[name] = object.required?.includes(name) ? value : optional(property, value)
    }
    return l.object(shape)
  }

  private compileParams(nsid: string, parameters: ParamsDefinition): l.ParamsSchema {
    const shape: Record<string, l.Validator> = {}
    for (const [name, property] of Object.entries(parameters.properties)) {
      const value = this.compileLeaf(nsid, property)
      shape[name] = parameters.required?.includes(name) ? value : optional(property, value)
    }
    return l.params(shape as l.ParamsShape) // scalars and arrays of them, by the type of their definitions
  }

  private compilePayload(nsid: string, payload: Payload | undefined): l.Validator | null {
    return payload?.schema ? this.compileLeaf(nsid, payload.schema) : null
  }
}

/** Those of the documents that this program carries along. */
export const schemas = new LexiconSchemas(lexiconDocument)

function isMethod(found: Definition): found is MethodDefinition {
  return found.type === 'query' || found.type === 'procedure' || found.type === 'subscription'
}

function closedTo(leaf: IntegerDefinition | StringDefinition): l.Validator | null {
  if (leaf.const !== undefined) return l.literal(leaf.const)
  return leaf.enum ? l.enum([...leaf.enum]) : null
}

function withDefault(schema: l.Validator, value: string | number | boolean | undefined): l.Validator {
  return value === undefined ? schema : l.withDefault(schema, value)
}

function absolute(nsid: string, ref: string): string {
  return (ref.startsWith('#') ? nsid + ref : ref).replace(/#main$/, '')
}

function optional(leaf: Leaf, schema: l.Validator): l.OptionalSchema<l.Validator> {
  const mayHaveDefault = leaf.type === 'ref' || ('default' in leaf && leaf.default !== undefined)
  return mayHaveDefault ? l.optional(schema) : new QuickOptionalSchema(schema)
}

/** A map in a value that is still JSON, where `{ $link }` and `{ $bytes }` are no maps. */
class JsonMapSchema extends l.LexMapSchema {
  override validateInContext(input: unknown, context: l.ValidationContext) {
    return super.validateInContext(isJsonForm(input) ? jsonToLex(input) : input, context)
  }
}

function isJsonForm(input: unknown): input is JsonValue & object {
  if (typeof input !== 'object' || input === null) return false
  return '$link' in input || '$bytes' in input
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
