import { expect, test } from 'bun:test'
import { formatCid } from '#repo/cid.ts'
import { CrowdedNodeError, InvalidPathError, RepoDamagedError } from '#repo/errors.ts'
import { Mst } from '#repo/mst.ts'
import { commonPrefix, heightOf, isPath } from '#repo/mst-node.ts'
import proofs from '#tests/fixtures/interop/firehose/commit-proof-fixtures.json'
import prefixes from '#tests/fixtures/interop/mst/common_prefix.json'
import exampleKeys from '#tests/fixtures/interop/mst/example_keys.txt' with { type: 'text' }
import heights from '#tests/fixtures/interop/mst/key_heights.json'
import { cid, cidNumber, cidsOf, MemoryNodes, pathsOfAllHeights } from '#tests/support/trees.ts'

const EMPTY_ROOT = 'bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm'

test('keys have the heights of the vectors', () => {
  for (const { key, height } of heights) expect([key, heightOf(key)]).toEqual([key, height])
  for (const key of exampleKeys.trim().split('\n'))
    expect([key, heightOf(key)]).toEqual([key, Number(key[1])])
})

test('keys share the prefixes of the vectors', () => {
  for (const { left, right, len } of prefixes) expect(commonPrefix(left, right)).toBe(len)
})

test('the empty tree is one empty node, which its first commit carries', () => {
  const tree = Mst.empty()

  const root = tree.root()
  const [first] = tree.commitBlocks([])
  tree.settle()

  expect(formatCid(root)).toBe(EMPTY_ROOT)
  expect(Buffer.from(first!.bytes).toString('hex')).toBe('a2616580616cf6')
  expect(tree.commitBlocks([])).toEqual([])
})

test('roots and proofs are those of the vectors', () => {
  for (const { leafValue, keys, adds, dels, rootBeforeCommit, rootAfterCommit, blocksInProof } of proofs) {
    const value = cid(leafValue)
    const tree = Mst.build(keys.toSorted().map((key) => [key, value] as const))
    expect(formatCid(tree.root())).toBe(rootBeforeCommit)
    tree.settle()

    for (const key of adds) expect(tree.set(key, value)).toBeNull()
    for (const key of dels) expect(tree.delete(key)).toEqual(value)

    expect(formatCid(tree.root())).toBe(rootAfterCommit)
    expect(cidsOf(tree.commitBlocks([...adds, ...dels])).toSorted()).toEqual(blocksInProof.toSorted())
  }
})

test('a tree built at once has the root of one built key by key, in any order', () => {
  const entries = pathsOfAllHeights(800).map((path, i) => [path, cidNumber(i)] as const)
  const shuffled = entries.toSorted(() => Math.random() - 0.5)

  const built = Mst.build(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
  const grown = Mst.empty()
  for (const [path, value] of shuffled) grown.set(path, value)

  expect(built.root()).toEqual(grown.root())
  expect(built.loadedNodes).toBe(grown.loadedNodes)
  expect([...built.entries()]).toEqual(
    entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([p, c]) => [p, c]),
  )
})

test('deleting every key leads back to the empty tree', () => {
  const paths = pathsOfAllHeights(300)
  const tree = Mst.empty()
  for (const path of paths) tree.set(path, cidNumber(1))

  for (const path of paths.toReversed()) tree.delete(path)

  expect(formatCid(tree.root())).toBe(EMPTY_ROOT)
  expect(tree.loadedNodes).toBe(1)
  expect([...tree.entries()]).toEqual([])
})

test('a key is replaced, found and missed', () => {
  const tree = Mst.build([['com.example.x/a', cidNumber(1)]])

  expect(tree.set('com.example.x/a', cidNumber(2))).toEqual(cidNumber(1))
  expect(tree.get('com.example.x/a')).toEqual(cidNumber(2))
  expect(tree.get('com.example.x/b')).toBeNull()
  expect(tree.delete('com.example.x/b')).toBeNull()
})

test('setting a key to what it is, and deleting one that is not there, changes no node', () => {
  const paths = pathsOfAllHeights(100).toSorted()
  const tree = Mst.build(paths.map((path) => [path, cidNumber(1)]))
  tree.root()
  tree.settle()

  tree.set(paths[50]!, cidNumber(1))
  tree.delete('com.example.y/none')

  expect(tree.commitBlocks([])).toEqual([])
})

