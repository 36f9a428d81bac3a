import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { P256Keypair, Secp256k1Keypair } from '@atproto/crypto'
import * as plc from '@did-plc/lib'
import { createGenesis, createTombstone, createUpdate } from '#identity/plc-changes.ts'
import { verifyLog } from '#identity/plc-log.ts'
import { asPlcOperation, operationCid, signOperation } from '#identity/plc-operation.ts'
import { generateK256, type SigningKey } from '#keys/k256.ts'
import type { Did, Handle } from '#lexicon/strings.ts'
import { PlcDirectory } from '#plc/directory.ts'
import { HOUR, MINUTE, systemClock } from '#std/clock.ts'
import { TestClock } from '#tests/support/clock.ts'
import { startPlc, type TestPlc } from '#tests/support/plc.ts'

const { key: strong } = generateK256()
const { key: weak } = generateK256()
const { key: stranger } = generateK256()
const unknown = 'did:plc:ewvi7nxzyoun6zhxrhs64oiz'

interface Exported {
  did: string
  cid: string
  seq?: number
  type?: string
  nullified?: boolean
  createdAt: string
  operation: unknown
}

function genesis(name = 'alice.test', signer: SigningKey = weak) {
  return createGenesis(
    {
      signingKey: weak.did,
      rotationKeys: [strong.did, weak.did],
      handle: name as Handle,
      pds: 'https://pds.example.com',
    },
    signer,
  )
}

