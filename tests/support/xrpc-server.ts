/** The HTTP edge over methods that a test supplies, behind the App of a real server. */
import type { App } from '#app.ts'
import type { Door } from '#auth/credentials.ts'
import { createEdge } from '#http/edge.ts'
import type { BodyPace } from '#xrpc/body-pace.ts'
import { createDispatch } from '#xrpc/dispatch.ts'
import type { Implementation } from '#xrpc/implement.ts'

export interface XrpcServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
}

export function serveMethods(
  app: App,
  implementations: readonly Implementation[],
  { door = 'network', ip = '203.0.113.1', pace }: { door?: Door; ip?: string; pace?: BodyPace } = {},
): XrpcServer {
  const peers = { door, addressOf: () => ip, isFrontEnd: () => false }
  const edge = createEdge(app, createDispatch(app, implementations, pace), peers)
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    development: false,
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch: (request) => edge(request),
  })
  return {
    url: server.url.origin,
    port: server.port ?? 0,
    [Symbol.asyncDispose]: () => server.stop(true),
  }
}
