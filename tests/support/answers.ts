/**
 * Tables of requests and the answers to them, as the official server was seen to give them. They hold without it; with
 * `LOCUS_REFERENCE=<url>` and `LOCUS_REFERENCE_PASSWORD=<admin password>` in the environment they are put to it as well,
 * so that a table can be checked against a newer release.
 */
import { expect, test } from 'bun:test'
import { startPds } from '#tests/support/pds.ts'

export interface Ask {
  /** POST when there is a body, GET otherwise */
  verb?: string
  params?: string
  body?: unknown
  /** instead of `body`, as it is */
  raw?: string
  type?: string
  auth?: string
}

export interface Answer {
  status: number
  error?: string
  message?: string
  /** of the body, sorted; none for an empty body */
  keys?: string
}

/** A title, what is asked, the answer, and that of the official server where ours is better on purpose. */
export type Row = readonly [title: string, ask: (world: World) => Ask, ours: Answer, official?: Answer]

export interface Member {
  did: string
  handle: string
  email: string
  password: string
  accessJwt: string
  refreshJwt: string
}

/** What the requests of a table are about: two accounts of the server that is asked. */
export interface World {
  url: string
  /** Authorization of the operator */
  admin: string
  alice: Member
  bob: Member
  /** the beginning of names that nobody else has */
  unique: string
}

export interface Target {
  url: string
  adminPassword: string
}

/** Registers the tests of one table. The rows are asked in their order, on one server. */
export function answers(method: string, rows: readonly Row[]): void {
  test(`${method} answers ${rows.length} requests as clients know it`, async () => {
    await using pds = await startPds()
    const target = { url: pds.url, adminPassword: pds.app.config.secrets.adminPassword }
    expect(await given(target, method, rows)).toEqual(rows.map(([title, , ours]) => ({ title, ...ours })))
  }, 60_000)

  const { LOCUS_REFERENCE: url, LOCUS_REFERENCE_PASSWORD: adminPassword = '' } = process.env
  test.skipIf(!url)(
    `the official server answers the same table of ${method}`,
    async () => {
      if (!url) return
      const expected = rows.map(([title, , ours, official]) => ({ title, ...(official ?? ours) }))
      expect(await given({ url, adminPassword }, method, rows)).toEqual(expected)
    },
    60_000,
  )
}

async function given(target: Target, method: string, rows: readonly Row[]) {
  const world = await worldOn(target)
  const found: (Answer & { title: string })[] = []
  for (const [title, ask] of rows) found.push({ title, ...(await send(target, method, ask(world))) })
  return found
}

async function send({ url }: Target, method: string, ask: Ask): Promise<Answer> {
  const { params = '', raw, auth, type = 'application/json' } = ask
  const body = raw ?? (ask.body === undefined ? undefined : JSON.stringify(ask.body))
  const response = await fetch(`${url}/xrpc/${method}?${params}`, {
    method: ask.verb ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(body !== undefined && { 'content-type': type }),
      ...(auth !== undefined && { authorization: auth }),
    },
    ...(body !== undefined && { body }),
  })
  const text = await response.text()
  if (text === '') return { status: response.status, keys: '' }
  const json = JSON.parse(text)
  if (response.ok) return { status: response.status, keys: Object.keys(json).sort().join(' ') }
  return { status: response.status, error: json.error, message: json.message }
}

async function worldOn(target: Target): Promise<World> {
  const unique = `t${Math.random().toString(36).slice(2, 9)}`
  const admin = `Basic ${Buffer.from(`admin:${target.adminPassword}`).toString('base64')}`
  const [alice, bob] = [await member(target, `${unique}a`), await member(target, `${unique}b`)]
  return { url: target.url, admin, alice, bob, unique }
}

/** Makes the account `<name>.test`. */
export async function member({ url }: Target, name: string): Promise<Member> {
  const input = { handle: `${name}.test`, email: `${name}@example.com`, password: `password-${name}` }
  const response = await fetch(`${url}/xrpc/com.atproto.server.createAccount`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(input),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(text)
  return { ...input, ...JSON.parse(text) }
}

/** An answer that the lexicon alone decides, in words that change with the validator. */
export function invalid(message: string): Answer {
  return refused(400, 'InvalidRequest', message)
}

export function refused(status: number, error: string, message: string): Answer {
  return { status, error, message }
}

export function ok(keys: string): Answer {
  return { status: 200, keys }
}

export const unauthorized = refused(401, 'AuthenticationRequired', 'Authentication Required')
export const authMissing = refused(401, 'AuthMissing', 'Authentication Required')
export const unverifiable = refused(400, 'InvalidToken', 'Token could not be verified')

/** A DID that nobody has. */
export const NOBODY = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'

export function basic(name: string, password: string): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
}
