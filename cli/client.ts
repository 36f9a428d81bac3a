/**
 * A typed caller of XRPC methods over anything that turns a request into a response: the socket of a server, an App in
 * this process, the network. Which of them it is makes no difference to who calls.
 */
import { ServerError } from '#cli/errors.ts'
import {
  type ArgumentOf,
  app,
  chat,
  com,
  host,
  type MethodNsid,
  type OutputOf,
  tools,
} from '#lexicon/index.ts'
import type { Method, RequestBody } from '#lexicon/method.ts'
import type { ErrorKind } from '#std/errors.ts'

export type Send = (request: Request) => Promise<Response>

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>
  /** of a procedure that takes some besides its input */
  readonly params?: object
  /** the Content-Type of an input that is not JSON */
  readonly encoding?: string
  readonly signal?: AbortSignal
}

/** Methods without parameters or input need no argument. */
type Arguments<N extends MethodNsid> =
  object extends ArgumentOf<N>
    ? [argument?: ArgumentOf<N>, options?: CallOptions]
    : undefined extends ArgumentOf<N>
      ? [argument?: ArgumentOf<N>, options?: CallOptions]
      : [argument: ArgumentOf<N>, options?: CallOptions]

export class Client {
  constructor(
    private readonly send: Send,
    /** where requests are addressed to */
    private readonly origin: string,
    private readonly headers: Readonly<Record<string, string>> = {},
  ) {}

  /**
   * Calls a method: a query with its parameters, a procedure with its input. What is not JSON comes and goes as bytes.
   * @throws ServerError when the answer is an error
   */
  async call<N extends MethodNsid>(nsid: N, ...[argument, options = {}]: Arguments<N>): Promise<OutputOf<N>> {
    const method = methodNamed(nsid)
    const response = await this.send(this.request(method, argument, options))
    if (!response.ok) throw await errorOf(response)
    return (await outputOf(method, response)) as OutputOf<N>
  }

  /** What the server answers at a path of its own, outside XRPC's methods. */
  async get(path: string): Promise<Response> {
    return await this.send(new Request(new URL(path, this.origin).href, { headers: this.headers }))
  }

  private request(method: Method, argument: unknown, options: CallOptions): Request {
    const isQuery = method.kind === 'query'
    const url = new URL(`/xrpc/${method.nsid}`, this.origin)
    appendParams(url.searchParams, (isQuery ? argument : options.params) ?? {})
    const headers = new Headers({ ...this.headers, ...options.headers })
    const init = options.signal ? { headers, signal: options.signal } : { headers }
    if (isQuery) return new Request(url.href, init)
    if (argument === undefined) return new Request(url.href, { ...init, method: 'POST' })
    const isJson = method.inputEncoding === 'application/json'
    headers.set('content-type', options.encoding ?? method.inputEncoding ?? '*/*')
    const body = isJson ? JSON.stringify(argument) : (argument as RequestBody)
    return new Request(url.href, { ...init, method: 'POST', body })
  }
}

/** What a server says instead of an output. */
export async function errorOf(response: Response): Promise<ServerError> {
  const text = await response.text()
  const body = parsedObject(text)
  const error = typeof body.error === 'string' ? body.error : 'UnknownError'
  const message =
    typeof body.message === 'string' ? body.message : `${error} (HTTP status ${response.status})`
  const kind = response.headers.get('locus-error-kind') as ErrorKind | null
  return new ServerError(response.status, error, message, kind, hintOf(response))
}

/** Headers carry it percent-encoded. */
function hintOf(response: Response): string | null {
  const hint = response.headers.get('locus-error-hint')
  try {
    return hint && decodeURI(hint)
  } catch {
    return hint
  }
}

function parsedObject(text: string): { error?: unknown; message?: unknown } {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

async function outputOf(method: Method, response: Response): Promise<unknown> {
  if (method.outputEncoding === 'application/json') return await response.json()
  if (method.outputEncoding !== undefined) return response.body ?? new Blob([]).stream()
  await response.body?.cancel()
  return undefined
}

function appendParams(query: URLSearchParams, params: object): void {
  for (const [name, value] of Object.entries(params)) {
    if (value === undefined) continue
    for (const item of Array.isArray(value) ? value : [value]) query.append(name, String(item))
  }
}

function methodNamed(nsid: MethodNsid): Method {
  let branch: unknown = { app, chat, com, host, tools }
  for (const name of nsid.split('.')) branch = (branch as Record<string, unknown>)[name]
  return branch as Method
}
