/**
 * The routes of a server. Elysia finds the handler and nothing else: handlers get the request and return a response, so
 * that nothing depends on how Elysia reads a handler's source text, which a minifier changes.
 */
import { Elysia } from 'elysia'
import type { App } from '#app.ts'
import type { Door } from '#auth/credentials.ts'
import { logger } from '#telemetry/log.ts'
import type { Dispatch } from '#xrpc/dispatch.ts'
import { methodName, pathStart } from '#xrpc/method-name.ts'
import { isForThisMachine } from './host-header.ts'
import { mailPage } from './mail-page.ts'
import { banner, health, robots } from './pages.ts'
import { plain, publicJson } from './replies.ts'
import { tlsCheck } from './tls-check.ts'
import { atprotoDid, didDocument } from './well-known.ts'

const log = logger('http')

/** What is known of the other end of a connection. */
export interface Peers {
  readonly door: Door
  /** the address of the client of `request` */
  addressOf(request: Request): string
  /** whether `request` came straight from a proxy that is trusted */
  isFrontEnd(request: Request): boolean
}

export type Edge = (request: Request) => Response | Promise<Response>
type Handler = (request: Request) => Response | Promise<Response>

/** where Elysia begins to look for the path of a URL */
const FIRST_FINDABLE = 11

/**
 * Makes the function that answers the requests of one listener.
 *
 * Elysia looks for the path from the 11th character on, and so fails to find it behind a host of less than four. Such a
 * request is found by a stand-in, which only has its path; the handler gets the request itself, for the listener knows
 * the other end of that one alone.
 */
export function createEdge(app: App, dispatch: Dispatch, peers: Peers): Edge {
  const originals = new WeakMap<Request, Request>()
  const at = (handler: Handler) => safely(handler, originals)
  const xrpc: Handler = (request) => dispatch(request, new RequestOrigin(request, peers))
  const routes = new Elysia()
    .get(
      '/',
      at(() => banner(app)),
    )
    .get('/robots.txt', at(robots))
    .get(
      '/xrpc/_health',
      at(() => health(app)),
    )
    .get(
      '/.well-known/atproto-did',
      at((request) => atprotoDid(app, request, peers.isFrontEnd(request))),
    )
    .get(
      '/.well-known/did.json',
      at((request) => didDocument(app, request)),
    )
    .get(
      '/tls-check',
      at((request) => tlsCheck(app, request, peers.isFrontEnd(request))),
    )
    .all('/xrpc/*', ({ request }) => xrpc(originals.get(request) ?? request), { parse: 'none' })
    .all(
      '/*',
      at((request) => nothing(request)),
      { parse: 'none' },
    )
  if (app.config.dev)
    routes.get(
      '/mail',
      at((request) =>
        isForThisMachine(request, app.config.hostname) ? mailPage(app) : plain('Not Found', 404),
      ),
    )
  return (request) => {
    const start = pathStart(request.url)
    if (start >= FIRST_FINDABLE) return routes.fetch(request)
    const standIn = new Request(`http://localhost${request.url.slice(start)}`, { method: request.method })
    originals.set(standIn, request)
    return routes.fetch(standIn)
  }
}

/** As a handler of Elysia: what it throws is a bug. */
function safely(
  handler: Handler,
  originals: WeakMap<Request, Request>,
): (context: { request: Request }) => Promise<Response> {
  return async (context) => {
    const request = originals.get(context.request) ?? context.request
    try {
      return await handler(request)
    } catch (error) {
      log.error('request failed', { path: new URL(request.url, 'http://host').pathname, error })
      return publicJson({ error: 'InternalServerError', message: 'Internal Server Error' }, 500)
    }
  }
}

function nothing(request: Request): Response {
  if (request.method !== 'OPTIONS') return plain('Not Found', 404)
  const headers = { 'access-control-allow-origin': '*', 'access-control-max-age': '86400' }
  return new Response(null, { status: 204, headers })
}

/** Made for every request, so it finds out only what is asked for. */
class RequestOrigin {
  readonly nsid: string
  readonly door: Door

  constructor(
    private readonly request: Request,
    private readonly peers: Peers,
  ) {
    this.nsid = methodName(request.url)
    this.door = peers.door
  }

  get ip(): string {
    return this.peers.addressOf(this.request)
  }
}
