/**
 * From an HTTP request to a method's implementation and back. The order is that of the official server, on which clients
 * rely: verb, limits by address, parameters, authentication, body, limits by account, the method itself. Everything
 * that a lexicon says is checked here, so that methods need not; what methods throw becomes an answer here and only
 * here.
 */
import type { App } from '#app.ts'
import { signedIn } from '#auth/policies.ts'
import type { Principal } from '#auth/principal.ts'
import type { Config } from '#config/config.ts'
import { faultOfOutput, parseInput, parseParams } from '#lexicon/checks.ts'
import type { OutputBody } from '#lexicon/method.ts'
import { AdminLogIns } from '#xrpc/admin-log-ins.ts'
import { openBody, readJson, refuseBody, refuseChunkedBody } from '#xrpc/body.ts'
import { type BodyPace, USUAL_PACE } from '#xrpc/body-pace.ts'
import type { Origin } from '#xrpc/caller.ts'
import { preflight } from '#xrpc/cors.ts'
import { InvalidPathError, MethodNotImplementedError, WrongVerbError } from '#xrpc/errors.ts'
import { Exchange } from '#xrpc/exchange.ts'
import type { Implementation } from '#xrpc/implement.ts'
import { lookUpPermit, readForAccount, takeForAddress, takeForCall } from '#xrpc/limiting.ts'
import { isMethodName, queryOf } from '#xrpc/method-name.ts'

export type Dispatch = (request: Request, origin: Origin) => Promise<Response>

const JSON_ENCODING = 'application/json'
const VERBS = ['GET', 'HEAD', 'POST']
const BASIC = /^basic /i
const anySession = signedIn()

/** Makes the function that answers every request under `/xrpc/`. It never rejects. */
export function createDispatch(
  app: App,
  implementations: readonly Implementation[],
  pace: BodyPace = USUAL_PACE,
): Dispatch {
  const server: Server = { app, pace, table: tableOf(implementations), adminLogIns: new AdminLogIns(app) }
  return async (request, origin) => {
    if (request.method === 'OPTIONS') return preflight(request)
    const exchange = new Exchange(request, origin)
    try {
      return await answer(server, exchange)
    } catch (error) {
      return exchange.failed(error)
    }
  }
}

type Table = ReadonlyMap<string, Implementation>

interface Server {
  readonly app: App
  readonly table: Table
  readonly pace: BodyPace
  readonly adminLogIns: AdminLogIns
}

/** By NSID, and by NSID in lower case: the official server does not mind the case of a path. */
function tableOf(implementations: readonly Implementation[]): Table {
  const table = new Map<string, Implementation>()
  for (const implementation of implementations) {
    const { nsid } = implementation.method
    if (table.has(nsid)) throw new TypeError(`${nsid} is implemented twice`)
    table.set(nsid, implementation)
  }
  for (const [nsid, implementation] of [...table]) table.set(nsid.toLowerCase(), implementation)
  return table
}

async function answer(server: Server, exchange: Exchange): Promise<Response> {
  const { app, table } = server
  const { nsid } = exchange.origin
  const implementation = table.get(nsid) ?? table.get(nsid.toLowerCase())
  if (!implementation) return refuseUnknown(app, exchange)
  checkVerb(implementation, exchange.request.method)
  takeForAddress(app.rateLimits, implementation, exchange)
  const params = parseParams(implementation.method.nsid, queryOf(exchange.request.url))
  const principal = await authenticate(server, implementation, exchange)
  const read = () => readInput(server, implementation, exchange.request)
  const input = await readForAccount(app, implementation, exchange, principal, read)
  takeForCall(app, implementation, exchange, { principal, params, input })
  const output = await implementation.handle({ app, principal, params, input, request: exchange.caller })
  return respond(app.config, implementation, exchange, output)
}

/**
 * Methods that nobody here implements would go to another service in the caller's name, so the caller must have a
 * session even to hear that there is none.
 */
async function refuseUnknown(app: App, exchange: Exchange): Promise<never> {
  const { nsid, door } = exchange.origin
  const { method, headers } = exchange.request
  if (!isMethodName(nsid)) throw new InvalidPathError()
  takeForAddress(app.rateLimits, null, exchange)
  if (!VERBS.includes(method)) throw new WrongVerbError('XRPC requests only supports GET and POST')
  if (door === 'network') {
    exchange.makePrivate()
    await anySession.authenticate(app.auth, {
      authorization: headers.get('authorization'),
      dpop: headers.get('dpop'),
      nsid,
      door,
    })
  }
  throw new MethodNotImplementedError(nsid)
}

/** @throws WrongVerbError */
function checkVerb({ method }: Implementation, verb: string): void {
  const expected = method.kind === 'procedure' ? 'POST' : 'GET'
  if (verb === expected || (verb === 'HEAD' && expected === 'GET')) return
  throw new WrongVerbError(
    VERBS.includes(verb)
      ? `Incorrect HTTP method (${verb}) expected ${expected}`
      : 'XRPC requests only supports GET and POST',
  )
}

function authenticate(
  { app, adminLogIns }: Server,
  { method, auth }: Implementation,
  exchange: Exchange,
): Principal | Promise<Principal> {
  if (auth.dependsOnCaller) exchange.makePrivate()
  const { headers } = exchange.request
  const credentials = {
    authorization: headers.get('authorization'),
    dpop: headers.get('dpop'),
    nsid: method.nsid,
    door: exchange.origin.door,
    beforeLookUp: lookUpPermit(app.rateLimits, exchange.caller),
  }
  const isAdmin = auth.schemes.includes('basic') && BASIC.test(credentials.authorization ?? '')
  if (!isAdmin) return auth.authenticate(app.auth, credentials)
  return adminLogIns.watch(exchange, () => auth.authenticate(app.auth, credentials))
}

async function readInput(
  { app: { config }, pace }: Server,
  { method, bodyLimit }: Implementation,
  request: Request,
): Promise<unknown> {
  const { nsid, kind, inputEncoding } = method
  if (inputEncoding === undefined) {
    if (kind === 'procedure') await refuseChunkedBody(request, pace)
    else refuseBody(request)
    return undefined
  }
  const isJson = inputEncoding === JSON_ENCODING
  const usual = isJson ? config.bodyLimits.json : config.blobUploadLimit
  const limit = typeof bodyLimit === 'function' ? bodyLimit(config) : (bodyLimit ?? usual)
  if (!isJson) return openBody(request, inputEncoding, limit, pace)
  return parseInput(nsid, await readJson(request, limit, pace))
}

function respond(
  config: Config,
  { method }: Implementation,
  exchange: Exchange,
  output: unknown,
): Response | Promise<Response> {
  if (method.outputEncoding === undefined) return exchange.empty()
  if (method.outputEncoding !== JSON_ENCODING) {
    if (!isOutputBody(output)) throw new TypeError(`${method.nsid} returned no body`)
    return exchange.raw(output)
  }
  const text = JSON.stringify(output)
  if (text === undefined) throw new TypeError(`${method.nsid} returned nothing`)
  if (config.validateResponses) {
    const fault = faultOfOutput(method.nsid, text)
    if (fault !== null) throw new TypeError(`${method.nsid} does not answer as its lexicon says: ${fault}`)
  }
  return exchange.json(text)
}

function isOutputBody(output: unknown): output is OutputBody {
  return typeof output === 'object' && output !== null && 'encoding' in output && 'body' in output
}
