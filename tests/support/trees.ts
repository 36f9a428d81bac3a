/** Trees for tests of the engine: a node store in memory, paths of all heights, and CIDs as other libraries have them. */
import { CID } from 'multiformats/cid'
import { type Cid, cidOf, formatCid, parseCid } from '#repo/cid.ts'
import type { Checkpoint, NodeStore } from '#repo/mst.ts'
import { heightOf } from '#repo/mst-node.ts'

/** What an actor store does for a tree. `loads` counts how often it was asked. */
export class MemoryNodes implements NodeStore {
  readonly nodes = new Map<number, { bytes: Uint8Array; childIds: number[] }>()
  loads = 0
  private last = 0

  nextId = () => ++this.last

  load(id: number) {
    this.loads++
    return this.nodes.get(id) ?? null
  }

  write({ put, drop }: Checkpoint): void {
    for (const id of drop) this.nodes.delete(id)
    for (const { id, bytes, childIds } of put) this.nodes.set(id, { bytes, childIds })
  }
}

const COLLECTIONS = ['app.bsky.feed.like', 'app.bsky.feed.post', 'app.bsky.graph.follow', 'com.example.x']

/** Paths, every second one of a height above 1, so that few of them make a high tree. */
export function pathsOfAllHeights(count: number): string[] {
  const paths = new Set<string>()
  for (let i = 0; paths.size < count; i++) {
    const path = `${COLLECTIONS[i % COLLECTIONS.length]}/${(i * 7919).toString(36).padStart(6, '0')}`
    if (paths.size % 2 === 0 || heightOf(path) > 1) paths.add(path)
  }
  return [...paths]
}

export function cidNumber(value: number): Cid {
  return cidOf('dag-cbor', Buffer.from(`record ${value}`))
}

/** The CID as @atproto/repo wants it. */
export function foreign(cid: Cid): CID {
  return CID.decode(cid)
}

/** @throws TypeError when `text` is no CID */
export function cid(text: string): Cid {
  const parsed = parseCid(text)
  if (!parsed) throw new TypeError(`${text} is no CID`)
  return parsed
}

export function cidsOf(blocks: Iterable<{ cid: Cid }>): string[] {
  return Array.from(blocks, (block) => formatCid(block.cid))
}

export function pick<T>(items: readonly T[]): T {
  return items[Math.floor(Math.random() * items.length)]!
}
