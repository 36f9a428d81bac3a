import { expect, test } from 'bun:test'
import { implementations } from '#api/index.ts'
import { unserved } from '#api/unserved.ts'
import { knownNsids, lexiconDocument } from '#lexicon/documents.ts'

const served: string[] = implementations.map(({ method }) => method.nsid)

function isMethod(nsid: string): boolean {
  return ['query', 'procedure', 'subscription'].includes(lexiconDocument(nsid)?.defs.main?.type ?? '')
}

test('every method of com.atproto and of our own is served, or there is a reason why not', () => {
  const methods = knownNsids().filter((nsid) => /^(com\.atproto|host\.locus)\./.test(nsid) && isMethod(nsid))

  expect(methods.filter((nsid) => !served.includes(nsid) && !(nsid in unserved))).toEqual([])
  expect(Object.keys(unserved).filter((nsid) => served.includes(nsid) || !methods.includes(nsid))).toEqual([])
  expect(methods.length).toBeGreaterThan(85)
})

test('every method file is in the table', async () => {
  const files = new Bun.Glob('*/*.ts').scanSync(new URL('../../src/api', import.meta.url).pathname)
  const implementing: string[] = []
  for (const file of files) {
    const module: object = await import(`#api/${file}`)
    for (const value of Object.values(module)) {
      if (typeof value === 'object' && value !== null && 'handle' in value && 'method' in value) {
        implementing.push(String(Object(value.method).nsid))
      }
    }
  }

  expect(implementing.toSorted()).toEqual(served.toSorted())
})
