/** Calls of XRPC methods over the network, with nothing of the server's own code. */
import { ADMIN_PASSWORD, type Host } from './host.ts'

/** The server refused. */
export class Refused extends Error {
  override readonly name = 'Refused'
  constructor(
    readonly status: number,
    /** the error's name */
    readonly error: string,
    message: string,
  ) {
    super(`${status} ${error}: ${message}`)
  }
}

export interface Account {
  did: string
  handle: string
  token: string
}

interface Call {
  token?: string
  /** calls as the operator */
  isOperator?: boolean
  params?: Record<string, string>
  input?: object
}

/** Longest wait for an answer: a server that hangs is a failure. */
const ANSWER_MS = 20_000

/** Calls a method: a procedure when there is `input`. @throws Refused, or what `fetch` throws when there is no answer */
export async function call<T>(host: { url: string }, nsid: string, how: Call = {}): Promise<T> {
  return (await (await request(host, nsid, how)).json()) as T
}

/** The same for answers that are bytes. */
export async function download(
  host: { url: string },
  nsid: string,
  params: Record<string, string>,
): Promise<Uint8Array> {
  return new Uint8Array(await (await request(host, nsid, { params })).arrayBuffer())
}

async function request(
  host: { url: string },
  nsid: string,
  { token, isOperator, params, input }: Call,
): Promise<Response> {
  const url = new URL(`/xrpc/${nsid}`, host.url)
  for (const [name, value] of Object.entries(params ?? {})) url.searchParams.set(name, value)
  const authorization = isOperator ? `Basic ${btoa(`admin:${ADMIN_PASSWORD}`)}` : token && `Bearer ${token}`
  const response = await fetch(url, {
    method: input ? 'POST' : 'GET',
    headers: {
      ...(authorization && { authorization }),
      ...(input && { 'content-type': 'application/json' }),
    },
    ...(input && { body: JSON.stringify(input) }),
    signal: AbortSignal.timeout(ANSWER_MS),
  })
  if (response.ok) return response
  const { error = '', message = '' } = (await response.json()) as { error?: string; message?: string }
  throw new Refused(response.status, error, message)
}

/** Signs up below `.test`. */
export async function createAccount(host: Host, name: string, inviteCode?: string): Promise<Account> {
  const handle = `${name}.test`
  const password = passwordOf(handle)
  const input = { handle, email: `${name}@example.com`, password, ...(inviteCode && { inviteCode }) }
  const made = await call<{ did: string; accessJwt: string }>(host, 'com.atproto.server.createAccount', {
    input,
  })
  return { did: made.did, handle, token: made.accessJwt }
}

/** Logs in an account that `createAccount` has made. */
export async function logIn(host: Host, handle: string): Promise<Account> {
  const input = { identifier: handle, password: passwordOf(handle) }
  const { did, accessJwt } = await call<{ did: string; accessJwt: string }>(
    host,
    'com.atproto.server.createSession',
    { input },
  )
  return { did, handle, token: accessJwt }
}

function passwordOf(handle: string): string {
  return `password of ${handle}`
}

/** The refusal that an attempt ends in. @throws Error when it does not end in one */
export async function refusalOf(attempt: Promise<unknown>): Promise<Refused> {
  const error = await attempt.then(
    () => new Error('it was not refused'),
    (thrown: unknown) => thrown,
  )
  if (error instanceof Refused) return error
  throw error
}
