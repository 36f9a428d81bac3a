/**
 * Commits: the signed statement that a repository has a certain tree at a certain revision.
 *
 *   unsigned  { did, rev, data, prev: null, version: 3 }          its SHA-256 is what is signed
 *   block     { did, rev, sig, data, prev: null, version: 3 }     its hash is the commit's CID
 *
 * @see https://atproto.com/specs/repository#commit-objects
 */
import { type Did, isDid, isTid, type Tid } from '#lexicon/strings.ts'
import { CborReader } from './cbor-reader.ts'
import { CborWriter } from './cbor-writer.ts'
import { type Cid, cidOf } from './cid.ts'
import { InvalidCborError, InvalidCommitError } from './errors.ts'

const VERSION = 3

/** What is signed. */
export interface UnsignedCommit {
  did: Did
  rev: Tid
  /** root of the tree */
  data: Cid
  /** null in all but very old commits */
  prev?: Cid | null
}

export interface Commit extends UnsignedCommit {
  prev: Cid | null
  /** r and s, 32 bytes each */
  sig: Uint8Array
}

export interface SignedCommit {
  cid: Cid
  bytes: Uint8Array
  rev: Tid
  data: Cid
}

const writer = new CborWriter()

/** Makes the block of a commit. */
export function signCommit(commit: UnsignedCommit, sign: (bytes: Uint8Array) => Uint8Array): SignedCommit {
  const bytes = encode(commit, sign(unsignedBytes(commit)))
  return { cid: cidOf('dag-cbor', bytes), bytes, rev: commit.rev, data: commit.data }
}

/** The bytes that the signature of a commit is over. */
export function unsignedBytes(commit: UnsignedCommit): Uint8Array {
  return encode(commit, null)
}

function encode({ did, rev, data, prev = null }: UnsignedCommit, sig: Uint8Array | null): Uint8Array {
  writer.begin()
  writer.map(sig ? 6 : 5)
  writer.text('did')
  writer.text(did)
  writer.text('rev')
  writer.text(rev)
  if (sig) {
    writer.text('sig')
    writer.byteString(sig)
  }
  writer.text('data')
  writer.link(data)
  writer.text('prev')
  writer.linkOrNull(prev)
  writer.text('version')
  writer.int(VERSION)
  return writer.end()
}

/** Reads the block of a commit: of version 3, with these fields and no others. @throws InvalidCommitError */
export function decodeCommit(block: Uint8Array): Commit {
  try {
    const reader = new CborReader(block)
    const fields = reader.map()
    const did = field(reader, 'did').text()
    const rev = field(reader, 'rev').text()
    const sig = field(reader, 'sig').byteString()
    const data = field(reader, 'data').link()
    const prev = field(reader, 'prev').linkOrNull()
    const version = field(reader, 'version').int()
    reader.end()
    if (version !== VERSION) throw new InvalidCommitError(`a commit of version ${version}, not ${VERSION}`)
    if (fields !== 6 || sig.length !== 64 || !isDid(did) || !isTid(rev))
      throw new InvalidCommitError('not a commit')
    return { did, rev, sig, data, prev }
  } catch (cause) {
    if (!(cause instanceof InvalidCborError)) throw cause
    throw new InvalidCommitError(`not a commit: ${cause.message}`, { cause })
  }
}

function field(reader: CborReader, name: string): CborReader {
  const found = reader.text()
  if (found !== name) throw reader.error(`expected ${name}, found ${found.slice(0, 50)}`)
  return reader
}
