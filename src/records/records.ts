/**
 * Records of the accounts of this host: read from their stores, written through the committer. Every change of a
 * record, whoever asks for it, is a call of `write`.
 */
import type { ActorStores } from '#actor/actor-stores.ts'
import { isJsonObject, type JsonObject } from '#lexicon/json.ts'
import type { Did, Nsid, RecordKey } from '#lexicon/strings.ts'
import type { Cid } from '#repo/cid.ts'
import { decodeToJson } from '#repo/dag-cbor.ts'
import type { TidGenerator } from '#repo/tid.ts'
import type { Committer } from './committer.ts'
import { TooManyWritesError } from './errors.ts'
import {
  commitWrites,
  prepare,
  type RecordWrite,
  refuseRepeatedPaths,
  type WriteOptions,
  type WriteResult,
  type WrittenRecord,
} from './write.ts'

/** operations in one commit, by the firehose's specification */
const MAX_WRITES = 200

export interface RecordView {
  rkey: RecordKey
  cid: Cid
  value: JsonObject
}

export class Records {
  constructor(private readonly deps: { stores: ActorStores; committer: Committer; tids: TidGenerator }) {}

  /**
   * Writes records of one account in one commit. It is on disk, and in the event log, when this resolves.
   * @throws InvalidSwapError, RecordExistsError, MissingRecordError, RepeatedPathError, TooManyWritesError,
   * BlobNotFoundError, RepoNotFoundError, and what validation throws
   */
  async write(did: Did, writes: readonly RecordWrite[], options: WriteOptions = {}): Promise<WriteResult> {
    if (writes.length > MAX_WRITES) throw new TooManyWritesError(`Too many writes. Max: ${MAX_WRITES}`)
    const { tids, committer } = this.deps
    const prepared = writes.map((write) => prepare(write, options.validate, () => tids.next()))
    refuseRepeatedPaths(prepared)
    return await committer.submit((batch) => commitWrites(batch, did, prepared, options), prepared.length)
  }

  /** The same for a single record, with the record as it then is. */
  async writeOne(
    did: Did,
    write: Exclude<RecordWrite, { action: 'delete' | 'discard' }>,
    options: WriteOptions,
  ): Promise<WriteResult & { record: WrittenRecord }> {
    const result = await this.write(did, [write], options)
    const [record] = result.results
    if (!record || record.action === 'delete') throw new Error('a write of a record had no outcome')
    return { ...result, record }
  }

  /** A record, or null when it is not there. @throws RepoNotFoundError */
  get(did: Did, collection: Nsid, rkey: RecordKey): RecordView | null {
    const record = this.deps.stores.open(did).record(`${collection}/${rkey}`)
    return record && { rkey, cid: record.cid, value: recordValue(record.content) }
  }

  /**
   * Records of a collection beyond `cursor`, by record key: the highest first, or the lowest with `reverse`.
   * @throws RepoNotFoundError
   */
  list(
    did: Did,
    collection: Nsid,
    page: { limit: number; cursor?: string | undefined; reverse: boolean },
  ): RecordView[] {
    const store = this.deps.stores.open(did)
    const found = store.records(collection, page.limit, page.cursor, page.reverse)
    return found.map(({ rkey, cid, content }) => ({ rkey, cid, value: recordValue(content) }))
  }

  /** Names of the collections that have records. @throws RepoNotFoundError */
  collections(did: Did): string[] {
    return this.deps.stores.open(did).collections()
  }
}

function recordValue(content: Uint8Array): JsonObject {
  const value = decodeToJson(content)
  if (!isJsonObject(value)) throw new Error('a stored record is not a map')
  return value
}
