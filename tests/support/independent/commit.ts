/** Commit objects, from the protocol text: nothing here comes from `src/`. Signatures are checked by @atproto/crypto. */
import { verifySignature } from '@atproto/crypto'
import { CborError, type CborMap, type CborValue, decode, encode, Link } from './cbor.ts'
import { isDid, isTid } from './syntax.ts'

export class CommitError extends Error {
  override readonly name = 'CommitError'
}

export interface Commit {
  did: string
  rev: string
  /** CID of the tree's root */
  data: string
  signature: Uint8Array
  /** what was signed */
  unsigned: Uint8Array
}

const KEYS = 'did rev sig data prev version'

/** @throws CommitError when the block is not a commit of repository format 3 */
export function readCommit(block: Uint8Array): Commit {
  const map = readMap(block)
  if ([...map.keys()].join(' ') !== KEYS) throw new CommitError(`has the keys ${[...map.keys()].join(' ')}`)
  const [did, rev, signature, data] = [map.get('did'), map.get('rev'), map.get('sig'), map.get('data')]
  if (map.get('version') !== 3) throw new CommitError('is not of version 3')
  if (map.get('prev') !== null) throw new CommitError('has a prev')
  if (!isDid(did)) throw new CommitError('did is none')
  if (!isTid(rev)) throw new CommitError('rev is no TID')
  if (!(data instanceof Link)) throw new CommitError('data is no link')
  if (!(signature instanceof Uint8Array) || signature.length !== 64)
    throw new CommitError('sig is not 64 bytes')
  const unsigned = new Map([...map].filter(([key]) => key !== 'sig'))
  return { did, rev, data: data.cid, signature, unsigned: encode(unsigned) }
}

/** Whether the key (a did:key) made the signature, in its one accepted form. */
export async function isSignedBy(commit: Commit, didKey: string): Promise<boolean> {
  return await verifySignature(didKey, commit.unsigned, commit.signature).catch(() => false)
}

function readMap(block: Uint8Array): CborMap {
  let value: CborValue
  try {
    value = decode(block)
  } catch (error) {
    if (error instanceof CborError) throw new CommitError(error.message)
    throw error
  }
  if (!(value instanceof Map)) throw new CommitError('is not a map')
  return value
}
