/**
 * Reads every lexicon document: the network's from @atproto/api, ours from `own/`. This runs when the program is built
 * (as a macro) and never within it.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { schemas } from '@atproto/api'
import { lexiconDocumentSchema } from '@atproto/lex-document'
import type { LexiconDocument } from '#lexicon/document.ts'

const OWN = join(import.meta.dirname, 'own')

export function readDocuments(): LexiconDocument[] {
  const own = readdirSync(OWN)
    .filter((name) => name.endsWith('.json'))
    .map((name) => parseDocument(JSON.parse(readFileSync(join(OWN, name), 'utf8')), name))
  // @atproto/api rewrites the refs of its documents to `lex:` URIs when it is imported
  const network: LexiconDocument[] = JSON.parse(JSON.stringify(schemas).replaceAll('"lex:', '"'))
  return [...network, ...own].sort((a, b) => (a.id < b.id ? -1 : 1))
}

/**
 * A lexicon document that somebody wrote.
 * @throws Error that says what is wrong with it
 */
export function parseDocument(document: LexiconDocument, name: string): LexiconDocument {
  const result = lexiconDocumentSchema.safeParse(document)
  if (!result.success) throw new Error(`${name} is no lexicon: ${result.reason.message}`)
  return document
}

/** The text of each document by its NSID: what the program carries along. */
export function documentTexts(): Record<string, string> {
  return Object.fromEntries(readDocuments().map((document) => [document.id, JSON.stringify(document)]))
}