test('only paths of a collection and a record key are taken', () => {
  const tree = Mst.empty()
  const good = ['a/b', 'com.example.x/self', 'A-Z_0:9~/.', `a/${'x'.repeat(1022)}`]
  const bad = ['', 'a', 'a/', '/b', 'a/b/c', 'a b/c', 'a/ü', 'a/b\n', 'a/\u0000', `a/${'x'.repeat(1023)}`]

  for (const path of good) expect(isPath(path)).toBe(true)
  for (const path of bad) expect(() => tree.set(path, cidNumber(1))).toThrow(InvalidPathError)
  expect(() => Mst.build([['a', cidNumber(1)]])).toThrow(InvalidPathError)
})

test('keys chosen to fall into one node find it full, and can be deleted again', () => {
  const tree = Mst.empty()
  const crowd = Array.from({ length: 4000 }, (_, i) => `com.example.record/${i}${'x'.repeat(490)}`)
  const taken: string[] = []

  const crowding = () => {
    for (const path of crowd.filter((key) => heightOf(key) === 0)) {
      tree.set(path, cidNumber(1))
      taken.push(path)
    }
  }

  expect(crowding).toThrow(CrowdedNodeError)
  const largest = Math.max(...tree.commitBlocks(taken.slice(-1)).map(({ bytes }) => bytes.length))
  expect(largest).toBeLessThan(64 * 1024)
  for (const path of taken) expect(tree.delete(path)).not.toBeNull()
  expect(tree.root()).toEqual(Mst.empty().root())
})

test('a tree cannot be built from entries out of order', () => {
  const entries = (...paths: string[]) => paths.map((path) => [path, cidNumber(1)] as const)

  expect(() => Mst.build(entries('a/b', 'a/a'))).toThrow('out of order')
  expect(() => Mst.build(entries('a/b', 'a/b'))).toThrow('out of order')
})

test('a proof leads from the root to a key, or to where it would be', () => {
  const paths = pathsOfAllHeights(500).toSorted()
  const tree = Mst.build(paths.map((path) => [path, cidNumber(1)]))
  const blocks = cidsOf(Array.from(tree.walk()).flatMap((item) => ('node' in item ? [item.node] : [])))

  for (const path of [...paths.slice(0, 50), 'com.example.x/none', 'a/a', 'z/z']) {
    const proof = cidsOf(tree.proof(path))

    expect(proof[0]).toBe(formatCid(tree.root()))
    expect(blocks).toEqual(expect.arrayContaining(proof))
  }
})

test('a walk gives each node before what is below it, and does not keep what it loads', () => {
  const nodes = new MemoryNodes()
  const paths = pathsOfAllHeights(2000).toSorted()
  const built = Mst.build(
    paths.map((path, i) => [path, cidNumber(i)]),
    nodes,
  )
  const { rootId, ...rest } = built.checkpoint(nodes.nextId)
  nodes.write({ rootId, ...rest })
  const tree = Mst.open(nodes, rootId, built.root())

  const walked = [...tree.walk()]

  expect(walked.flatMap((item) => ('path' in item ? [item.path] : []))).toEqual(paths)
  expect(walked).toEqual([...built.walk()])
  expect(walked[0]).toEqual({ node: { cid: tree.root(), bytes: nodes.nodes.get(rootId)!.bytes } })
  expect(walked.filter((item) => 'node' in item)).toHaveLength(nodes.nodes.size)
  expect(tree.loadedNodes).toBe(0)
})

test('a tree that changes during a walk is noticed', () => {
  const tree = Mst.build(
    pathsOfAllHeights(50)
      .toSorted()
      .map((path) => [path, cidNumber(1)]),
  )

  expect(() => {
    for (const item of tree.walk()) if ('path' in item) tree.delete(item.path)
  }).toThrow('changed while it was walked')
})

