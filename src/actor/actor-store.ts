/**
 * The store of one account: its records, the stored form of its MST, and what is derived from both.
 *
 * It is one SQLite file that a power cut may set back by a few commits (`synchronous=NORMAL`); the event log brings it
 * up to date again, so nothing is written here that the log cannot redo. It knows neither the log nor other stores.
 */
import type { Database } from '#db/database.ts'
import type { Did, RecordKey, Tid } from '#lexicon/strings.ts'
import type { Cid } from '#repo/cid.ts'
import { decodeToJson } from '#repo/dag-cbor.ts'
import type { Checkpoint } from '#repo/mst.ts'
import { hasTarget, targetOf } from './backlinks.ts'

export interface RepoRoot {
  did: Did
  commitCid: Cid
  commitBlock: Uint8Array
  dataCid: Cid
  rev: Tid
  /** event that announced it */
  seq: number
}

export interface StoredRecord {
  path: string
  cid: Cid
  /** DAG-CBOR */
  content: Uint8Array
}

export interface ListedRecord {
  rkey: RecordKey
  cid: Cid
  content: Uint8Array
}

export interface StoredTree {
  rootId: number
  rootCid: Cid
  nextId: number
}

export interface StoredNode {
  /** of the commit with which it was written, no earlier than the one that changed it */
  rev: Tid
  bytes: Uint8Array
  childIds: number[]
}

/** A record refers to a blob. */
export interface BlobRef {
  cid: Cid
  path: string
}

/** What a commit does to one record. `target` is whom it points at (see backlinks.ts), `blobs` what it refers to. */
export type RecordChange =
  | {
      action: 'create' | 'update'
      path: string
      cid: Cid
      content: Uint8Array
      target: string | null
      blobs: readonly Cid[]
    }
  | { action: 'delete'; path: string }

export class ActorStore {
  private readonly sql

  constructor(
    readonly did: Did,
    readonly db: Database,
  ) {
    this.sql = statements(db)
  }

  /** The last commit, or null before the first. */
  root(): RepoRoot | null {
    return this.sql.root.get()
  }

  record(path: string): StoredRecord | null {
    return this.sql.record.get(path)
  }

  recordCid(path: string): Cid | null {
    return this.sql.recordCid.get(path)?.cid ?? null
  }

  /** Up to `limit` records of a collection beyond `cursor` (a record key), by record key, newest TID first unless `reverse`. */
  records(collection: string, limit: number, cursor: string | undefined, reverse: boolean): ListedRecord[] {
    const from = `${collection}/`
    const to = `${collection}0` // '0' follows '/'
    if (reverse) return this.sql.recordsUp.all(cursor === undefined ? from : from + cursor, to, limit)
    return this.sql.recordsDown.all(from, cursor === undefined ? to : from + cursor, limit)
  }

  /** Path and CID of every record, by path: the leaves of the MST. */
  *entries(): Generator<[path: string, cid: Cid]> {
    for (const { path, cid } of this.sql.paths.iterate()) yield [path, cid]
  }

  /** Every record with its content, by path: all, or those written after the commit `since`. */
  allRecords(since: Tid | null = null): IterableIterator<StoredRecord> {
    return since === null ? this.sql.allRecords.iterate() : this.sql.recordsSince.iterate(since)
  }

  /** Names of the collections that have records, in order. Takes one seek for each. */
  collections(): string[] {
    const found: string[] = []
    for (let after = ''; ; ) {
      const next = this.sql.pathAfter.get(after)
      if (!next) return found.sort() // a name that begins like another may come before it: `a-b/` before `a/`
      const collection = collectionOf(next.path)
      found.push(collection)
      after = `${collection}0`
    }
  }

  /** Whether there is any record in `collection`. */
  hasCollection(collection: string): boolean {
    const next = this.sql.pathAfter.get(`${collection}/`)
    return next !== null && collectionOf(next.path) === collection
  }

  recordCount(): number {
    return this.sql.recordCount.get()?.count ?? 0
  }

  /** Record keys in `collection` of the records that point at `linkTo`. */
  backlinks(collection: string, linkTo: string): string[] {
    return this.sql.backlinks.all(collection, linkTo).map(({ rkey }) => rkey)
  }

  /** Up to `limit` references of records to blobs beyond `after`, in the order of CIDs and paths. */
  blobRefs(after: BlobRef | null, limit: number): (BlobRef & { rev: Tid })[] {
    return this.sql.blobRefs.all(after?.cid ?? new Uint8Array(0), after?.path ?? '', limit)
  }

  blob(cid: Cid): { mimeType: string; size: number } | null {
    return this.sql.blob.get(cid)
  }