async function post(server: TestPlc, did: string, body: unknown): Promise<[number, string]> {
  const response = await fetch(`${server.url}/${did}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  const text = await response.text()
  return [response.status, response.ok ? text : (JSON.parse(text) as { message: string }).message]
}

async function get(server: TestPlc, path: string): Promise<[number, string, unknown]> {
  const response = await fetch(server.url + path)
  return [response.status, response.headers.get('content-type') ?? '', await response.json()]
}

async function lines(server: TestPlc, query: string): Promise<Exported[]> {
  const response = await fetch(`${server.url}/export${query}`)
  expect(response.headers.get('content-type')).toBe('application/jsonlines')
  const text = await response.text()
  return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line) as Exported)
}

test.each([
  ['K-256', () => Secp256k1Keypair.create()],
  ['P-256', () => P256Keypair.create()],
])('the official client does all that it can do with it, by a key of %s', async (_, createKey) => {
  await using server = await startPlc()
  const client = new plc.Client(server.url)
  const signer = await createKey()
  const other = await createKey()

  const did = await client.createDid({
    signingKey: signer.did(),
    handle: 'alice.test',
    pds: 'https://pds.example.com',
    rotationKeys: [signer.did()],
    signer: signer as never,
  })
  await client.updateHandle(did, signer as never, 'bob.test')
  await client.updatePds(did, signer as never, 'https://pds2.example.com')
  await client.updateAtprotoKey(did, signer as never, other.did())
  await client.updateRotationKeys(did, signer as never, [other.did(), signer.did()])

  expect(await client.getDocumentData(did)).toEqual({
    did,
    rotationKeys: [other.did(), signer.did()],
    verificationMethods: { atproto: other.did() },
    alsoKnownAs: ['at://bob.test'],
    services: { atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: 'https://pds2.example.com' } },
  })
  expect(await client.getDocument(did)).toMatchObject({ id: did, alsoKnownAs: ['at://bob.test'] })
  const log = await client.getOperationLog(did)
  expect(log).toHaveLength(5)
  expect(await plc.validateOperationLog(did, log)).toMatchObject({ did })
  expect(await client.getLastOp(did)).toEqual(log[4] as never)
  const audit = await client.getAuditableLog(did)
  expect(audit.map((entry) => [entry.did, entry.nullified])).toEqual(Array(5).fill([did, false]))
  expect((await client.export()).map((entry) => entry.cid)).toEqual(audit.map((entry) => entry.cid))
  await client.tombstone(did, signer as never)
  await expect(client.getDocument(did)).rejects.toMatchObject({ status: 404 })
  await expect(client.updateHandle(did, signer as never, 'c.test')).rejects.toThrow('tombstone')
  expect(await client.health()).toHaveProperty('version')
})

test('an audit log proves itself, overruled operations included', async () => {
  const clock = new TestClock()
  await using server = await startPlc({ clock })
  const { did, operation } = genesis()
  const stolen = createUpdate(operation, () => ({ rotationKeys: [stranger.did] }), weak)
  const more = createUpdate(stolen, () => ({ alsoKnownAs: [] }), stranger)
  const rescued = createUpdate(operation, () => ({ alsoKnownAs: ['at://rescued.test'] }), strong)
  for (const step of [operation, stolen, more, rescued]) {
    expect(await post(server, did, step)).toEqual([200, 'OK'])
    clock.advance(HOUR)
  }

  const [, , audit] = (await get(server, `/${did}/log/audit`)) as [number, string, plc.ExportedOp[]]
  const [, , log] = await get(server, `/${did}/log`)

  expect(audit.map((entry) => entry.nullified)).toEqual([false, true, true, false])
  expect(log).toEqual([operation, rescued])
  const entries = audit.map((entry) => ({
    operation: asPlcOperation(entry.operation),
    cid: entry.cid,
    createdAt: Date.parse(entry.createdAt),
    nullified: entry.nullified,
  }))
  expect(verifyLog(did, entries)).toMatchObject({ alsoKnownAs: ['at://rescued.test'] })
  expect(await get(server, `/${did}/data`)).toMatchObject([
    200,
    expect.anything(),
    { alsoKnownAs: ['at://rescued.test'] },
  ])
})

test('what was nullified is not followed, and recovery ends after 72 hours', async () => {
  const clock = new TestClock()
  await using server = await startPlc({ clock })
  const { did, operation } = genesis()
  const second = createUpdate(operation, () => ({ alsoKnownAs: ['at://b.test'] }), weak)
  await post(server, did, operation)
  clock.advance(HOUR)
  await post(server, did, second)

  clock.advance(72 * HOUR + 1)
  const late = await post(
    server,
    did,
    createUpdate(operation, () => ({ alsoKnownAs: [] }), strong),
  )

  expect(late).toEqual([400, expect.stringContaining('72 hr recovery window. Time lapsed: 259200001')])
})

test('what is on record survives a restart', async () => {
  const path = mkdtempSync(join(tmpdir(), 'locus-plc-'))
  const file = join(path, 'plc.sqlite')
  const { did, operation } = genesis()
  const ask = (directory: PlcDirectory, path: string) => directory.fetch(new Request(`http://plc${path}`))
  const request = new Request(`http://plc/${did}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(operation),
  })

  const before = PlcDirectory.open(file, systemClock)
  const taken = await before.fetch(request)
  const audit = await (await ask(before, `/${did}/log/audit`)).json()
  before.close()
  using after = PlcDirectory.open(file, systemClock)
  const auditAfter = await (await ask(after, `/${did}/log/audit`)).json()
  rmSync(path, { recursive: true })

  expect(taken.status).toBe(200)
  expect(auditAfter).toEqual(audit)
})

test('what is asked for is told in the right form', async () => {
  await using server = await startPlc()
  const { did, operation } = genesis()
  await post(server, did, operation)

  expect(await get(server, `/${did}`)).toMatchObject([
    200,
    'application/did+ld+json; charset=utf-8',
    { id: did },
  ])
  expect(await get(server, `/${encodeURIComponent(did)}`)).toMatchObject([
    200,
    expect.anything(),
    { id: did },
  ])
  expect(await get(server, `/${did}/`)).toMatchObject([200, expect.anything(), { id: did }])
  expect(await get(server, `/${did}/data`)).toMatchObject([
    200,
    expect.stringContaining('application/json'),
    { did },
  ])
  expect(await get(server, `/${did}/log`)).toMatchObject([200, expect.anything(), [operation]])
  expect(await get(server, `/${did}/log/last`)).toMatchObject([200, expect.anything(), operation])
  expect(await get(server, '/_health')).toMatchObject([
    200,
    expect.anything(),
    { version: expect.any(String) },
  ])
})

test.each([
  [`/${unknown}`, 404, `DID not registered: ${unknown}`],
  [`/${unknown}/data`, 404, `DID not registered: ${unknown}`],
  [`/${unknown}/log`, 404, `DID not registered: ${unknown}`],
  [`/${unknown}/log/last`, 404, `DID not registered: ${unknown}`],
  [`/${unknown}/log/audit`, 404, `DID not registered: ${unknown}`],
  ['/hello', 404, 'DID not registered: hello'],
  ['/did:web:example.com', 404, 'DID not registered: did:web:example.com'],
  [`/${unknown}/elsewhere`, 404, 'Not Found'],
  ['/%ff', 400, 'Failed to decode param /%ff'],
  ['/export?count=0', 400, 'Invalid count parameter'],
  ['/export?count=-1', 400, 'Invalid count parameter'],
  ['/export?count=many', 400, 'Invalid count parameter'],
  ['/export?after=yesterday', 400, 'Invalid after parameter'],
])('GET %s: %i %s', async (path, status, message) => {
  await using server = await startPlc()

  expect(await get(server, path)).toEqual([status, expect.anything(), { message }])
})

test('a tombstoned DID is not available, but its log is', async () => {
  await using server = await startPlc()
  const { did, operation } = genesis()
  const tombstone = createTombstone(operation, weak)
  await post(server, did, operation)
  await post(server, did, tombstone)

  const message = `DID not available: ${did}`
  expect(await get(server, `/${did}`)).toEqual([404, expect.anything(), { message }])
  expect(await get(server, `/${did}/data`)).toEqual([404, expect.anything(), { message }])
  expect(await get(server, `/${did}/log/last`)).toEqual([200, expect.anything(), tombstone])
  expect(await get(server, `/${did}/log`)).toEqual([200, expect.anything(), [operation, tombstone]])
})

const alice = genesis()
const bob = genesis('bob.test')

test.each<[string, string, unknown, number, string]>([
  ['no JSON', alice.did, '{', 400, 'Not a valid operation'],
  ['nothing', alice.did, '', 400, 'Not a valid operation'],
  ['null', alice.did, 'null', 400, 'Not a valid operation'],
  ['a list', alice.did, [], 400, 'Not a valid operation'],
  ['an empty object', alice.did, {}, 400, 'Not a valid operation'],
  ['a field too many', alice.did, { ...alice.operation, more: 1 }, 400, 'Not a valid operation'],
  [
    'a legacy create',
    alice.did,
    {
      type: 'create',
      signingKey: weak.did,
      recoveryKey: weak.did,
      handle: 'a.test',
      service: 'x',
      prev: null,
      sig: 'x',
    },
    400,
    'Not a valid operation',
  ],
  [
    'the genesis of another',
    bob.did,
    alice.operation,
    400,
    'Hash of genesis operation does not match DID identifier',
  ],
  ['the genesis of no DID', 'hello', alice.operation, 400, 'Not a DID'],
  [
    'a change of nothing',
    alice.did,
    createUpdate(alice.operation, () => ({}), weak),
    400,
    'Hash of genesis operation does not match',
  ],
  [
    'a tombstone of nothing',
    alice.did,
    createTombstone(alice.operation, weak),
    400,
    'Operations not correctly ordered',
  ],
  [
    'a bad signature',
    alice.did,
    { ...alice.operation, sig: bob.operation.sig },
    400,
    'Invalid signature on op',
  ],
  [
    'a stranger’s signature',
    genesis('alice.test', stranger).did,
    genesis('alice.test', stranger).operation,
    400,
    'Invalid signature on op',
  ],
  [
    'too large an operation',
    alice.did,
    { ...alice.operation, alsoKnownAs: [`at://${'a'.repeat(5000)}`] },
    400,
    'Operation too large',
  ],
  [
    'too large a body',
    alice.did,
    { ...alice.operation, sig: 'a'.repeat(110_000) },
    413,
    'request entity too large',
  ],
])('POST of %s is refused, and nothing is registered', async (_, did, body, status, message) => {
  await using server = await startPlc()

  expect(await post(server, did, body)).toEqual([status, expect.stringContaining(message)])
  expect(await lines(server, '')).toEqual([])
})

