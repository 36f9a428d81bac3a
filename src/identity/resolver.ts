/**
 * Who is who on the network: the document of a DID, the DID that a handle names. Answers are kept in `cache.sqlite`,
 * given for an hour as they are and for a day while they are refreshed behind the scenes; whoever decides about rights
 * by an answer asks for a fresh one. Null is a definitive no; not being able to ask is an error.
 */
import type { Database } from '#db/database.ts'
import { type CacheAges, CachedLookup, type CacheStore, type LookUpOptions } from '#identity/cached-lookup.ts'
import { asDidDocument, type DidDocument } from '#identity/did-document.ts'
import { didWebUrl, isDidPlc } from '#identity/did-methods.ts'
import { ResolutionFailedError } from '#identity/errors.ts'
import { HandleLookup, type HandleLookupDeps } from '#identity/handle-lookup.ts'
import type { PlcClient } from '#identity/plc-client.ts'
import type { Json } from '#lexicon/json.ts'
import type { Did, Handle } from '#lexicon/strings.ts'
import { type Clock, DAY, HOUR } from '#std/clock.ts'
import { FetchFailedError, type SafeFetch } from '#std/safe-fetch.ts'

export interface IdentityResolverDeps extends Pick<HandleLookupDeps, 'nameservers' | 'backupNameservers'> {
  cache: Database
  clock: Clock
  plc: PlcClient
  fetch: SafeFetch
  /** milliseconds for each question to another server */
  timeoutMs: number
  ages?: CacheAges
  /** did:web of this machine, and handles in `.test` */
  dev: boolean
}

const MAX_DOCUMENT_BYTES = 128 * 1024
/** Characters of the largest document that is kept. Those of accounts have a thousand. */
const MAX_CACHED_LENGTH = 16 * 1024

export class IdentityResolver implements Disposable {
  private readonly documents: CachedLookup<Did, DidDocument>
  private readonly handles: CachedLookup<Handle, Did>

  constructor(private readonly deps: IdentityResolverDeps) {
    const { cache, clock, ages = { staleMs: HOUR, maxMs: DAY } } = deps
    const lookup = new HandleLookup({ ...deps, allowTest: deps.dev })
    this.documents = new CachedLookup({
      clock,
      ages,
      store: documentStore(cache),
      ask: (did) => this.askForDocument(did),
    })
    this.handles = new CachedLookup({
      clock,
      ages,
      store: handleStore(cache),
      ask: (handle) => lookup.find(handle),
    })
  }

  /**
   * The document of `did`, or null when there is none: unknown, tombstoned, or of a method that the network lacks.
   * @throws ResolutionFailedError, PlcUnavailableError when that could not be found out
   * @throws RefusedTargetError when the host of a did:web is not one that we contact
   */
  async resolveDid(did: Did, options: LookUpOptions = {}): Promise<DidDocument | null> {
    return await this.documents.get(did, options)
  }

  /**
   * The DID that `handle` names by DNS or by its host, or null when it names none. That the DID claims the handle is
   * for the caller to check. Accounts of this server are not looked at.
   * @throws ResolutionFailedError when it could not be found out
   */
  async resolveHandle(handle: Handle, options: LookUpOptions = {}): Promise<Did | null> {
    return await this.handles.get(handle, options)
  }

  /** Makes the next question about `did` a fresh one: for when we changed its document ourselves. */
  forget(did: Did): void {
    this.documents.forget(did)
  }

  [Symbol.dispose](): void {
    this.documents.close()
    this.handles.close()
  }

  private async askForDocument(did: Did): Promise<DidDocument | null> {
    if (!isDidPlc(did)) return await this.askHost(did)
    const json = await this.deps.plc.document(did)
    return json === null ? null : documentAbout(did, json)
  }

  private async askHost(did: Did): Promise<DidDocument | null> {
    const { fetch, timeoutMs, dev } = this.deps
    const url = didWebUrl(did, { allowLoopback: dev })
    if (!url) return null
    try {
      const response = await fetch(url, {
        headers: { accept: 'application/did+ld+json, application/json' },
        timeoutMs,
        maxBytes: MAX_DOCUMENT_BYTES,
      })
      if (response.ok) return documentAbout(did, parseJson(did, await response.text()))
      await response.body?.cancel()
      if (response.status === 404 || response.status === 410) return null
      throw new ResolutionFailedError(did, `its host answered with status ${response.status}`)
    } catch (error) {
      if (error instanceof FetchFailedError)
        throw new ResolutionFailedError(did, error.message, { cause: error })
      throw error
    }
  }
}

function documentAbout(did: Did, json: Json): DidDocument {
  const document = asDidDocument(json, did)
  if (!document) throw new ResolutionFailedError(did, 'the document found is not about it')
  return document
}

function parseJson(did: Did, text: string): Json {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ResolutionFailedError(did, 'its document is not JSON', { cause: error })
  }
}

function documentStore(db: Database): CacheStore<Did, DidDocument> {
  const read = db.query<{ document: string; fetchedAt: number }, { did: Did }>(
    'SELECT document, fetched_at AS fetchedAt FROM did_document WHERE did = $did',
  )
  const write = db.query(
    `INSERT INTO did_document (did, document, fetched_at) VALUES ($did, $document, $fetchedAt)
     ON CONFLICT (did) DO UPDATE SET document = excluded.document, fetched_at = excluded.fetched_at`,
  )
  const remove = db.query('DELETE FROM did_document WHERE did = $did')
  const prune = db.query('DELETE FROM did_document WHERE fetched_at < $before')
  const trim = db.query(
    `DELETE FROM did_document WHERE rowid IN
       (SELECT rowid FROM did_document ORDER BY fetched_at DESC, rowid DESC LIMIT -1 OFFSET $max)`,
  )
  return {
    read(did) {
      const row = read.get({ did })
      const value = row && asDidDocument(JSON.parse(row.document), did)
      return value ? { value, fetchedAt: row.fetchedAt } : null
    },
    write(did, document, fetchedAt) {
      const text = JSON.stringify(document)
      if (text.length > MAX_CACHED_LENGTH) remove.run({ did })
      else write.run({ did, document: text, fetchedAt })
    },
    remove: (did) => void remove.run({ did }),
    prune(before, max) {
      prune.run({ before })
      trim.run({ max })
    },
  }
}

function handleStore(db: Database): CacheStore<Handle, Did> {
  const read = db.query<{ value: Did; fetchedAt: number }, { handle: Handle }>(
    'SELECT did AS value, fetched_at AS fetchedAt FROM handle WHERE handle = $handle',
  )
  const write = db.query(
    `INSERT INTO handle (handle, did, fetched_at) VALUES ($handle, $did, $fetchedAt)
     ON CONFLICT (handle) DO UPDATE SET did = excluded.did, fetched_at = excluded.fetched_at`,
  )
  const remove = db.query('DELETE FROM handle WHERE handle = $handle')
  const prune = db.query('DELETE FROM handle WHERE fetched_at < $before')
  const trim = db.query(
    `DELETE FROM handle WHERE rowid IN
       (SELECT rowid FROM handle ORDER BY fetched_at DESC, rowid DESC LIMIT -1 OFFSET $max)`,
  )
  return {
    read: (handle) => read.get({ handle }),
    write: (handle, did, fetchedAt) => void write.run({ handle, did, fetchedAt }),
    remove: (handle) => void remove.run({ handle }),
    prune(before, max) {
      prune.run({ before })
      trim.run({ max })
    },
  }
}
