import { expect, test } from 'bun:test'
import { createGenesis, withHandle } from '#identity/plc-changes.ts'
import { PlcClient } from '#identity/plc-client.ts'
import { signOperation } from '#identity/plc-operation.ts'
import { generateK256 } from '#keys/k256.ts'
import type { Did, Handle } from '#lexicon/strings.ts'
import { createSafeFetch, type SafeFetch } from '#std/safe-fetch.ts'
import { startPlc, type TestPlc } from '#tests/support/plc.ts'

const { key: signer } = generateK256()
const { key: stranger } = generateK256()
const unknown = 'did:plc:ewvi7nxzyoun6zhxrhs64oiz' as Did
const fetch = createSafeFetch({ userAgent: 'locus test', protection: true, allowLoopback: false })

function clientOf(plc: TestPlc): PlcClient {
  return new PlcClient({ url: plc.url, fetch, timeoutMs: 300 })
}

function account(name = 'alice.test') {
  return {
    signingKey: generateK256().key.did,
    rotationKeys: [signer.did],
    handle: name as Handle,
    pds: 'https://pds.example.com',
  }
}

function rename(name: string) {
  return ({ alsoKnownAs }: { alsoKnownAs: readonly string[] }) => ({
    alsoKnownAs: withHandle(alsoKnownAs, name as Handle),
  })
}

test('a DID is created, and the directory tells of it', async () => {
  await using plc = await startPlc()
  const client = clientOf(plc)
  const alice = account()

  const did = await client.createDid(alice, signer)

  expect(await client.documentData(did)).toEqual({
    rotationKeys: [signer.did],
    verificationMethods: { atproto: alice.signingKey },
    alsoKnownAs: ['at://alice.test'],
    services: { atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: 'https://pds.example.com' } },
  })
  expect(await client.document(did)).toMatchObject({ id: did, alsoKnownAs: ['at://alice.test'] })
  expect(await client.lastOperation(did)).toMatchObject({ type: 'plc_operation', prev: null })
})

test('a DID that nobody registered is not there', async () => {
  await using plc = await startPlc()
  const client = clientOf(plc)

  expect(await client.document(unknown)).toBeNull()
  expect(await client.documentData(unknown)).toBeNull()
  expect(await client.lastOperation(unknown)).toBeNull()
  await expect(client.update(unknown, () => ({}), signer)).rejects.toMatchObject({ name: 'PlcRefusedError' })
})

test('changes keep what they do not touch', async () => {
  await using plc = await startPlc()
  const client = clientOf(plc)
  const did = await client.createDid(account(), signer)

  await client.update(
    did,
    ({ alsoKnownAs }) => ({ alsoKnownAs: [...alsoKnownAs, 'https://alice.example.com'] }),
    signer,
  )
  await client.update(did, rename('bob.test'), signer)

  expect(await client.documentData(did)).toMatchObject({
    rotationKeys: [signer.did],
    alsoKnownAs: ['at://bob.test', 'https://alice.example.com'],
  })
})

test('changes of one DID wait for each other', async () => {
  await using plc = await startPlc()
  const client = clientOf(plc)
  const did = await client.createDid(account(), signer)

  await Promise.all([1, 2, 3, 4, 5].map((i) => client.update(did, rename(`alice${i}.test`), signer)))

  expect(await client.documentData(did)).toMatchObject({ alsoKnownAs: ['at://alice5.test'] })
})

test('a tombstoned DID is not there any more, and takes no change', async () => {
  await using plc = await startPlc()
  const client = clientOf(plc)
  const did = await client.createDid(account(), signer)

  await client.tombstone(did, signer)

  expect(await client.document(did)).toBeNull()
  expect(await client.documentData(did)).toBeNull()
  expect(await client.lastOperation(did)).toMatchObject({ type: 'plc_tombstone' })
  await expect(client.update(did, rename('bob.test'), signer)).rejects.toMatchObject({
    message: 'Did is tombstoned',
  })
  await expect(client.tombstone(did, signer)).rejects.toMatchObject({ message: 'Did is tombstoned' })
})

test('the reason of a refusal is passed on, as the fault of what was sent', async () => {
  await using plc = await startPlc()
  const client = clientOf(plc)
  const did = await client.createDid(account(), signer)

  await expect(client.update(did, rename('bob.test'), stranger)).rejects.toMatchObject({
    name: 'PlcRefusedError',
    kind: 'invalid',
    message: expect.stringContaining('refused the operation: Invalid signature on op'),
  })
  expect(await client.documentData(did)).toMatchObject({ alsoKnownAs: ['at://alice.test'] })
})

