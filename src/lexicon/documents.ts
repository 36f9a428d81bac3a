/** The lexicon documents that this program knows: the network's and our own, carried along as text, parsed when needed. */
import type { LexiconDocument } from '#lexicon/document.ts'
import { documentTexts } from '#lexicon/sources.ts' with { type: 'macro' }

const texts: Readonly<Record<string, string>> = documentTexts()

/** The document named `nsid`, or null when this program does not know it. */
export function lexiconDocument(nsid: string): LexiconDocument | null {
  const text = Object.hasOwn(texts, nsid) ? texts[nsid] : undefined
  return text === undefined ? null : JSON.parse(text)
}

/** The NSIDs of all documents, in order. */
export function knownNsids(): readonly string[] {
  return Object.keys(texts)
}
