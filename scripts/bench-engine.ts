/**
 * What the repository engine costs: `bun scripts/bench-engine.ts [sizes...]`. Prints microseconds of wall time per
 * operation, the median of several rounds, on trees of 1,000, 10,000 and 100,000 records in the mix of a real account.
 */
import { k256FromSecret, signerName } from '#keys/k256.ts'
import { isDid } from '#lexicon/strings.ts'
import { writeCar } from '#repo/car.ts'
import { type Cid, cidOf, formatCid, parseCid } from '#repo/cid.ts'
import { signCommit } from '#repo/commit.ts'
import { decodeToJson, encodeJson } from '#repo/dag-cbor.ts'
import { encodeCommitFrame } from '#repo/events.ts'
import { Mst, type NodeStore } from '#repo/mst.ts'
import { formatTid, TidGenerator } from '#repo/tid.ts'
import { randomBytes } from '#std/bytes.ts'
import { systemClock } from '#std/clock.ts'

const ROUNDS = 7
const COMMITS_PER_ROUND = 400
const CHECKPOINT_EVERY = 64
const MIX = [
  ['app.bsky.feed.post', 0.35],
  ['app.bsky.feed.like', 0.45],
  ['app.bsky.feed.repost', 0.1],
  ['app.bsky.graph.follow', 0.1],
] as const

const did = 'did:plc:jzydj5ntrcegjd47ybwu6gya'
if (!isDid(did)) throw new Error('not a DID')
const key = k256FromSecret(randomBytes(32))
const tids = new TidGenerator(systemClock)
const post = {
  $type: 'app.bsky.feed.post',
  text: 'A post of the usual length, with a word or two about the weather — and some more. 🌦',
  createdAt: '2026-11-21T02:03:04.567Z',
  langs: ['en'],
}

class MemoryNodes implements NodeStore {
  private readonly nodes = new Map<number, { bytes: Uint8Array; childIds: number[] }>()
  private last = 0
  nextId = () => ++this.last

  load(id: number) {
    return this.nodes.get(id) ?? null
  }

  write({ put, drop }: ReturnType<Mst['checkpoint']>): void {
    for (const id of drop) this.nodes.delete(id)
    for (const { id, bytes, childIds } of put) this.nodes.set(id, { bytes, childIds })
  }
}

function collection(): string {
  let left = Math.random()
  for (const [name, share] of MIX) {
    left -= share
    if (left < 0) return name
  }
  return MIX[0][0]
}

function records(count: number): [string, Cid][] {
  const start = 1_600_000_000_000_000
  const entries: [string, Cid][] = []
  for (let i = 0; i < count; i++) {
    const rkey = formatTid(start + i * 1_000_000_000 + Math.floor(Math.random() * 1e6), i % 1024)
    entries.push([`${collection()}/${rkey}`, cidOf('dag-cbor', randomBytes(16))])
  }
  return entries.sort(([a], [b]) => (a < b ? -1 : 1))
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] ?? 0
}

/** Microseconds per call. */
function time(name: string, calls: number, work: (i: number) => unknown): void {
  const rounds: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()
    for (let i = 0; i < calls; i++) work(i)
    rounds.push(((performance.now() - start) / calls) * 1000)
  }
  print(name, median(rounds))
}

function print(name: string, microseconds: number, note = ''): void {
  console.log(`  ${name.padEnd(44)}${microseconds.toFixed(2).padStart(10)} µs  ${note}`)
}

class Stopwatch {
  private readonly spent = new Map<string, number[]>()
  private last = 0

  start(): void {
    this.last = performance.now()
  }

  lap(step: string): void {
    const now = performance.now()
    const laps = this.spent.get(step)
    if (laps) laps.push(now - this.last)
    else this.spent.set(step, [now - this.last])
    this.last = performance.now()
  }

  report(): void {
    let sum = 0
    for (const [step, laps] of this.spent) {
      const mean = (laps.reduce((a, b) => a + b, 0) / laps.length) * 1000
      if (step !== 'sign') sum += mean
      print(step, mean)
    }
    print('all but signing', sum)
  }
}

