/**
 * A consumer of `com.atproto.sync.subscribeRepos` that believes nothing: it checks every frame as a strict relay
 * does, against the protocol text, with none of the code that it checks. What does not hold is in `faults`.
 *
 * Of each frame: canonical DAG-CBOR, exactly the fields of its type, the limits, growing numbers. Of each commit and
 * sync: hashes, form, owner, rev, the signature by the key in the DID document, and that taking its operations back
 * gives the tree before (`prevData`). Of each account: every commit follows the one before (`since`, `prevData`), and
 * none comes while the account is inactive.
 */
import { type CommitFaultKind, checkCommit, checkSync, type Report } from './independent/check-commit.ts'
import { hashOf } from './independent/cid.ts'
import { type Commit, isSignedBy } from './independent/commit.ts'
import { DidDocumentError, signingKeyOf } from './independent/did-document.ts'
import {
  type AccountFrame,
  type CommitFrame,
  type ErrorFrame,
  type Frame,
  FrameError,
  type IdentityFrame,
  type InfoFrame,
  readFrame,
  type SyncFrame,
} from './independent/frame.ts'

export type FaultKind = 'frame' | 'seq' | 'chain' | 'signature' | 'identity' | 'inactive' | CommitFaultKind

export interface Fault {
  kind: FaultKind
  /** null where a frame could not be read */
  seq: number | null
  did: string | null
  detail: string
}

interface Raw {
  /** SHA-256 of the frame, as hex: frames are the same in every replay */
  hash: string
}

export type FirehoseEvent = Raw &
  (CommitEvent | SyncEvent | IdentityFrame | AccountFrame | InfoFrame | ErrorFrame)
export type CommitEvent = CommitFrame & { data: string | null }
export type SyncEvent = SyncFrame & { data: string | null; commit: string | null }

export interface ConsumeOptions {
  /** of the directory that has the DID documents */
  plcUrl: string
  /** the last event seen; without one, only what is new is sent */
  cursor?: number
  /** the stream is said to have all events of every account: its first commit must be that of an empty repository */
  fromGenesis?: boolean
  /** frames of commits that another consumer found to be without fault, by hash; this one adds its own */
  checked?: Map<string, CheckedCommit>
}

/** What is in the blocks of a commit or a sync. */
export interface CheckedCommit {
  commit: string
  data: string
}

/** The last commit of an account. */
interface Head {
  rev: string
  data: string
  commit: string
}

const DEADLINE_MS = 10_000

/** Connects to the firehose of the server at `url` (http). Resolves when the connection is open. */
export async function consume(url: string, options: ConsumeOptions): Promise<FirehoseConsumer> {
  const address = new URL('/xrpc/com.atproto.sync.subscribeRepos', url)
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:'
  if (options.cursor !== undefined) address.searchParams.set('cursor', String(options.cursor))
  const consumer = new FirehoseConsumer(new WebSocket(address), options)
  await consumer.opened
  return consumer
}

export class FirehoseConsumer implements AsyncDisposable {
  /** what was received and checked, in order */
  readonly events: FirehoseEvent[] = []
  readonly faults: Fault[] = []
  /** the last commit of each account that was seen */
  readonly heads = new Map<string, Head>()
  /** how the connection ended */
  closed: { code: number; reason: string } | null = null
  readonly opened: Promise<void>

  /** frames that were received and checked, also those that could not be read */
  private frames = 0
  private lastSeq = 0
  private readonly inactive = new Set<string>()
  private readonly keys = new Map<string, Promise<string>>()
  private readonly waiting = new Set<() => void>()
  private work = Promise.resolve()

  constructor(
    private readonly socket: WebSocket,
    private readonly options: ConsumeOptions,
  ) {
    socket.binaryType = 'arraybuffer'
    this.opened = new Promise((resolve, reject) => {
      socket.onopen = () => resolve()
      socket.onerror = () => reject(new Error(`${socket.url} cannot be connected to`))
    })
    socket.onmessage = ({ data }) =>
      this.inOrder(async () => {
        await this.receive(data)
        this.frames++
      })
    socket.onclose = ({ code, reason }) =>
      this.inOrder(() => {
        this.closed = { code, reason }
      })
  }