  /** Applies one record change of the commit `rev`. Applying it twice is the same as once. */
  change(change: RecordChange, rev: Tid): void {
    const { sql } = this
    const { path } = change
    const collection = collectionOf(path)
    if (change.action !== 'create') this.dropReferences(collection, path)
    if (change.action === 'delete') {
      sql.deleteRecord.run(path)
      return
    }
    sql.putRecord.run(path, change.cid, rev, change.content)
    if (change.target !== null)
      sql.addBacklink.run(collection, change.target, path.slice(collection.length + 1))
    for (const cid of change.blobs) sql.addBlobRef.run(cid, path)
  }

  private dropReferences(collection: string, path: string): void {
    this.sql.dropBlobRefs.run(path)
    if (!hasTarget(collection)) return
    const old = this.sql.record.get(path)
    const target = old && targetOf(collection, decodeToJson(old.content))
    if (target) this.sql.dropBacklink.run(collection, target, path.slice(collection.length + 1))
  }

  /** Makes a commit the head; `touched` are the paths that it changed. */
  setRoot(root: RepoRoot, touched: readonly string[]): void {
    const paths = touched.length === 0 ? '' : `${touched.join('\n')}\n`
    this.sql.setRoot.run(
      root.did,
      root.commitCid,
      root.commitBlock,
      root.dataCid,
      root.rev,
      root.seq,
      paths,
      touched.length,
    )
  }

  /** Paths that changed since the stored tree was written; some may be named twice. */
  touched(): string[] {
    const text = this.sql.touched.get()?.touched ?? ''
    return text === '' ? [] : text.slice(0, -1).split('\n')
  }

  touchedCount(): number {
    return this.sql.touched.get()?.touchedCount ?? 0
  }

  tree(): StoredTree | null {
    return this.sql.tree.get()
  }

  node(id: number): StoredNode | null {
    const row = this.sql.node.get(id)
    if (!row) return null
    return { rev: row.rev, bytes: row.content, childIds: unpackIds(row.children) }
  }

  /** Up to `limit` nodes of the stored tree with ids above `after`, in no other order than that. */
  nodes(after: number, limit: number): (StoredNode & { id: number })[] {
    const rows = this.sql.nodes.all(after, limit)
    return rows.map(({ id, rev, content, children }) => ({
      id,
      rev,
      bytes: content,
      childIds: unpackIds(children),
    }))
  }

  /** Writes the stored tree on, by what changed since it was last written. It then fits the head, whose rev is `rev`. */
  putTree(tree: StoredTree, rev: Tid, { put, drop }: Pick<Checkpoint, 'put' | 'drop'>): void {
    const { sql } = this
    for (const id of drop) sql.dropNode.run(id)
    for (const { id, bytes, childIds } of put) {
      sql.putNode.run(id, rev, bytes, packIds(childIds))
    }
    sql.putTree.run(tree.rootId, tree.rootCid, tree.nextId)
    sql.clearTouched.run()
  }

  /** Forgets the stored tree, which the records then rebuild. */
  dropTree(): void {
    this.db.run('DELETE FROM node')
    this.db.run('DELETE FROM tree')
  }

  close(): void {
    this.db.close()
  }
}

function collectionOf(path: string): string {
  return path.slice(0, path.indexOf('/'))
}

function packIds(ids: readonly number[]): Uint8Array {
  const packed = Buffer.alloc(ids.length * 4)
  for (const [i, id] of ids.entries()) packed.writeUInt32LE(id, i * 4)
  return packed
}

/** Byte by byte: making a view of a small array's memory costs more than reading it. */
function unpackIds(packed: Uint8Array): number[] {
  const ids: number[] = []
  for (let at = 0; at + 3 < packed.length; at += 4) ids.push(uint32At(packed, at))
  return ids
}

function uint32At(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0
}

