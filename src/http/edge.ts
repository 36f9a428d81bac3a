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

/** Makes the function that answers the requests of one listener. */
export function createEdge(app: App, dispatch: Dispatch, peers: Peers): Edge {
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
    .all('/xrpc/*', ({ request }) => xrpc(request), { parse: 'none' })
    .all(
      '/*',
      at((request) => nothing(request)),
      { parse: 'none' },
    )
  if (app.config.dev)
    routes.get(
      '/mail',
      at(() => mailPage(app)),
    )
  return (request) => routes.fetch(findable(request))
}

/** As a handler of Elysia: what it throws is a bug. */
function at(handler: Handler): (context: { request: Request }) => Promise<Response> {
  return async ({ request }) => {
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

/** Elysia looks for the path from the 11th character on, and so fails to find it behind a host of less than four. */
function findable(request: Request): Request {
  const start = pathStart(request.url)
  return start >= 11 ? request : new Request(`http://localhost${request.url.slice(start)}`, request)
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
