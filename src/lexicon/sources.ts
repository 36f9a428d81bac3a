/**
 * Reads every lexicon document: the network's from @atproto/api, ours from `own/`. This runs when the program is built
 * (as a macro) and never within it.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { schemas } from '@atproto/api'
import type { LexiconDocument } from '#lexicon/document.ts'

const OWN = join(import.meta.dirname, 'own')

export function readDocuments(): LexiconDocument[] {
  const own = readdirSync(OWN)
    .filter((name) => name.endsWith('.json'))
    .map((name) => readFileSync(join(OWN, name), 'utf8'))
  // @atproto/api rewrites the refs of its documents to `lex:` URIs when it is imported
  const network = JSON.stringify(schemas).replaceAll('"lex:', '"')
  const documents: LexiconDocument[] = [...JSON.parse(network), ...own.map((text) => JSON.parse(text))]
  return documents.sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** The text of each document by its NSID: what the program carries along. */
export function documentTexts(): Record<string, string> {
  return Object.fromEntries(readDocuments().map((document) => [document.id, JSON.stringify(document)]))
}
