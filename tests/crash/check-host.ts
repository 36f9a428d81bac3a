/** Holds everything a server says against everything else it says, and against what it said before. */
import { expect } from 'bun:test'
import {
  type CheckedCommit,
  consume,
  type FirehoseEvent,
  recordsOf,
} from '#tests/support/firehose-consumer.ts'
import { signingKeyOf } from '#tests/support/independent/did-document.ts'
import { type VerifiedExport, verifyExport } from '#tests/support/verify-export.ts'
import { call, download } from './client.ts'
import type { Host } from './host.ts'
import type { Writer } from './writers.ts'

const REPLAY_MS = 60_000

/** What consumers have seen of one server, in all its runs. */
export class History {
  /** frames of commits that were found to be without fault, by hash */
  readonly checked = new Map<string, CheckedCommit>()
  /** CIDs of the commits that were announced */
  readonly commits = new Set<string>()
  private readonly frames = new Map<number, string>()
  private readonly revs = new Map<number, string>()

  /** Notes events that were sent. @throws Error when a number was used for another event before */
  note(events: readonly FirehoseEvent[]): void {
    for (const event of events) {
      if (!('seq' in event)) continue
      const before = this.frames.get(event.seq)
      if (before !== undefined && before !== event.hash)
        throw new Error(`number ${event.seq} was used for two events`)
      this.frames.set(event.seq, event.hash)
      if (event.type === 'commit') this.commits.add(event.commit)
      if ('rev' in event) this.revs.set(event.seq, event.rev)
    }
  }

  /** Notes a replay from the beginning. @throws Error when it lacks an event that was sent before */
  noteReplay(events: readonly FirehoseEvent[]): void {
    this.note(events)
    const replayed = new Set(events.map((event) => ('seq' in event ? event.seq : 0)))
    for (const seq of this.frames.keys())
      if (!replayed.has(seq)) throw new Error(`event ${seq} is gone from the log`)
  }

  /** What the event with this number said of a repository's rev. */
  revOf(seq: number): string | undefined {
    return this.revs.get(seq)
  }

  get lastSeq(): number {
    return Math.max(0, ...this.frames.keys())
  }
}

/**
 * Checks the repository of every account: its export verifies, listRecords and the head say the same, the replay of the
 * whole log has no fault and ends in the same records and heads, and no event of before is gone or replaced.
 * @returns the exports by DID
 */
export async function checkHost(
  host: Host,
  dids: readonly string[],
  history: History,
): Promise<Map<string, VerifiedExport>> {
  const exports = new Map<string, VerifiedExport>()
  for (const did of dids) {
    const exported = await exportOf(host, did)
    expect(await headOf(host, did)).toEqual({ cid: exported.commitCid, rev: exported.rev })
    expect(await listedRecords(host, did)).toEqual(sorted(exported.records))
    exports.set(did, exported)
  }
  await checkLog(host, exports, history)
  return exports
}

/** The verified export of one repository. */
export async function exportOf(host: Host, did: string): Promise<VerifiedExport> {
  const car = await download(host, 'com.atproto.sync.getRepo', { did })
  return await verifyExport(car, { did, didKey: await signingKeyOf(host.plcUrl, did) })
}

/** What writers were told is in the exports, and in the log. */
export function checkWriters(
  writers: readonly Writer[],
  exports: ReadonlyMap<string, VerifiedExport>,
  history: History,
): void {
  for (const writer of writers) {
    const exported = exports.get(writer.account.did)
    if (!exported) throw new Error(`no export of ${writer.account.did}`)
    writer.settle(exported)
    expect(writer.commits.filter((cid) => !history.commits.has(cid))).toEqual([])
  }
}

async function checkLog(
  host: Host,
  exports: ReadonlyMap<string, VerifiedExport>,
  history: History,
): Promise<void> {
  if (exports.size === 0) return
  const { plcUrl } = host
  const { checked } = history
  await using consumer = await consume(host.url, { plcUrl, cursor: 0, fromGenesis: true, checked })
  const isAtHead = () =>
    [...exports].every(([did, { commitCid }]) => consumer.heads.get(did)?.commit === commitCid)
  await consumer.until((event) => 'seq' in event && event.seq >= history.lastSeq && isAtHead(), REPLAY_MS)
  expect(consumer.faults).toEqual([])
  history.noteReplay(consumer.events)
  const announced = recordsOf(consumer.events)
  for (const [did, { records }] of exports) {
    expect(sorted(announced.get(did) ?? new Map())).toEqual(sorted(records))
  }
}

async function headOf(host: Host, did: string): Promise<{ cid: string; rev: string }> {
  return await call(host, 'com.atproto.sync.getLatestCommit', { params: { did } })
}

async function listedRecords(host: Host, repo: string): Promise<string[]> {
  const found = new Map<string, string>()
  const { collections } = await call<{ collections: string[] }>(host, 'com.atproto.repo.describeRepo', {
    params: { repo },
  })
  for (const collection of collections) {
    for (let cursor: string | undefined; ; ) {
      const params = { repo, collection, limit: '100', ...(cursor && { cursor }) }
      const page = await call<Page>(host, 'com.atproto.repo.listRecords', { params })
      for (const { uri, cid } of page.records) found.set(uri.split('/').slice(3).join('/'), cid)
      cursor = page.cursor
      if (!cursor || page.records.length === 0) break
    }
  }
  return sorted(found)
}

interface Page {
  cursor?: string
  records: { uri: string; cid: string }[]
}

function sorted(records: ReadonlyMap<string, string>): string[] {
  return [...records].map(([path, cid]) => `${path} ${cid}`).sort()
}
