import { expect, test } from 'bun:test'
import { Secp256k1Keypair, verifySignature as verifyOfficially } from '@atproto/crypto'
import { signCommit as signOfficially, verifyCommitSig, verifyProofs, verifyRepoCar } from '@atproto/repo'
import { generateK256, k256FromSecret, type SigningKey, verifySignature } from '#keys/k256.ts'
import { type Did, isDid, isTid, type Tid } from '#lexicon/strings.ts'
import { type Block, readCar, writeCar } from '#repo/car.ts'
import { type Cid, cidOf, formatCid } from '#repo/cid.ts'
import { decodeCommit, signCommit, unsignedBytes } from '#repo/commit.ts'
import { encode, encodeJson, Link } from '#repo/dag-cbor.ts'
import { InvalidCommitError, InvalidTreeError } from '#repo/errors.ts'
import { Mst } from '#repo/mst.ts'
import { encodeNode, heightOf, type NodeParts } from '#repo/mst-node.ts'
import { verifyCommit, verifyRepo, verifyTree } from '#repo/verify.ts'
import { randomBytes } from '#std/bytes.ts'
import { cidNumber, foreign, pathsOfAllHeights } from '#tests/support/trees.ts'

const DID = did('did:plc:aaaaaaaaaaaaaaaaaaaaaaaa')
const REV = tid('3ke6kg3wk2225')

function did(text: string): Did {
  if (!isDid(text)) throw new TypeError(text)
  return text
}

function tid(text: string): Tid {
  if (!isTid(text)) throw new TypeError(text)
  return text
}

/** A whole repository, as a CAR in the order of a stream. */
function exported(
  key: SigningKey,
  paths: readonly string[],
): { car: Uint8Array; root: Cid; commit: Block; tree: Mst } {
  const records = new Map(
    paths.map((path, i) => [path, encodeJson({ $type: 'com.example.x', text: `record ${i % 40}` })]),
  )
  const tree = Mst.build(paths.toSorted().map((path) => [path, cidOf('dag-cbor', records.get(path)!)]))
  const commit = signCommit({ did: DID, rev: REV, data: tree.root() }, key.sign)
  const blocks: Block[] = [commit]
  for (const item of tree.walk())
    blocks.push('node' in item ? item.node : { cid: item.cid, bytes: records.get(item.path)! })
  return { car: writeCar(commit.cid, blocks), root: commit.cid, commit, tree }
}

function blocksOf(car: Uint8Array): Map<string, Uint8Array> {
  return new Map(readCar(car).blocks.map(({ cid, bytes }) => [formatCid(cid), bytes]))
}

test('a commit has the bytes that @atproto/repo gives it, and its signature verifies there', async () => {
  const secret = randomBytes(32)
  const key = k256FromSecret(secret)
  const data = cidNumber(1)
  const official = await signOfficially(
    { did: DID, version: 3, rev: REV, prev: null, data: foreign(data) },
    await Secp256k1Keypair.import(secret),
  )

  const commit = signCommit({ did: DID, rev: REV, data }, key.sign)
  const decoded = decodeCommit(commit.bytes)

  const { sig, ...rest } = official
  expect(Buffer.from(decoded.sig)).toEqual(Buffer.from(sig))
  expect(Buffer.from(commit.bytes)).toEqual(
    Buffer.from(encode({ ...rest, data: new Link(data), sig: Uint8Array.from(sig) })),
  )
  expect(decoded).toMatchObject({ did: DID, rev: REV, data, prev: null })
  expect(await verifyCommitSig({ ...official, sig: decoded.sig }, key.did)).toBe(true)
  expect(await verifyOfficially(key.did, unsignedBytes(decoded), decoded.sig)).toBe(true)
  expect(commit.cid).toEqual(cidOf('dag-cbor', commit.bytes))
})

test('a commit with anything missing, added or malformed is refused', () => {
  const good = {
    did: DID,
    rev: REV,
    sig: randomBytes(64),
    data: new Link(cidNumber(1)),
    prev: null,
    version: 3,
  }
  const bad = {
    'version 2': { ...good, version: 2 },
    'another field': { ...good, also: 1 },
    'no prev': { did: DID, rev: REV, sig: good.sig, data: good.data, version: 3 },
    'no signature': { did: DID, rev: REV, data: good.data, prev: null, version: 3 },
    'a short signature': { ...good, sig: randomBytes(63) },
    'a rev that is no TID': { ...good, rev: '0' },
    'a DID that is none': { ...good, did: 'alice' },
    'data that is no link': { ...good, data: 'x' },
    'a node': { e: [], l: null },
  }

  expect(decodeCommit(encode(good))).toMatchObject({ rev: REV })
  expect(decodeCommit(encode({ ...good, prev: new Link(cidNumber(2)) }))).toMatchObject({
    prev: cidNumber(2),
  })
  for (const [what, fields] of Object.entries(bad)) {
    expect(() => decodeCommit(encode(fields)), what).toThrow(InvalidCommitError)
  }
  expect(() => decodeCommit(encode(good).subarray(1))).toThrow(InvalidCommitError)
  expect(() => decodeCommit(Buffer.concat([encode(good), Buffer.of(0)]))).toThrow(InvalidCommitError)
})

