/** Requests that are almost right, at random: none may be a 500, and the server serves on. */
import { expect, test } from 'bun:test'
import { implementations } from '#api/index.ts'
import { startPds } from '#tests/support/pds.ts'

const REQUESTS = Number(process.env.LOCUS_FUZZ_REQUESTS ?? 1500)

const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1,
  500,
  1.5,
  -0,
  1e21,
  Number.MAX_VALUE,
  2 ** 53,
  '',
  'a',
  'self',
  'alice.test',
  'did:plc:x',
  '../..',
  '3jzfcijpj2z2a',
  'app.bsky.feed.post',
  'at://alice.test/app.bsky.feed.post/x',
  'x'.repeat(5000),
  '\0',
  '\ud800',
  '👩‍👩‍👧‍👧',
  '2026-11-21T00:00:00Z',
  [],
  [[]],
  [null],
  ['a', 'a'],
  {},
  { $type: 'blob' },
  { $link: 'x' },
  { $bytes: '*' },
  { a: { b: {} } },
  { $type: 'app.bsky.feed.post', text: 'x', createdAt: '2026-11-21T00:00:00Z' },
  [{ $type: 'com.atproto.repo.applyWrites#create', collection: 'a.b.c', value: {} }],
  [{ $type: 'com.atproto.repo.applyWrites#delete', collection: 'a.b.c', rkey: 'x' }],
]
const NAMES = [
  'repo',
  'collection',
  'rkey',
  'record',
  'validate',
  'swapCommit',
  'swapRecord',
  'writes',
  'did',
  'handle',
  'identifier',
  'password',
  'email',
  'limit',
  'cursor',
  'reverse',
  'since',
  'cid',
  'useCount',
  'codeCount',
  'forAccounts',
  'inviteCode',
  'codes',
  'accounts',
  'dids',
  'sort',
  'account',
  'search',
  '__proto__',
  'constructor',
  'toString',
]
const TYPES = [
  'application/json',
  'application/json; charset=utf-8',
  'application/json; charset=x',
  'text/plain',
  '*/*',
  'x',
  '',
]

/** A small generator whose sequence a failing test can name. */
function randomFrom(seed: number) {
  let state = seed
  return (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

test('no request makes the server fail', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')
  const seed = Number(process.env.LOCUS_FUZZ_SEED ?? Date.now() % 2 ** 31)
  const random = randomFrom(seed)
  const pick = <T>(items: readonly T[]): T => items[random(items.length)]!
  const value = (): unknown => (random(3) === 0 ? alice.did : pick(VALUES))
  const authorizations = [
    undefined,
    `Bearer ${alice.accessJwt}`,
    `Bearer ${alice.refreshJwt}`,
    'Bearer x',
    'Basic x',
    'DPoP x',
    'x',
    `Basic ${btoa('admin:x')}`,
    `Basic ${btoa(`admin:${pds.app.config.secrets.adminPassword}`)}`,
  ]
  const good: Record<string, unknown> = {
    repo: alice.did,
    collection: 'app.bsky.feed.post',
    rkey: '3jzfcijpj2z2a',
    record: { text: 'x', createdAt: '2026-11-21T00:00:00Z' },
    did: alice.did,
  }
  const fields = () => {
    const picked = new Set(Array.from({ length: random(5) }, () => pick(NAMES)))
    return [
      ...Object.entries(good).filter(() => random(4) > 0),
      ...Array.from(picked, (name) => [name, value()] as const),
    ]
  }

  const failures: string[] = []
  for (let i = 0; i < REQUESTS; i++) {
    const { nsid, kind } = pick(implementations).method
    if (nsid === 'com.atproto.admin.deleteAccount') continue // alice is needed
    if (nsid === 'host.locus.firehose.tail') continue // its answer goes on until the caller leaves
    const verb =
      random(20) === 0 ? pick(['GET', 'POST', 'PUT', 'HEAD', 'OPTIONS']) : kind === 'query' ? 'GET' : 'POST'
    const query = new URLSearchParams()
    if (kind === 'query' || random(10) === 0)
      for (const [name, item] of fields())
        query.append(name, typeof item === 'string' ? item.toWellFormed() : String(JSON.stringify(item)))
    const text = JSON.stringify(Object.fromEntries(fields()))
    const body = random(15) === 0 ? text.slice(0, random(text.length)) : text.replace('"self"', '1e400')
    const authorization = pick(authorizations)
    const headers: Record<string, string> = {
      'content-type': random(10) === 0 ? pick(TYPES) : 'application/json',
    }
    if (authorization !== undefined) headers.authorization = authorization
    if (random(20) === 0)
      headers['content-encoding'] = pick(['gzip', 'br', 'x', 'gzip, gzip, gzip, gzip, gzip'])
    const response = await fetch(`${pds.url}/xrpc/${nsid}?${query}`, {
      method: verb,
      headers,
      ...(verb === 'POST' && { body }),
    })
    if (response.status >= 500 && response.status !== 501) {
      failures.push(`${response.status} ${verb} ${nsid}?${query} ${body} ${await response.text()}`)
    } else await response.arrayBuffer()
  }

  expect({ seed, failures }).toEqual({ seed, failures: [] })
  expect(await alice.call('com.atproto.server.getSession')).toMatchObject({ did: alice.did })
}, 60_000)