test('opening a tree loads nothing, using it loads the way to a key, unloading forgets it', () => {
  const nodes = new MemoryNodes()
  const paths = pathsOfAllHeights(2000).toSorted()
  const built = Mst.build(
    paths.map((path) => [path, cidNumber(1)]),
    nodes,
  )
  nodes.write(built.checkpoint(nodes.nextId))
  built.settle()
  const rootId = Math.max(...nodes.nodes.keys())

  const tree = Mst.open(nodes, rootId, built.root())
  expect([nodes.loads, tree.loadedNodes]).toEqual([0, 0])
  tree.get(paths[1000]!)
  expect(tree.loadedNodes).toBeGreaterThan(0)
  expect(tree.loadedNodes).toBeLessThan(15)
  tree.unload()
  built.unload()

  expect([tree.loadedNodes, built.loadedNodes]).toEqual([0, 0])
  expect(built.get(paths[1]!)).toEqual(cidNumber(1))
})

test('unloading keeps what the store, or a commit event, does not have yet', () => {
  const nodes = new MemoryNodes()
  const paths = pathsOfAllHeights(400).toSorted()
  const tree = Mst.build(
    paths.map((path) => [path, cidNumber(1)]),
    nodes,
  )
  tree.settle()
  nodes.write(tree.checkpoint(nodes.nextId))

  tree.set(paths[100]!, cidNumber(2))
  tree.unload()
  const unsettled = tree.commitBlocks([])
  tree.settle()
  tree.unload()
  const unstored = tree.loadedNodes
  tree.delete(paths[200]!)
  nodes.write(tree.checkpoint(nodes.nextId))
  tree.unload()

  expect(unsettled.length).toBeGreaterThan(0)
  expect(unstored).toBe(unsettled.length)
  expect(tree.commitBlocks([]).length).toBeGreaterThan(0)
  expect(tree.get(paths[100]!)).toEqual(cidNumber(2))
  expect(tree.get(paths[200]!)).toBeNull()
})

test('a checkpoint writes what has changed and leaves nothing behind', () => {
  const nodes = new MemoryNodes()
  const paths = pathsOfAllHeights(1000)
  const tree = Mst.empty(nodes)
  for (let round = 0; round < 40; round++) {
    for (let i = 0; i < 25; i++) tree.set(paths[round * 25 + i]!, cidNumber(round))
    if (round % 3 === 0) for (let i = 0; i < 20; i++) tree.delete(paths[round * 20 + i]!)
    tree.settle()
    const checkpoint = tree.checkpoint(nodes.nextId)
    nodes.write(checkpoint)
    tree.unload()

    const inStore = Array.from(Mst.open(nodes, checkpoint.rootId, tree.root()).walk())
    expect(inStore.filter((item) => 'node' in item)).toHaveLength(nodes.nodes.size)
  }

  expect(tree.checkpoint(nodes.nextId)).toMatchObject({ put: [], drop: [] })
})

test('stored nodes that are missing, altered or mixed up are found before they are used', () => {
  const paths = pathsOfAllHeights(600).toSorted()
  function damagedBy(damage: (nodes: MemoryNodes, rootId: number) => void): Mst {
    const nodes = new MemoryNodes()
    const built = Mst.build(
      paths.map((path) => [path, cidNumber(1)]),
      nodes,
    )
    const checkpoint = built.checkpoint(nodes.nextId)
    nodes.write(checkpoint)
    damage(nodes, checkpoint.rootId)
    return Mst.open(nodes, checkpoint.rootId, built.root())
  }
  const damages = {
    'no nodes': damagedBy(({ nodes }) => nodes.clear()),
    'a lost node': damagedBy(({ nodes }) => nodes.delete(5)),
    'another node': damagedBy(({ nodes }) => nodes.set(5, nodes.get(6)!)),
    'a flipped bit': damagedBy(({ nodes }) => nodes.get(5)!.bytes.fill(1, 20, 21)),
    'no bytes': damagedBy(({ nodes }) => nodes.set(5, { bytes: new Uint8Array(0), childIds: [] })),
    'too few children': damagedBy(({ nodes }, rootId) => nodes.get(rootId)!.childIds.pop()),
    'too many children': damagedBy(({ nodes }, rootId) => nodes.get(rootId)!.childIds.push(3)),
    'children in another order': damagedBy(({ nodes }, rootId) => nodes.get(rootId)!.childIds.reverse()),
  }

  for (const [name, tree] of Object.entries(damages)) {
    expect(() => [...tree.walk()], name).toThrow(RepoDamagedError)
    expect(() => {
      for (const path of paths) tree.set(path, cidNumber(2))
    }, name).toThrow(RepoDamagedError)
  }
})
