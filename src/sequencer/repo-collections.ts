/**
 * Which repositories have records of which collection, so that nobody has to open every store to tell. It is derived from
 * the repositories and written together with the mark up to which they are on disk: after a crash, those with later
 * commits are looked at again. Where it was never made, it is unknown until every repository has been looked at.
 */
import { type Database, transact } from '#db/database.ts'
import type { Did } from '#lexicon/strings.ts'
import { CollectionsUnknownError } from './errors.ts'

/** Whether a repository has records, by collection; those that are not named have not changed. */
export type CollectionChanges = ReadonlyMap<Did, ReadonlyMap<string, boolean>>

export class RepoCollections {
  private readonly sql
  private known: boolean

  constructor(private readonly db: Database) {
    this.sql = statements(db)
    this.known = this.sql.isUnknown.get() === null
  }

  /** False while repositories are still to be looked at. */
  get isKnown(): boolean {
    return this.known
  }

  /**
   * Up to `limit` repositories beyond `after` that have records of `collection`, in the order of their DIDs.
   * @throws CollectionsUnknownError
   */
  repos(collection: string, after: string, limit: number): Did[] {
    if (!this.known) throw new CollectionsUnknownError()
    return this.sql.repos.all(collection, after, limit).map(({ did }) => did)
  }

  /** What is noted of one repository. */
  of(did: Did): string[] {
    return this.sql.ofRepo.all(did).map(({ collection }) => collection)
  }

  /** Belongs in the transaction that marks the commits of these changes as applied. */
  apply(changes: CollectionChanges): void {
    for (const [did, collections] of changes) {
      for (const [collection, isThere] of collections) {
        if (isThere) this.sql.add.run(collection, did)
        else this.sql.remove.run(collection, did)
      }
    }
  }

  /** Notes all collections of a repository. */
  set(did: Did, collections: readonly string[]): void {
    transact(this.db, () => {
      this.remove(did)
      for (const collection of collections) this.sql.add.run(collection, did)
    })
  }

  /** Forgets a repository. Belongs in the transaction that deletes it. */
  remove(did: Did): void {
    this.sql.removeRepo.run(did)
  }

  /** Notes that every repository has been looked at. */
  setKnown(): void {
    this.sql.setKnown.run()
    this.known = true
  }
}

function statements(db: Database) {
  return {
    repos: db.query<{ did: Did }, [string, string, number]>(
      'SELECT did FROM repo_collection WHERE collection = ? AND did > ? ORDER BY did LIMIT ?',
    ),
    ofRepo: db.query<{ collection: string }, [string]>(
      'SELECT collection FROM repo_collection WHERE did = ?',
    ),
    add: db.query<null, [string, string]>('INSERT OR IGNORE INTO repo_collection VALUES (?, ?)'),
    remove: db.query<null, [string, string]>('DELETE FROM repo_collection WHERE collection = ? AND did = ?'),
    removeRepo: db.query<null, [string]>('DELETE FROM repo_collection WHERE did = ?'),
    isUnknown: db.query<unknown, []>(`SELECT 1 FROM mark WHERE name = 'collections_unknown'`),
    setKnown: db.query<null, []>(`DELETE FROM mark WHERE name = 'collections_unknown'`),
  }
}