test('what is over a limit is not even sent', async () => {
  await using plc = await startPlc()

  const created = clientOf(plc).createDid({ ...account(), rotationKeys: ['did:key:hello'] }, signer)

  await expect(created).rejects.toMatchObject({ name: 'InvalidPlcOperationError', kind: 'invalid' })
  expect(plc.requests).toEqual([])
})

test('an operation that the directory has already may be sent again', async () => {
  await using plc = await startPlc()
  const client = clientOf(plc)
  const { did, operation } = createGenesis(account(), signer)

  await client.submit(did, operation)
  await client.submit(did, operation)
  const second = await client.update(did, rename('bob.test'), signer)
  await client.submit(did, second)

  // but not once something else came after it
  await expect(client.submit(did, operation)).rejects.toMatchObject({ name: 'PlcRefusedError' })
})

test.each([
  ['down', /cannot be reached/],
  ['slow', /did not answer in time/],
  ['failing', /status 503/],
] as const)('a directory that is %s is told from one that refuses', async (condition, message) => {
  await using plc = await startPlc()
  const client = clientOf(plc)
  const did = await client.createDid(account(), signer)
  await plc.become(condition)

  const attempts = [
    () => client.createDid(account('bob.test'), signer),
    () => client.document(did),
    () => client.documentData(did),
    () => client.lastOperation(did),
    () => client.update(did, rename('bob.test'), signer),
    () => client.tombstone(did, signer),
  ]

  for (const attempt of attempts) {
    await expect(attempt()).rejects.toMatchObject({
      name: 'PlcUnavailableError',
      kind: 'upstream',
      message: expect.stringMatching(message),
    })
  }
  await plc.become('well')
  expect(await client.documentData(did)).toMatchObject({ alsoKnownAs: ['at://alice.test'] })
})

test('a directory that refuses everything leaves nothing behind', async () => {
  await using plc = await startPlc()
  await plc.become('refusing')
  const client = clientOf(plc)
  const { did, operation } = createGenesis(account(), signer)

  await expect(client.submit(did, operation)).rejects.toMatchObject({
    name: 'PlcRefusedError',
    message: 'The PLC directory refused the operation: Operations not correctly ordered',
  })
  expect(await client.documentData(did)).toBeNull()
})

test.each([
  ['a page', new Response('<!doctype html>', { headers: { 'content-type': 'text/html' } })],
  ['other JSON', Response.json({ hello: 'world' })],
  ['null', Response.json(null)],
  ['too much', new Response('x'.repeat(200_000))],
  ['a redirect', Response.redirect('http://localhost:1/')],
  ['a plea to slow down', new Response('', { status: 429 })],
  ['a refusal to tell', new Response('', { status: 403 })],
])('a directory that answers with %s is not available', async (_, answer) => {
  await using server = Bun.serve({ port: 0, fetch: () => answer.clone() as Response })
  const client = new PlcClient({ url: `http://localhost:${server.port}`, fetch, timeoutMs: 300 })

  for (const ask of [() => client.documentData(unknown), () => client.lastOperation(unknown)]) {
    await expect(ask()).rejects.toMatchObject({ name: 'PlcUnavailableError', kind: 'upstream' })
  }
})

test('a refusal without a reason still says something', async () => {
  await using server = Bun.serve({
    port: 0,
    fetch: (request) => new Response('no', { status: request.method === 'POST' ? 418 : 404 }),
  })
  const client = new PlcClient({ url: `http://localhost:${server.port}`, fetch, timeoutMs: 300 })

  await expect(client.createDid(account(), signer)).rejects.toMatchObject({
    message: 'The PLC directory refused the operation: status 418',
  })
})

test('a directory in this process needs no network', async () => {
  await using plc = await startPlc()
  const inProcess: SafeFetch = (url, options) => plc.directory.fetch(new Request(`${url}`, options))
  const client = new PlcClient({ url: 'http://localhost:1', fetch: inProcess })

  const did = await client.createDid(account(), signer)
  await client.update(did, rename('bob.test'), signer)

  expect(await client.documentData(did)).toMatchObject({ alsoKnownAs: ['at://bob.test'] })
  expect(plc.requests).toEqual([])
})

test('the chain that the client makes is the one that the directory shows', async () => {
  await using plc = await startPlc()
  const client = clientOf(plc)
  const { did, operation } = createGenesis(account(), signer)
  await client.submit(did, operation)
  const second = await client.update(did, rename('bob.test'), signer)
  const { sig: _, ...unsigned } = second
  const misplaced = signOperation({ ...unsigned, prev: null }, signer)

  const log = await (await globalThis.fetch(`${plc.url}/${did}/log`)).json()

  expect(log).toEqual([operation, second])
  await expect(client.submit(did, misplaced)).rejects.toMatchObject({ kind: 'invalid' })
})
