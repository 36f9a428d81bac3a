/** Random edits of trees that come and go from memory, held against @atproto/repo and against a tree of our own tests. */

import { expect, test } from 'bun:test'
import { MemoryBlockstore, MST } from '@atproto/repo'
import { type Cid, formatCid } from '#repo/cid.ts'
import { Mst } from '#repo/mst.ts'
import { Tree } from '#tests/support/independent/mst.ts'
import { cidNumber, cidsOf, foreign, MemoryNodes, pathsOfAllHeights, pick } from '#tests/support/trees.ts'

interface Op {
  path: string
  cid: Cid | null
  prev: Cid | null
}

/** A tree that is checkpointed, unloaded and opened anew at random moments, as the committer does. */
class Repository {
  private readonly nodes = new MemoryNodes()
  private tree = Mst.empty(this.nodes)
  private readonly known = new Map<string, Cid>()
  private written = 0

  constructor(private readonly pool: readonly string[]) {
    this.tree.root()
    this.tree.settle()
  }

  get root(): Cid {
    return this.tree.root()
  }

  get entries(): [string, Cid][] {
    return [...this.tree.entries()]
  }

  get records(): [string, Cid][] {
    return [...this.known].sort(([a], [b]) => (a < b ? -1 : 1))
  }

  /** Makes a commit of up to `most` operations. */
  commit(most: number): { ops: Op[]; before: string; blocks: Map<string, Uint8Array> } {
    const before = formatCid(this.tree.root())
    const ops: Op[] = []
    for (const path of new Set(
      Array.from({ length: 1 + Math.floor(Math.random() * most) }, () => pick(this.pool)),
    )) {
      const prev = this.known.get(path) ?? null
      const cid = prev && Math.random() < 0.55 ? null : cidNumber(this.written++ % 50)
      const replaced = cid ? this.tree.set(path, cid) : this.tree.delete(path)
      expect(replaced).toEqual(prev)
      if (cid) this.known.set(path, cid)
      else this.known.delete(path)
      ops.push({ path, cid, prev })
    }
    if (Math.random() < 0.2) this.tree.unload()
    const blocks = this.tree.commitBlocks(ops.map(({ path }) => path))
    if (Math.random() < 0.5) this.checkpoint()
    this.tree.settle()
    if (Math.random() < 0.3) this.tree.unload()
    return { ops, before, blocks: new Map(blocks.map(({ cid, bytes }) => [formatCid(cid), bytes])) }
  }

  private checkpoint(): void {
    const checkpoint = this.tree.checkpoint(this.nodes.nextId)
    this.nodes.write(checkpoint)
    if (Math.random() < 0.5) this.tree = Mst.open(this.nodes, checkpoint.rootId, this.tree.root())
  }
}

/** Takes the operations back on the part of the tree that the blocks hold. */
function invert(blocks: Map<string, Uint8Array>, root: Cid, ops: readonly Op[]): string {
  const deletionsFirst = ops.toSorted((a, b) => Number(a.cid !== null) - Number(b.cid !== null))
  let tree = Tree.open(blocks, formatCid(root))
  for (const { path, cid, prev } of deletionsFirst) {
    expect(tree.get(path)).toBe(cid && formatCid(cid))
    tree = prev ? tree.set(path, formatCid(prev)) : tree.delete(path)
  }
  return tree.cid()
}

test('each of thousands of random commits can be inverted, and followed, with its blocks alone', () => {
  for (const [poolSize, commits, most] of [
    [12, 600, 3],
    [120, 700, 6],
    [1500, 700, 12],
  ] as const) {
    const repository = new Repository(pathsOfAllHeights(poolSize))
    const received = new Map<string, Uint8Array>()
    for (let i = 0; i < commits; i++) {
      const { ops, before, blocks } = repository.commit(most)
      for (const [cid, bytes] of blocks) received.set(cid, bytes)

      expect(invert(blocks, repository.root, ops)).toBe(before)
    }

    expect(repository.entries).toEqual(repository.records)
    const mirrored = [...Tree.open(received, formatCid(repository.root)).walk()]
    expect(mirrored.filter((item) => 'key' in item)).toHaveLength(repository.records.length)
    expect(Mst.build(repository.records).root()).toEqual(repository.root)
  }
})

test('roots and covering proofs are those of @atproto/repo on random edits', async () => {
  for (const [poolSize, commits] of [
    [30, 250],
    [500, 250],
  ] as const) {
    const repository = new Repository(pathsOfAllHeights(poolSize))
    let reference = await MST.create(new MemoryBlockstore())
    for (let i = 0; i < commits; i++) {
      const { ops, blocks } = repository.commit(4)
      for (const { path, cid, prev } of ops) {
        if (!cid) reference = await reference.delete(path)
        else if (prev) reference = await reference.update(path, foreign(cid))
        else reference = await reference.add(path, foreign(cid))
      }

      expect(formatCid(repository.root)).toBe((await reference.getPointer()).toString())
      for (const { path } of ops) {
        const proof = await reference.getCoveringProof(path)
        expect([...blocks.keys()]).toEqual(expect.arrayContaining(proof.cids().map(String)))
      }
    }
  }
}, 60_000)

test('a long row of additions to a growing tree gives the roots of @atproto/repo', async () => {
  const nodes = new MemoryNodes()
  let tree = Mst.empty(nodes)
  let reference = await MST.create(new MemoryBlockstore())
  for (const [i, path] of pathsOfAllHeights(700).entries()) {
    tree.set(path, cidNumber(i))
    reference = await reference.add(path, foreign(cidNumber(i)))
    if (i % 7 > 0) continue
    expect(formatCid(tree.root())).toBe((await reference.getPointer()).toString())
    const checkpoint = tree.checkpoint(nodes.nextId)
    nodes.write(checkpoint)
    tree = Mst.open(nodes, checkpoint.rootId, tree.root())
  }
}, 60_000)

test('a commit carries each block once', () => {
  const repository = new Repository(pathsOfAllHeights(200))
  const tree = Mst.build(repository.records)
  for (const path of pathsOfAllHeights(40)) tree.set(path, cidNumber(1))

  const blocks = cidsOf(tree.commitBlocks(pathsOfAllHeights(40)))

  expect(new Set(blocks).size).toBe(blocks.length)
})
