/**
 * What a call costs beyond the method itself: `bun scripts/bench-xrpc.ts`. Each line is CPU time per call, in this
 * process and without a network; making the request alone is the first line.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { App } from '#app.ts'
import { anyone, signedIn } from '#auth/policies.ts'
import { withFreePorts } from '#cli/free-ports.ts'
import { loadConfig } from '#config/load.ts'
import { createEdge, type Peers } from '#http/edge.ts'
import { com } from '#lexicon/index.ts'
import { validateRecord } from '#lexicon/records.ts'
import { isDid, isNsid, isTid } from '#lexicon/strings.ts'
import { createDispatch } from '#xrpc/dispatch.ts'
import { implement } from '#xrpc/implement.ts'

const CALLS = 60_000
const cid = 'bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm'
const [did, collection, rkey] = ['did:plc:ewvi7nxzyoun6zhxrhs64oiz', 'app.bsky.feed.post', '3jzfcijpj2z2a']
if (!isDid(did) || !isNsid(collection) || !isTid(rkey)) throw new Error('the examples are no identifiers')
const record = {
  $type: collection,
  text: 'a post of a usual length, with some words in it and nothing else',
  createdAt: '2026-11-21T00:00:00.000Z',
  langs: ['en'],
}
const answer = {
  uri: `at://${did}/${collection}/${rkey}`,
  cid,
  commit: { cid, rev: rkey },
  validationStatus: 'valid',
}
const createRecord = implement(com.atproto.repo.createRecord, {
  auth: signedIn(),
  rateLimit: { limit: 'repo-write', points: 1e-6 },
  bodyLimit: (config) => config.bodyLimits.records,
  handle: () => answer,
})
const getLatestCommit = implement(com.atproto.sync.getLatestCommit, {
  auth: anyone,
  handle: () => ({ cid, rev: rkey }),
})
const peers: Peers = { door: 'network', addressOf: () => '203.0.113.1', isFrontEnd: () => false }

async function measure(what: string, work: () => unknown): Promise<void> {
  for (let i = 0; i < CALLS / 2; i++) await work()
  const before = process.cpuUsage()
  for (let i = 0; i < CALLS; i++) await work()
  const { user, system } = process.cpuUsage(before)
  console.log(`${what.padEnd(40)} ${((user + system) / CALLS).toFixed(2).padStart(7)} µs`)
}

const directory = mkdtempSync(join(tmpdir(), 'locus-bench-'))
const loaded = await withFreePorts(
  loadConfig({ flags: { dev: true, data: directory, port: 0, plcPort: 0 }, env: {} }),
)
const rateLimits = { ...loaded.rateLimits, enabled: false }
const app = await App.open({ ...loaded, validateResponses: false, rateLimits })
try {
  const text = JSON.stringify({ repo: did, collection, record })
  const headers = {
    'content-type': 'application/json',
    'content-length': String(text.length),
    authorization: `Bearer ${app.tokens.issueAccess(did, 'com.atproto.access')}`,
  }
  const edge = createEdge(app, createDispatch(app, [createRecord, getLatestCommit]), peers)
  const post = () =>
    new Request('http://localhost/xrpc/com.atproto.repo.createRecord', {
      method: 'POST',
      body: text,
      headers,
    })
  const get = () => new Request(`http://localhost/xrpc/com.atproto.sync.getLatestCommit?did=${did}`)

  await measure('making a request', post)
  await measure('createRecord: route, auth, body, answer', () => edge(post()))
  await measure('getLatestCommit: route, params, answer', () => edge(get()))
  await measure('holding a post against its lexicon', () =>
    validateRecord({ collection, rkey, record, validate: undefined }),
  )
} finally {
  await app[Symbol.asyncDispose]()
  rmSync(directory, { recursive: true })
}