test('a body that is not called JSON is refused', async () => {
  await using server = await startPlc()

  const response = await fetch(`${server.url}/${alice.did}`, {
    method: 'POST',
    body: JSON.stringify(alice.operation),
  })

  expect(response.status).toBe(400)
})

test('a DID is registered once', async () => {
  await using server = await startPlc()
  await post(server, alice.did, alice.operation)

  expect(await post(server, alice.did, alice.operation)).toEqual([400, 'Operations not correctly ordered'])
})

test.each(['PUT', 'PATCH', 'DELETE'])('%s is not answered', async (method) => {
  await using server = await startPlc()

  expect((await fetch(`${server.url}/${alice.did}`, { method })).status).toBe(404)
})

test('pages of other origins may use it', async () => {
  await using server = await startPlc()

  const preflight = await fetch(`${server.url}/${alice.did}`, {
    method: 'OPTIONS',
    headers: { origin: 'https://app.example.com', 'access-control-request-headers': 'content-type' },
  })
  const missing = await fetch(`${server.url}/${alice.did}`)

  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
  expect(preflight.headers.get('access-control-allow-headers')).toBe('content-type')
  expect(missing.headers.get('access-control-allow-origin')).toBe('*')
})

test('HEAD is answered as GET, without the body', async () => {
  await using server = await startPlc()
  await post(server, alice.did, alice.operation)

  const response = await fetch(`${server.url}/${alice.did}`, { method: 'HEAD' })

  expect([response.status, await response.text()]).toEqual([200, ''])
})

