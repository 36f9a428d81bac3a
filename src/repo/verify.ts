/**
 * Checks repositories: the signature of a commit, and trees of others, of which nothing is believed. A tree that passes
 * has the one shape that its content can have (see mst-node.ts):
 *
 *   each key is at the height that its hash gives it, and keys ascend throughout; a child is one height below its parent;
 *   a node without keys has a child, and is not the root unless the tree is empty.
 *
 * Whoever searches for keys by brute force can build trees that are deep or have vast nodes; both are bounded.
 */
import type { Did } from '#lexicon/strings.ts'
import { type Cid, cidOf, sameCid } from './cid.ts'
import { type Commit, decodeCommit, unsignedBytes } from './commit.ts'
import { decodeToJson } from './dag-cbor.ts'
import { InvalidCborError, InvalidCommitError, InvalidTreeError } from './errors.ts'
import { decodeNode, heightOf, isPath, type NodeParts } from './mst-node.ts'

/** A tree of a thousand million records is 15 high. */
const MAX_HEIGHT = 32
/** The largest node of a tree of a thousand million records has about 75. */
const MAX_ENTRIES = 4096
const MAX_PROBLEMS = 100

export type GetBlock = (cid: Cid) => Uint8Array | null | undefined
export type VerifySignature = (bytes: Uint8Array, signature: Uint8Array) => boolean

interface Expected {
  did: Did
  /** what the block must hash to, where that is known */
  cid?: Cid
  /** whether a signature over these bytes is of the account's key */
  verifySignature: VerifySignature
}

export interface RepoCheck {
  commit: Commit | null
  records: number
  /** one sentence each; none when the repository verifies */
  problems: string[]
}

/** What is wrong with a commit, one sentence each. */
export function verifyCommit(block: Uint8Array, expected: Expected): string[] {
  return checkCommit(block, expected).problems
}

/** Checks a whole repository: its commit, its tree, and that every record is there and canonical. */
export function verifyRepo(input: Expected & { commit: Uint8Array; getBlock: GetBlock }): RepoCheck {
  const { commit, problems } = checkCommit(input.commit, input)
  let records = 0
  if (!commit) return { commit, records, problems }
  try {
    for (const [path, cid] of verifyTree(input.getBlock, commit.data)) {
      records++
      const problem = recordProblem(input.getBlock(cid), cid)
      if (problem) problems.push(`record ${path} ${problem}`)
      if (problems.length >= MAX_PROBLEMS) break
    }
  } catch (error) {
    if (!(error instanceof InvalidTreeError)) throw error
    problems.push(`the tree is not valid: ${error.message}`)
  }
  return { commit, records, problems }
}

function checkCommit(block: Uint8Array, { did, cid, verifySignature }: Expected): Omit<RepoCheck, 'records'> {
  const problems: string[] = []
  if (cid && !sameCid(cidOf('dag-cbor', block), cid)) problems.push('the commit does not hash to its CID')
  try {
    const commit = decodeCommit(block)
    if (commit.did !== did) problems.push(`the commit is of ${commit.did}`)
    if (!verifySignature(unsignedBytes(commit), commit.sig)) {
      problems.push("the commit's signature is not of the account's key")
    }
    return { commit, problems }
  } catch (error) {
    if (!(error instanceof InvalidCommitError)) throw error
    return { commit: null, problems: [...problems, `the commit cannot be read: ${error.message}`] }
  }
}

function recordProblem(bytes: Uint8Array | null | undefined, cid: Cid): string | null {
  if (!bytes) return 'is missing'
  if (!sameCid(cidOf('dag-cbor', bytes), cid)) return 'does not hash to its CID'
  try {
    decodeToJson(bytes)
    return null
  } catch (error) {
    if (!(error instanceof InvalidCborError)) throw error
    return `cannot be read: ${error.message}`
  }
}

/** A node on the way to where the walk is. */
interface Place {
  parts: NodeParts<Cid>
  height: number
  /** the child that comes next */
  at: number
}

/**
 * The records of a tree, in order, while every rule for its shape is checked. Memory is bounded by the tree's height.
 * @param getBlock blocks by CID; their hashes are checked here
 * @throws InvalidTreeError at the first fault
 */
export function* verifyTree(getBlock: GetBlock, rootCid: Cid): Generator<[path: string, cid: Cid], void> {
  const root = readNode(getBlock, rootCid)
  if (root.keys.length === 0 && root.children[0])
    throw new InvalidTreeError('a root without keys has a child')
  const height = root.keys.length === 0 ? 0 : heightOf(root.keys[0] ?? '')
  if (height > MAX_HEIGHT) throw new InvalidTreeError(`the tree is higher than ${MAX_HEIGHT}`)
  const way: Place[] = [{ parts: root, height, at: 0 }]
  let previous = ''
  for (let here = way.at(-1); here; here = way.at(-1)) {
    const { parts, at } = here
    const path = parts.keys[at - 1]
    const cid = parts.values[at - 1]
    if (path !== undefined && cid) {
      checkKey(path, previous, here.height)
      previous = path
      yield [path, cid]
    }
    here.at++
    if (at === parts.keys.length) way.pop()
    const child = parts.children[at]
    if (child) way.push(childPlace(getBlock, child, here.height - 1))
  }
}

function childPlace(getBlock: GetBlock, cid: Cid, height: number): Place {
  if (height < 0) throw new InvalidTreeError('a node of height 0 has a child')
  const parts = readNode(getBlock, cid)
  if (parts.keys.length === 0 && !parts.children[0]) throw new InvalidTreeError('a node is empty')
  return { parts, height, at: 0 }
}

function readNode(getBlock: GetBlock, cid: Cid): NodeParts<Cid> {
  const bytes = getBlock(cid)
  if (!bytes) throw new InvalidTreeError('a node is missing')
  if (!sameCid(cidOf('dag-cbor', bytes), cid)) throw new InvalidTreeError('a node does not hash to its CID')
  const parts = decodeNode(bytes)
  if (parts.keys.length > MAX_ENTRIES)
    throw new InvalidTreeError(`a node has more than ${MAX_ENTRIES} entries`)
  return parts
}

function checkKey(path: string, previous: string, height: number): void {
  if (!isPath(path)) throw new InvalidTreeError(`not a record path: ${JSON.stringify(path.slice(0, 100))}`)
  if (path <= previous) throw new InvalidTreeError(`keys out of order: ${path} after ${previous}`)
  if (heightOf(path) !== height) throw new InvalidTreeError(`a key at the wrong height: ${path}`)
}