/** Each is compiled when it is first used: a store is opened for a few of them at a time. */
function statements(db: Database) {
  return {
    get root() {
      return db.query<RepoRoot, []>(
        `SELECT did, commit_cid AS commitCid, commit_block AS commitBlock, data_cid AS dataCid, rev, seq FROM repo_root`,
      )
    },
    get setRoot() {
      return db.query<null, [Did, Cid, Uint8Array, Cid, Tid, number, string, number]>(
        `INSERT INTO repo_root (id, did, commit_cid, commit_block, data_cid, rev, seq, touched, touched_count)
       VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
       ON CONFLICT DO UPDATE SET did = ?1, commit_cid = ?2, commit_block = ?3, data_cid = ?4, rev = ?5, seq = ?6,
         touched = touched || ?7, touched_count = touched_count + ?8`,
      )
    },
    get touched() {
      return db.query<{ touched: string; touchedCount: number }, []>(
        'SELECT touched, touched_count AS touchedCount FROM repo_root',
      )
    },
    get clearTouched() {
      return db.query<null, []>(`UPDATE repo_root SET touched = '', touched_count = 0`)
    },
    get record() {
      return db.query<StoredRecord, [string]>('SELECT path, cid, content FROM record WHERE path = ?')
    },
    get recordCid() {
      return db.query<{ cid: Cid }, [string]>('SELECT cid FROM record WHERE path = ?')
    },
    get recordsUp() {
      return db.query<ListedRecord, [string, string, number]>(
        `SELECT substr(path, instr(path, '/') + 1) AS rkey, cid, content FROM record
       WHERE path > ? AND path < ? ORDER BY path LIMIT ?`,
      )
    },
    get recordsDown() {
      return db.query<ListedRecord, [string, string, number]>(
        `SELECT substr(path, instr(path, '/') + 1) AS rkey, cid, content FROM record
       WHERE path > ? AND path < ? ORDER BY path DESC LIMIT ?`,
      )
    },
    get paths() {
      return db.query<{ path: string; cid: Cid }, []>('SELECT path, cid FROM record ORDER BY path')
    },
    get allRecords() {
      return db.query<StoredRecord, []>('SELECT path, cid, content FROM record ORDER BY path')
    },
    get recordsSince() {
      return db.query<StoredRecord, [Tid]>(
        'SELECT path, cid, content FROM record WHERE rev > ? ORDER BY path',
      )
    },
    get pathAfter() {
      return db.query<{ path: string }, [string]>(
        'SELECT path FROM record WHERE path > ? ORDER BY path LIMIT 1',
      )
    },
    get recordCount() {
      return db.query<{ count: number }, []>('SELECT count(*) AS count FROM record')
    },
    get putRecord() {
      return db.query<null, [string, Cid, Tid, Uint8Array]>(
        `INSERT INTO record (path, cid, rev, content) VALUES (?1, ?2, ?3, ?4)
       ON CONFLICT DO UPDATE SET cid = ?2, rev = ?3, content = ?4`,
      )
    },
    get deleteRecord() {
      return db.query<null, [string]>('DELETE FROM record WHERE path = ?')
    },
    get backlinks() {
      return db.query<{ rkey: string }, [string, string]>(
        'SELECT rkey FROM backlink WHERE collection = ? AND link_to = ?',
      )
    },
    get addBacklink() {
      return db.query<null, [string, string, string]>('INSERT OR IGNORE INTO backlink VALUES (?, ?, ?)')
    },
    get dropBacklink() {
      return db.query<null, [string, string, string]>(
        'DELETE FROM backlink WHERE collection = ? AND link_to = ? AND rkey = ?',
      )
    },
    get blob() {
      return db.query<{ mimeType: string; size: number }, [Cid]>(
        'SELECT mime_type AS mimeType, size FROM blob WHERE cid = ?',
      )
    },
    get blobRefs() {
      return db.query<BlobRef & { rev: Tid }, [Uint8Array, string, number]>(
        `SELECT record_blob.cid, path, rev FROM record_blob JOIN record USING (path)
       WHERE (record_blob.cid, path) > (?, ?) ORDER BY record_blob.cid, path LIMIT ?`,
      )
    },
    get addBlobRef() {
      return db.query<null, [Cid, string]>('INSERT OR IGNORE INTO record_blob VALUES (?, ?)')
    },
    get dropBlobRefs() {
      return db.query<null, [string]>('DELETE FROM record_blob WHERE path = ?')
    },
    get tree() {
      return db.query<StoredTree, []>(
        'SELECT root_id AS rootId, root_cid AS rootCid, next_id AS nextId FROM tree',
      )
    },
    get putTree() {
      return db.query<null, [number, Cid, number]>(
        `INSERT INTO tree (id, root_id, root_cid, next_id) VALUES (1, ?1, ?2, ?3)
       ON CONFLICT DO UPDATE SET root_id = ?1, root_cid = ?2, next_id = ?3`,
      )
    },
    get node() {
      return db.query<{ rev: Tid; content: Uint8Array; children: Uint8Array }, [number]>(
        'SELECT rev, content, children FROM node WHERE id = ?',
      )
    },
    get nodes() {
      return db.query<{ id: number; rev: Tid; content: Uint8Array; children: Uint8Array }, [number, number]>(
        'SELECT id, rev, content, children FROM node WHERE id > ? ORDER BY id LIMIT ?',
      )
    },
    get putNode() {
      return db.query<null, [number, Tid, Uint8Array, Uint8Array]>(
        `INSERT INTO node (id, rev, content, children) VALUES (?1, ?2, ?3, ?4)
       ON CONFLICT DO UPDATE SET rev = ?2, content = ?3, children = ?4`,
      )
    },
    get dropNode() {
      return db.query<null, [number]>('DELETE FROM node WHERE id = ?')
    },
  }
}
