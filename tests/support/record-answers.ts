/**
 * Tables of calls of the `com.atproto.repo` methods with their whole answers, as the official server (0.5.35) gave
 * them. They hold without it; with `LOCUS_REFERENCE=<url>` and `LOCUS_REFERENCE_PASSWORD=<admin password>` in the
 * environment they are put to it as well.
 *
 * A row with two answers is one where ours is another on purpose:
 *  - what the official server answers with 500 is a 400 that names the fault: a record that is there already, or is not
 *    there; integers beyond 2^53; lists of more than 131,072 items; legacy blobs whose CID is not that of a blob
 *  - two writes of one request may not name the same record: consumers could not undo such a commit
 *  - records nest at most 32 deep, have keys of at most 8192 bytes, take at most 1 MiB, and no two of their keys are the
 *    same in UTF-8
 *  - a handle is found in any case
 *  - a swap is a CID of this protocol as text: version 0 and `{ $link }` are refused by name, not compared. A blob
 *    reference of version 0 is a plain map
 *  - a record of an account that is not here, or not in use, is RecordNotFound; with an AppView the official server asks it
 *  - of a `$type` that is an object, the message shows the JSON
 *
 * What differs from run to run has a name in an answer: `did:alice` for her DID, `CID`, `TID`, `KEY` and `URL`.
 */
import { expect, test } from 'bun:test'
import type { Did } from '#lexicon/strings.ts'
import { basic, type Member, member, type Target } from '#tests/support/answers.ts'
import { type Pds, startPds } from '#tests/support/pds.ts'

export interface Call {
  /** of a query */
  params?: string | Record<string, string>
  /** of a procedure */
  body?: unknown
  /** the same as it is */
  raw?: string
  /** whose token goes with it: alice's with a body, none with a query, unless it says so */
  as?: Member | null
  /** instead of a token */
  authorization?: string
}

export interface Reply {
  status: number
  body: unknown
}

/** A title, what is asked, the answer, and that of the official server where ours is another on purpose. */
export type CallRow = readonly [
  title: string,
  ask: (world: World) => Call | Promise<Call>,
  ours: Reply,
  official?: Reply,
]

const NAMES = ['alice', 'bob', 'dora', 'tim'] as const

/** Four accounts of the server that is asked: alice and bob, dora who is deactivated, tim who is taken down. */
export class World implements Record<(typeof NAMES)[number], Member> {
  private constructor(
    readonly url: string,
    readonly alice: Member,
    readonly bob: Member,
    readonly dora: Member,
    readonly tim: Member,
  ) {}

  static async on(target: Target, unique: string): Promise<World> {
    const [alice, bob, dora, tim] = await Promise.all([
      member(target, `${unique}a`),
      member(target, `${unique}b`),
      member(target, `${unique}d`),
      member(target, `${unique}t`),
    ])
    return new World(target.url, alice, bob, dora, tim)
  }

  /** Does something as alice, that must succeed. */
  async call(nsid: string, body: object): Promise<Record<string, unknown>> {
    const { status, text } = await this.ask(nsid, { body })
    if (status !== 200) throw new Error(`${nsid}: ${text}`)
    return JSON.parse(text)
  }

  /** The CID of alice's last commit. */
  async head(): Promise<string> {
    const { text } = await this.ask('com.atproto.sync.getLatestCommit', { params: { did: this.alice.did } })
    return JSON.parse(text).cid
  }

  /** The CID of a record of alice's. */
  async cidOf(path: string): Promise<string> {
    const [collection = '', rkey = ''] = path.split('/')
    const params = { repo: this.alice.did, collection, rkey }
    const { text } = await this.ask('com.atproto.repo.getRecord', { params })
    return JSON.parse(text).cid
  }

  async ask(nsid: string, call: Call): Promise<{ status: number; text: string }> {
    const { params = {}, body, raw = body === undefined ? undefined : JSON.stringify(body) } = call
    const { as = raw === undefined ? null : this.alice } = call
    const authorization = call.authorization ?? (as && `Bearer ${as.accessJwt}`)
    const response = await fetch(`${this.url}/xrpc/${nsid}?${new URLSearchParams(params)}`, {
      method: raw === undefined ? 'GET' : 'POST',
      headers: {
        ...(raw !== undefined && { 'content-type': 'application/json' }),
        ...(authorization && { authorization }),
      },
      ...(raw !== undefined && { body: raw }),
    })
    return { status: response.status, text: await response.text() }
  }