test('an export verifies with @atproto/repo and with the engine itself', async () => {
  const { key } = generateK256()
  const paths = pathsOfAllHeights(400)
  const { car, root } = exported(key, paths)

  const official = await verifyRepoCar(car, DID, key.did)
  const blocks = blocksOf(car)
  const check = verifyRepo({
    commit: blocks.get(formatCid(root))!,
    cid: root,
    did: DID,
    getBlock: (cid) => blocks.get(formatCid(cid)),
    verifySignature: (bytes, signature) => verifySignature(key.did, bytes, signature),
  })

  expect(official.creates.map(({ collection, rkey }) => `${collection}/${rkey}`).toSorted()).toEqual(
    paths.toSorted(),
  )
  expect(check).toMatchObject({ records: 400, problems: [], commit: { did: DID } })
})

test('a proof of one record, or of its absence, is accepted by @atproto/repo', async () => {
  const { key } = generateK256()
  const paths = pathsOfAllHeights(300)
  const { car, commit, tree } = exported(key, paths)
  const blocks = blocksOf(car)
  for (const path of [...paths.slice(0, 40), 'com.example.x/none', 'a/a', 'z/z']) {
    const [collection = '', rkey = ''] = path.split('/')
    const cid = tree.get(path)
    const record = cid && { cid, bytes: blocks.get(formatCid(cid))! }
    const proof = writeCar(commit.cid, [commit, ...tree.proof(path), ...(record ? [record] : [])])

    const claim = { collection, rkey, cid: cid && foreign(cid) }
    expect(await verifyProofs(proof, [claim], DID, key.did)).toEqual({ verified: [claim], unverified: [] })
  }
})

test('whatever is wrong with a repository is said', () => {
  const { key } = generateK256()
  const { car, root, tree } = exported(key, pathsOfAllHeights(200))
  function problemsWith(
    change: (blocks: Map<string, Uint8Array>) => void,
    expected: { did?: Did; key?: string } = {},
  ) {
    const blocks = blocksOf(car)
    change(blocks)
    return verifyRepo({
      commit: blocks.get(formatCid(root))!,
      cid: root,
      did: expected.did ?? DID,
      getBlock: (cid) => blocks.get(formatCid(cid)),
      verifySignature: (bytes, signature) => verifySignature(expected.key ?? key.did, bytes, signature),
    }).problems
  }
  const [, recordCid] = [...tree.entries()][7]!
  const record = formatCid(recordCid)
  const [, node] = [...tree.walk()].flatMap((item) => ('node' in item ? [formatCid(item.node.cid)] : []))

  expect(problemsWith(() => {})).toEqual([])
  expect(problemsWith(() => {}, { did: did('did:plc:bbbbbbbbbbbbbbbbbbbbbbbb') })).toEqual([
    `the commit is of ${DID}`,
  ])
  expect(problemsWith(() => {}, { key: generateK256().key.did })).toEqual([
    "the commit's signature is not of the account's key",
  ])
  expect(problemsWith((blocks) => blocks.delete(record))).toContainEqual(
    expect.stringContaining('is missing'),
  )
  expect(problemsWith((blocks) => blocks.set(record, Buffer.of(1)))).toContainEqual(
    expect.stringContaining('hash'),
  )
  expect(problemsWith((blocks) => blocks.delete(node!))).toEqual(['the tree is not valid: a node is missing'])
  expect(problemsWith((blocks) => blocks.set(node!, Buffer.of(1)))).toEqual([
    'the tree is not valid: a node does not hash to its CID',
  ])
  expect(problemsWith((blocks) => blocks.set(formatCid(root), Buffer.of(0xa0)))).toHaveLength(2)
  expect(verifyCommit(Buffer.of(1, 2, 3), { did: DID, verifySignature: () => true })).toHaveLength(1)
})

/** Blocks of nodes that were put together by hand. */
class Nodes {
  private readonly blocks = new Map<string, Uint8Array>()

  add(parts: Partial<NodeParts<{ cid: Cid }>>): { cid: Cid } {
    const keys = parts.keys ?? []
    const children = parts.children ?? [null, ...keys.map(() => null)]
    return this.addBytes(encodeNode({ keys, values: keys.map(() => cidNumber(1)), children }))
  }