  /**
   * The first event, of those received and those to come, for which `wanted` holds.
   * @throws Error when the connection ends before it, or it does not come in time
   */
  until(wanted: (event: FirehoseEvent) => boolean, deadlineMs = DEADLINE_MS): Promise<FirehoseEvent> {
    let looked = 0
    return this.condition(deadlineMs, () => {
      while (looked < this.events.length) {
        const event = this.events[looked++]
        if (event && wanted(event)) return event
      }
      if (this.closed) throw new Error(`the connection ended (${this.closed.code} ${this.closed.reason})`)
      return null
    })
  }

  /** Resolves when everything up to `seq` has been received and checked. */
  async waitForSeq(seq: number, deadlineMs = DEADLINE_MS): Promise<void> {
    await this.until((event) => 'seq' in event && event.seq >= seq, deadlineMs)
  }

  /** Resolves when so many frames have been received and checked, also such as cannot be read. */
  async waitForFrames(count: number, deadlineMs = DEADLINE_MS): Promise<void> {
    await this.condition(deadlineMs, () => (this.frames >= count ? true : null))
  }

  /** Resolves with how the connection ended. */
  untilClosed(deadlineMs = DEADLINE_MS): Promise<{ code: number; reason: string }> {
    return this.condition(deadlineMs, () => this.closed)
  }

  /** Events of one account. */
  of(did: string): FirehoseEvent[] {
    return this.events.filter((event) => 'did' in event && event.did === did)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.close()
    await this.untilClosed().catch(() => this.socket.terminate())
    await this.work
  }

  private condition<T>(deadlineMs: number, look: () => T | null): Promise<T> {
    return new Promise((resolve, reject) => {
      const finish = (act: () => void) => {
        clearTimeout(timer)
        this.waiting.delete(again)
        act()
      }
      const again = () => {
        try {
          const found = look()
          if (found !== null) finish(() => resolve(found))
        } catch (error) {
          finish(() => reject(error))
        }
      }
      const timer = setTimeout(() => finish(() => reject(new Error(this.describe(deadlineMs)))), deadlineMs)
      this.waiting.add(again)
      again()
    })
  }

  private describe(deadlineMs: number): string {
    const types = this.events.slice(-5).map((event) => `${event.type} ${'seq' in event ? event.seq : ''}`)
    return `not within ${deadlineMs} ms; ${this.events.length} events, the last: ${types.join(', ')}`
  }

  /** Frames are checked one after the other, although checking waits for DID documents. */
  private inOrder(step: () => void | Promise<void>): void {
    this.work = this.work.then(step).catch((error: unknown) => {
      this.fault('frame', null, `could not be checked: ${String(error)}`)
    })
    void this.work.then(() => {
      for (const look of [...this.waiting]) look()
    })
  }

  private fault(kind: FaultKind, event: { seq: number; did: string } | null, detail: string): void {
    this.faults.push({ kind, seq: event?.seq ?? null, did: event?.did ?? null, detail })
  }

  private async receive(data: unknown): Promise<void> {
    if (!(data instanceof ArrayBuffer)) {
      this.fault('frame', null, 'a frame is not binary')
      return
    }
    const bytes = new Uint8Array(data)
    let frame: Frame
    try {
      frame = readFrame(bytes)
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      this.fault('frame', null, error.message)
      return
    }
    const hash = Buffer.from(hashOf(bytes)).toString('hex')
    if ('seq' in frame) {
      if (frame.seq <= this.lastSeq) this.fault('seq', frame, `comes after ${this.lastSeq}`)
      this.lastSeq = frame.seq
    }
    this.events.push({ ...(await this.check(frame, hash)), hash })
  }

  private async check(
    frame: Frame,
    hash: string,
  ): Promise<CommitEvent | SyncEvent | Exclude<Frame, CommitFrame | SyncFrame>> {
    switch (frame.type) {
      case 'commit':
        return await this.checkCommitEvent(frame, hash)
      case 'sync':
        return await this.checkSyncEvent(frame, hash)
      case 'account':
        if (frame.active) this.inactive.delete(frame.did)
        else this.inactive.add(frame.did)
        return frame
      case 'identity':
        this.keys.delete(frame.did)
        return frame
      default:
        return frame
    }
  }

