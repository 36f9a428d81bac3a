/** Reads every lexicon document: the network's from @atproto/api, ours from `src/lexicon/own`. For build time only. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The parts of a lexicon definition that we read. */
export interface Definition {
  readonly type: string
  readonly properties?: Readonly<Record<string, Definition>>
  readonly required?: readonly string[]
  readonly nullable?: readonly string[]
  readonly items?: Definition
  readonly ref?: string
  readonly refs?: readonly string[]
  readonly closed?: boolean
  readonly const?: string | number | boolean
  readonly enum?: readonly (string | number)[]
  readonly knownValues?: readonly string[]
  readonly format?: string
  readonly default?: unknown
  readonly record?: Definition
  readonly parameters?: Definition
  readonly input?: { readonly encoding: string; readonly schema?: Definition }
  readonly output?: { readonly encoding: string; readonly schema?: Definition }
}

export interface Document {
  readonly id: string
  readonly defs: Readonly<Record<string, Definition>>
}

const OWN = join(import.meta.dirname, '../src/lexicon/own')

export async function allDocuments(): Promise<Document[]> {
  const { schemas } = await import('@atproto/api')
  const own = readdirSync(OWN)
    .filter((name) => name.endsWith('.json'))
    .map((name) => readFileSync(join(OWN, name), 'utf8'))
  // @atproto/api rewrites the refs of its documents to `lex:` URIs when it is imported
  const network = JSON.stringify(schemas).replaceAll('"lex:', '"')
  const documents: Document[] = [...JSON.parse(network), ...own.map((text) => JSON.parse(text))]
  return documents.sort((a, b) => (a.id < b.id ? -1 : 1))
}