  addBytes(bytes: Uint8Array): { cid: Cid } {
    const cid = cidOf('dag-cbor', bytes)
    this.blocks.set(formatCid(cid), bytes)
    return { cid }
  }

  pathsBelow({ cid }: { cid: Cid }): string[] {
    return Array.from(
      verifyTree((wanted) => this.blocks.get(formatCid(wanted)), cid),
      ([path]) => path,
    )
  }
}

/** Keys of a height, in order. */
function keysOfHeight(height: number, count: number): string[] {
  const keys: string[] = []
  for (let i = 0; keys.length < count; i++) {
    const key = `a/${i.toString().padStart(7, '0')}`
    if (heightOf(key) === height) keys.push(key)
  }
  return keys
}

test('trees that no honest repository has are refused', () => {
  const nodes = new Nodes()
  const [low, lower] = keysOfHeight(0, 2) as [string, string]
  const middle = keysOfHeight(1, 400).filter((key) => key > lower)
  const high = keysOfHeight(2, 100).find((key) => key > middle[0]!)!
  const leaf = nodes.add({ keys: [low] })
  const valid = nodes.add({ keys: [middle[0]!], children: [leaf, null] })

  expect(nodes.pathsBelow(valid)).toEqual([low, middle[0]!])
  expect(nodes.pathsBelow(nodes.add({}))).toEqual([])
  expect(
    nodes.pathsBelow(nodes.add({ keys: [high], children: [nodes.add({ children: [leaf] }), null] })),
  ).toEqual([low, high])
  const refused = {
    'a root without keys': nodes.add({ children: [leaf] }),
    'a child two heights below': nodes.add({ keys: [high], children: [leaf, null] }),
    'a child of height 0': nodes.add({ keys: [lower], children: [leaf, null] }),
    'an empty child': nodes.add({ keys: [middle[0]!], children: [nodes.add({}), null] }),
    'a key at the wrong height': nodes.add({ keys: [low, middle[0]!] }),
    'keys out of order between nodes': nodes.add({ keys: [middle[0]!], children: [null, leaf] }),
    'a key twice': nodes.add({ keys: [low, low] }),
    'keys out of order': nodes.add({ keys: [lower, low] }),
    'a path that is none': nodes.add({ keys: ['asdf'] }),
    'a vast node': nodes.add({ keys: keysOfHeight(0, 4097) }),
    'no node': nodes.addBytes(Buffer.of(1)),
    'a record for a node': nodes.addBytes(encodeJson({ $type: 'x' })),
    'keys that are not compressed': nodes.addBytes(uncompressed(low, lower)),
    'a prefix of the first key': nodes.addBytes(withPrefix(low)),
    'more behind the node': nodes.addBytes(
      Buffer.concat([Buffer.from('a2616580616cf6', 'hex'), Buffer.of(0)]),
    ),
    'a raw block for a node': { cid: cidOf('raw', Buffer.from('a2616580616cf6', 'hex')) },
  }
  for (const [what, root] of Object.entries(refused)) {
    expect(() => nodes.pathsBelow(root), what).toThrow(InvalidTreeError)
  }
})

function uncompressed(...keys: string[]): Uint8Array {
  return encode({
    e: keys.map((key) => ({ k: Buffer.from(key), p: 0, t: null, v: new Link(cidNumber(1)) })),
    l: null,
  })
}

function withPrefix(key: string): Uint8Array {
  return encode({ e: [{ k: Buffer.from(key), p: 1, t: null, v: new Link(cidNumber(1)) }], l: null })
}

test('random damage to nodes is refused, or is a canonical tree', () => {
  const paths = pathsOfAllHeights(60).toSorted()
  const tree = Mst.build(paths.map((path) => [path, cidNumber(1)]))
  const walked = [...tree.walk()].flatMap((item) => ('node' in item ? [item.node] : []))
  const root = Buffer.from(walked[0]!.bytes)
  const blocks = new Map(walked.map(({ cid, bytes }) => [formatCid(cid), bytes]))
  for (let i = 0; i < 5000; i++) {
    const bytes = Buffer.from(root)
    for (let hits = 1 + (i % 3); hits > 0; hits--)
      bytes[Math.floor(Math.random() * bytes.length)] = Math.random() * 256
    const cid = cidOf('dag-cbor', bytes)
    const getBlock = (wanted: Cid) =>
      formatCid(wanted) === formatCid(cid) ? bytes : blocks.get(formatCid(wanted))
    try {
      const entries = [...verifyTree(getBlock, cid)]
      expect(Mst.build(entries).root()).toEqual(cid)
    } catch (error) {
      if (!(error instanceof InvalidTreeError)) throw error
    }
  }
})