  private async checkCommitEvent(event: CommitFrame, hash: string): Promise<CommitEvent> {
    if (this.inactive.has(event.did)) this.fault('inactive', event, 'a commit while the account is inactive')
    const checked = await this.checkAlone(event, hash, (report) => {
      const commit = checkCommit(event, report)
      return commit && { commit, cid: event.commit }
    })
    if (!checked) return { ...event, data: null }
    this.checkChain(event)
    this.heads.set(event.did, { rev: event.rev, ...checked })
    return { ...event, data: checked.data }
  }

  /** Checks what needs no other event, unless that was done with the very same frame. */
  private async checkAlone(
    event: CommitFrame | SyncFrame,
    hash: string,
    check: (report: Report) => { commit: Commit; cid: string } | null,
  ): Promise<CheckedCommit | null> {
    const known = this.options.checked?.get(hash)
    if (known) return known
    const faultsBefore = this.faults.length
    const found = check((kind, detail) => this.fault(kind, event, detail))
    if (!found) return null
    await this.checkSignature(event, found.commit)
    const checked = { commit: found.cid, data: found.commit.data }
    if (this.faults.length === faultsBefore) this.options.checked?.set(hash, checked)
    return checked
  }

  private checkChain(event: CommitFrame): void {
    const { did, since, prevData } = event
    const before = this.heads.get(did)
    if ((since === null) !== (prevData === null))
      this.fault('chain', event, `since ${since} with prevData ${prevData}`)
    if (!before) {
      if (since !== null && this.options.fromGenesis)
        this.fault('chain', event, 'the commits before it are missing')
      return
    }
    if (event.rev <= before.rev) this.fault('rev', event, `${event.rev} comes after ${before.rev}`)
    if (since !== before.rev)
      this.fault('chain', event, `since ${since}, but the commit before is ${before.rev}`)
    if (prevData !== before.data)
      this.fault('chain', event, `prevData ${prevData}, but before it was ${before.data}`)
  }

  private async checkSyncEvent(event: SyncFrame, hash: string): Promise<SyncEvent> {
    const checked = await this.checkAlone(event, hash, (report) => checkSync(event, report))
    if (!checked) return { ...event, data: null, commit: null }
    const before = this.heads.get(event.did)
    if (before && event.rev < before.rev) this.fault('rev', event, `${event.rev} comes after ${before.rev}`)
    if (before && event.rev === before.rev && checked.commit !== before.commit) {
      this.fault('chain', event, 'another commit of the same rev')
    }
    this.heads.set(event.did, { rev: event.rev, ...checked })
    return { ...event, ...checked }
  }

  /** A key that does not fit is fetched once more: it may have been changed since. */
  private async checkSignature(event: CommitFrame | SyncFrame, commit: Commit): Promise<void> {
    try {
      if (await isSignedBy(commit, await this.key(event.did))) return
      this.keys.delete(event.did)
      if (await isSignedBy(commit, await this.key(event.did))) return
      this.fault('signature', event, 'not signed by the #atproto key of the DID document')
    } catch (error) {
      if (!(error instanceof DidDocumentError)) throw error
      this.fault('identity', event, error.message)
    }
  }

  private key(did: string): Promise<string> {
    const known = this.keys.get(did)
    if (known) return known
    const key = signingKeyOf(this.options.plcUrl, did)
    this.keys.set(did, key)
    return key
  }
}

/** What the records of each account are, by the commits that were received: CIDs by path, by DID. */
export function recordsOf(events: readonly FirehoseEvent[]): Map<string, Map<string, string>> {
  const repos = new Map<string, Map<string, string>>()
  for (const event of events) {
    if (event.type !== 'commit') continue
    const repo = repos.get(event.did) ?? new Map<string, string>()
    repos.set(event.did, repo)
    for (const { path, cid } of event.ops) {
      if (cid === null) repo.delete(path)
      else repo.set(path, cid)
    }
  }
  return repos
}