  /** An answer to `call` without what differs from run to run. */
  withNames(text: string, call: Call): string {
    const asked = JSON.stringify(call)
    let named = text.replaceAll(this.url, 'URL')
    for (const name of NAMES) {
      const { did, handle, email } = this[name]
      named = named.replaceAll(did, `did:${name}`).replaceAll(handle, `${name}.test`)
      named = named.replaceAll(email, `${name}@example.com`)
      named = named.replaceAll(handle.toUpperCase(), `${name}.test`.toUpperCase())
    }
    return named
      .replace(/\bbaf[ky]rei[a-z2-7]{52}\b/g, 'CID')
      .replace(/\bzQ3s[1-9A-Za-z]{40,}\b/g, 'KEY')
      .replace(/\b[2-7a-j][2-7a-z]{12}\b/g, (tid) => (asked.includes(tid) ? tid : 'TID'))
  }
}

/** Registers the tests of one table. The rows are asked in their order, on one server. */
export function calls(method: string, rows: readonly CallRow[]): void {
  test(`${method} answers ${rows.length} calls as clients know it`, async () => {
    await using pds = await startPds()
    const world = await ourWorld(pds)
    expect(await given(world, method, rows)).toEqual(rows.map(([title, , ours]) => ({ title, ...ours })))
  }, 60_000)

  const { LOCUS_REFERENCE: url, LOCUS_REFERENCE_PASSWORD: adminPassword = '' } = process.env
  test.skipIf(!url)(
    `the official server answers the same calls of ${method}`,
    async () => {
      const world = await officialWorld({ url: url ?? '', adminPassword })
      const expected = rows.map(([title, , ours, official]) => ({ title, ...(official ?? ours) }))
      expect(await given(world, method, rows)).toEqual(expected)
    },
    120_000,
  )
}

async function given(world: World, method: string, rows: readonly CallRow[]) {
  const found: (Reply & { title: string })[] = []
  for (const [title, ask] of rows) {
    const call = await ask(world)
    const { status, text } = await world.ask(method, call)
    found.push({ title, status, body: bodyOf(world.withNames(text, call)) })
  }
  return found
}

/** DID documents are the directory's affair: of one in an answer, only its owner is told. */
export function bodyOf(text: string): unknown {
  const body = JSON.parse(text)
  return body.didDoc ? { ...body, didDoc: body.didDoc.id } : body
}

export async function ourWorld(pds: Pds): Promise<World> {
  const { app, url } = pds
  const target = { url, adminPassword: app.config.secrets.adminPassword }
  const world = await World.on(target, 'rec')
  app.accounts.setDeactivated(world.dora.did as Did, { at: Date.now(), deleteAfter: null })
  app.accounts.setTakedown(world.tim.did as Did, 'spam')
  return world
}

export async function officialWorld(target: Target): Promise<World> {
  const world = await World.on(target, `r${Math.random().toString(36).slice(2, 9)}`)
  const { dora, tim } = world
  await post(target, 'com.atproto.server.deactivateAccount', `Bearer ${dora.accessJwt}`, {})
  await post(target, 'com.atproto.admin.updateSubjectStatus', basic('admin', target.adminPassword), {
    subject: { $type: 'com.atproto.admin.defs#repoRef', did: tim.did },
    takedown: { applied: true, ref: 'spam' },
  })
  return world
}

async function post(target: Target, nsid: string, authorization: string, body: object): Promise<void> {
  const response = await fetch(`${target.url}/xrpc/${nsid}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${nsid}: ${await response.text()}`)
}

/** A refusal. */
export function no(status: number, error: string, message: string): Reply {
  return { status, body: { error, message } }
}

export function invalid(message: string): Reply {
  return no(400, 'InvalidRequest', message)
}

export const COMMIT = { cid: 'CID', rev: 'TID' }

/** The answer to a write of the record at `path` of alice's. */
export function wrote(path: string, validationStatus?: 'valid' | 'unknown'): Reply {
  const body = { uri: `at://did:alice/${path}`, cid: 'CID', commit: COMMIT }
  return { status: 200, body: validationStatus ? { ...body, validationStatus } : body }
}

export const authMissing = no(401, 'AuthMissing', 'Authentication Required')
export const unverifiable = no(400, 'InvalidToken', 'Token could not be verified')
export const notHers = no(401, 'AuthenticationRequired', 'Authentication Required')
export const nobodyThere = no(403, 'AccountNotFound', 'Account not found')
export const deactivated = no(401, 'AccountDeactivated', 'Account is deactivated')
export const takenDown = no(401, 'AccountTakedown', 'Account has been taken down')
export const tooLarge = no(413, 'PayloadTooLargeError', 'request entity too large')
/** What the official server says of a fault that it did not expect. */
export const crash = no(500, 'InternalServerError', 'Internal Server Error')