test('the export can be read in pages, by number and by time', async () => {
  const clock = new TestClock()
  await using server = await startPlc({ clock })
  const dids = Array.from({ length: 5 }, (_, i) => genesis(`a${i}.test`))
  for (const { did, operation } of dids) await post(server, did, operation) // all in one millisecond

  const byNumber: Exported[] = []
  for (let after = 0; byNumber.length < 5; after = byNumber.at(-1)!.seq!) {
    byNumber.push(...(await lines(server, `?after=${after}&count=2`)))
  }
  const byTime: Exported[] = []
  for (let after = ''; byTime.length < 5; after = byTime.at(-1)!.createdAt) {
    byTime.push(...(await lines(server, `?count=2&after=${after}`)))
  }

  const order = dids.map(({ did }) => did as string)
  expect(byNumber.map((entry) => entry.did)).toEqual(order)
  expect(byNumber[0]).toEqual({
    did: order[0]!,
    cid: operationCid(dids[0]!.operation),
    seq: 1,
    createdAt: expect.any(String),
    operation: dids[0]!.operation,
    type: 'sequenced_op',
  })
  expect(byTime.map((entry) => entry.did)).toEqual(order)
  expect(byTime[0]).toEqual({
    did: order[0]!,
    cid: operationCid(dids[0]!.operation),
    createdAt: new Date(clock.now()).toISOString(),
    operation: dids[0]!.operation,
    nullified: false,
  })
  expect(await lines(server, `?after=${byNumber[4]!.seq}`)).toEqual([])
  expect(await lines(server, `?after=${byTime[4]!.createdAt}`)).toEqual([])
})

test('a DID changes ten times an hour, thirty a day, a hundred a week, and is recovered at any time', async () => {
  const clock = new TestClock()
  await using server = await startPlc({ clock })
  const { did, operation } = genesis()
  await post(server, did, operation)
  let last = operation
  let taken = 1
  const change = async () => {
    clock.advance(1)
    const next = createUpdate(last, () => ({ alsoKnownAs: [`at://a${taken}.test`] }), weak)
    const [status, message] = await post(server, did, next)
    if (status === 200) [last, taken] = [next, taken + 1]
    return message
  }
  const untilRefused = async () => {
    for (;;) {
      const message = await change()
      if (message !== 'OK') return [taken, message]
    }
  }

  expect(await untilRefused()).toEqual([10, 'Too many operations within last hour (max 10)'])
  clock.advance(HOUR)
  await untilRefused()
  clock.advance(HOUR)
  expect(await untilRefused()).toEqual([30, 'Too many operations within last day (max 30)'])
  while (taken < 100) {
    clock.advance(HOUR)
    await untilRefused()
  }
  expect(await change()).toBe('Too many operations within last week (max 100)')

  const first = (await get(server, `/${did}/log`))[2] as (typeof operation)[]
  const recent = first.at(-2)!
  expect(
    await post(
      server,
      did,
      createUpdate(recent, () => ({ alsoKnownAs: [] }), strong),
    ),
  ).toEqual([200, 'OK'])
})

test('a clock that is set back does not stop the directory', async () => {
  const clock = new TestClock()
  await using server = await startPlc({ clock })
  await post(server, alice.did, alice.operation)

  clock.advance(-10 * MINUTE)
  const second = await post(
    server,
    alice.did,
    createUpdate(alice.operation, () => ({ alsoKnownAs: [] }), weak),
  )
  const other = await post(server, bob.did, bob.operation)

  expect([second, other]).toEqual([
    [200, 'OK'],
    [200, 'OK'],
  ])
})

test('an operation is judged with those before it, also when many come at once', async () => {
  await using server = await startPlc()
  await post(server, alice.did, alice.operation)
  const rivals = ['b', 'c', 'd', 'e'].map((name) =>
    signOperation(
      {
        ...unsigned(alice.operation),
        alsoKnownAs: [`at://${name}.test`],
        prev: operationCid(alice.operation),
      },
      weak,
    ),
  )

  const answers = await Promise.all(rivals.map((rival) => post(server, alice.did as Did, rival)))

  expect(answers.map(([status]) => status).sort()).toEqual([200, 400, 400, 400])
})

function unsigned({ sig: _, ...rest }: ReturnType<typeof genesis>['operation']) {
  return rest
}
