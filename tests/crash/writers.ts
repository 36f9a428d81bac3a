/**
 * Writers who change records of their own, one request after the other, and remember what they were told. Whatever
 * happens to the server, what it acknowledged is there; of the one request that was not answered, all or nothing.
 */
import { type CborValue, encode } from '#tests/support/independent/cbor.ts'
import { cidOf } from '#tests/support/independent/cid.ts'
import type { VerifiedExport } from '#tests/support/verify-export.ts'
import { type Account, call, Refused } from './client.ts'
import type { Host } from './host.ts'

const COLLECTIONS = ['com.example.crash.note', 'app.bsky.feed.post']
const MOST_RECORDS = 60

interface Change {
  action: 'create' | 'update' | 'delete'
  collection: string
  /** null where the server chooses it */
  rkey: string | null
  /** null for a deletion */
  record: Record<string, string> | null
}

interface Answer {
  uri?: string
  commit?: { cid: string; rev: string }
  results?: { uri?: string }[]
}

export class Writer {
  /** CIDs by path, as far as they were acknowledged */
  private readonly kept = new Map<string, string>()
  /** what was asked for and not answered */
  private pending: Change[] = []
  private count = 0
  /** CIDs of the commits that were acknowledged */
  readonly commits: string[] = []
  /** refusals, which changed nothing */
  readonly refusals: Refused[] = []

  constructor(
    readonly name: string,
    readonly account: Account,
  ) {}

  /** Writes until there is no answer, or `going` says no. */
  async write(host: Host, going: () => boolean, written: () => void): Promise<void> {
    while (going()) {
      const changes = this.choose()
      this.pending = changes
      try {
        this.acknowledge(changes, await send(host, this.account, changes))
        written()
      } catch (error) {
        if (!(error instanceof Refused)) return
        this.refusals.push(error)
        this.pending = []
      }
    }
  }

  /**
   * Takes what is there for what this writer has from now on.
   * @throws Error when that is neither what was acknowledged, nor that with all of what was asked for last
   */
  settle({ records, values }: VerifiedExport): void {
    const found = new Map([...records].filter(([path]) => values.get(path)?.get('writer') === this.name))
    const expected = describe(this.kept)
    const alternative = describe(this.withPending(found))
    const actual = describe(found)
    if (actual !== expected && actual !== alternative) {
      throw new Error(
        `${this.name} was told of\n${expected}\nand asked for\n${alternative}\nbut there is\n${actual}`,
      )
    }
    this.pending = []
    this.kept.clear()
    for (const [path, cid] of found) this.kept.set(path, cid)
  }

  get recordCount(): number {
    return this.kept.size
  }

  private acknowledge(changes: readonly Change[], { uri, commit, results }: Answer): void {
    for (const [i, { collection, rkey, record }] of changes.entries()) {
      const answered = (results?.[i]?.uri ?? uri)?.split('/').at(-1)
      const path = `${collection}/${rkey ?? answered}`
      if (record) this.kept.set(path, cidOfRecord(record))
      else this.kept.delete(path)
    }
    if (commit) this.commits.push(commit.cid)
    this.pending = []
  }

  private withPending(found: ReadonlyMap<string, string>): Map<string, string> {
    const after = new Map(this.kept)
    for (const { collection, rkey, record } of this.pending) {
      const cid = record && cidOfRecord(record)
      const chosen = () => [...found].find(([path, other]) => other === cid && !this.kept.has(path))?.[0]
      const path = rkey === null ? chosen() : `${collection}/${rkey}`
      if (path === undefined) return this.kept
      if (cid) after.set(path, cid)
      else after.delete(path)
    }
    return after
  }

  private choose(): Change[] {
    const dice = Math.random()
    if (dice < 0.25) {
      const changes = Array.from({ length: 2 + Math.floor(Math.random() * 20) }, () => this.chooseOne())
      return [...new Map(changes.map((change) => [`${change.collection}/${change.rkey}`, change])).values()]
    }
    const change = this.chooseOne()
    return [dice < 0.35 && change.record ? { ...change, ...this.newRecord(), rkey: null } : change]
  }

  private chooseOne(): Change {
    const paths = [...this.kept.keys()]
    const some = paths[Math.floor(Math.random() * paths.length)]
    const dice = Math.random() * (paths.length > MOST_RECORDS ? 0.7 : 1)
    if (!some || dice > 0.5) return this.newRecord()
    const [collection = '', rkey = ''] = some.split('/')
    if (dice < 0.2) return { action: 'delete', collection, rkey, record: null }
    return { action: 'update', collection, rkey, record: this.content(collection) }
  }

  private newRecord(): Change {
    const collection = COLLECTIONS[Math.floor(Math.random() * COLLECTIONS.length)] ?? ''
    const record = this.content(collection)
    return { action: 'create', collection, rkey: randomTid(), record }
  }

  private content(collection: string): Record<string, string> {
    const text = `${this.count++} ${crypto.randomUUID()}`
    const length = Math.random() < 0.1 ? 250 : 20
    return {
      $type: collection,
      writer: this.name,
      text: text.padEnd(length, '.'),
      createdAt: new Date().toISOString(),
    }
  }
}

const METHODS = { create: 'createRecord', update: 'putRecord', delete: 'deleteRecord' }

async function send(host: Host, { did, token }: Account, changes: readonly Change[]): Promise<Answer> {
  const [only] = changes
  if (!only || changes.length > 1) {
    const writes = changes.map(({ action, collection, rkey, record }) => ({
      $type: `com.atproto.repo.applyWrites#${action}`,
      collection,
      rkey,
      ...(record && { value: record }),
    }))
    return await call(host, 'com.atproto.repo.applyWrites', { token, input: { repo: did, writes } })
  }
  const { action, collection, rkey, record } = only
  const input = { repo: did, collection, ...(rkey !== null && { rkey }), ...(record && { record }) }
  return await call(host, `com.atproto.repo.${METHODS[action]}`, { token, input })
}

/** Some record collections want keys of this form. */
function randomTid(): string {
  const letters = '234567abcdefghijklmnopqrstuvwxyz'
  return `3${Array.from({ length: 12 }, () => letters[Math.floor(Math.random() * letters.length)]).join('')}`
}

function cidOfRecord(record: Record<string, string>): string {
  return cidOf('dag-cbor', encode(new Map<string, CborValue>(Object.entries(record))))
}

function describe(records: ReadonlyMap<string, string>): string {
  return [...records]
    .map(([path, cid]) => `  ${path} ${cid}`)
    .sort()
    .join('\n')
}