function benchTree(size: number): void {
  console.log(`\n${size} records`)
  const entries = records(size)
  const nodes = new MemoryNodes()
  const built = performance.now()
  const tree = Mst.build(entries, nodes)
  tree.root()
  print(
    'build and root, per record',
    ((performance.now() - built) / size) * 1000,
    `${tree.loadedNodes} nodes`,
  )
  tree.settle()
  nodes.write(tree.checkpoint(nodes.nextId))

  const watch = new Stopwatch()
  let frameBytes = 0
  for (let i = 0; i < ROUNDS * COMMITS_PER_ROUND; i++) {
    if (i === COMMITS_PER_ROUND) frameBytes = 0
    frameBytes += createRecord(tree, i < COMMITS_PER_ROUND ? new Stopwatch() : watch)
    if (i % CHECKPOINT_EVERY === 0) nodes.write(tree.checkpoint(nodes.nextId))
  }
  watch.report()
  const commits = (ROUNDS - 1) * COMMITS_PER_ROUND
  console.log(`  bytes of a frame ${Math.round(frameBytes / commits)}, nodes loaded ${tree.loadedNodes}`)

  const checkpoint = tree.checkpoint(nodes.nextId)
  nodes.write(checkpoint)
  const { rootId } = checkpoint
  const root = tree.root()
  time('get', 20_000, (i) => tree.get(entries[(i * 7919) % size]?.[0] ?? ''))
  time('set in a tree that was just opened', 200, (i) => {
    const cold = Mst.open(nodes, rootId, root)
    cold.set(`app.bsky.feed.post/${tids.next()}`, cidOf('dag-cbor', Uint8Array.of(i)))
    return cold.root()
  })
  let steps = 0
  const walked = performance.now()
  for (const _ of Mst.open(nodes, rootId, root).walk()) steps++
  print('walk a tree in the store, per step', ((performance.now() - walked) / steps) * 1000)
}

/** What the committer does for one new record. @returns the size of the frame */
function createRecord(tree: Mst, watch: Stopwatch): number {
  const rev = tids.next()
  const path = `app.bsky.feed.post/${rev}`
  const prevData = tree.root()
  watch.start()
  const content = encodeJson(post)
  const cid = cidOf('dag-cbor', content)
  watch.lap('encode and hash the record')
  tree.set(path, cid)
  watch.lap('set')
  const data = tree.root()
  watch.lap('root')
  const proof = tree.commitBlocks([path])
  watch.lap('commitBlocks')
  const commit = signCommit({ did: did as never, rev, data }, key.sign)
  watch.lap('sign')
  const blocks = writeCar(commit.cid, [
    { cid: commit.cid, bytes: commit.bytes },
    ...proof,
    { cid, bytes: content },
  ])
  const ops = [{ action: 'create', path, cid } as const]
  const frame = encodeCommitFrame({
    seq: 1_732_154_584_567,
    time: '2026-11-21T02:03:04.567Z',
    did: did as never,
    commit: commit.cid,
    rev,
    since: rev,
    blocks,
    ops,
    prevData,
  })
  watch.lap('CAR and frame')
  tree.settle()
  return frame.length
}

console.log(`signer: ${signerName()}`)
const content = encodeJson(post)
const cid = cidOf('dag-cbor', content)
const text = formatCid(cid)
time('encode a post', 50_000, () => encodeJson(post))
time('decode a post to JSON', 50_000, () => decodeToJson(content))
time('CID of a post', 50_000, () => cidOf('dag-cbor', content))
time('CID to text', 50_000, () => formatCid(cid))
time('CID from text', 50_000, () => parseCid(text))
time('TID', 50_000, () => tids.next())
const sizes = process.argv.slice(2).map(Number)
for (const size of sizes.length > 0 ? sizes : [1000, 10_000, 100_000]) benchTree(size)
