/**
 * Whether a front end may get a certificate for a name: our own host name, and handles of accounts here. It is for the
 * front end alone; strangers could find out handles by it.
 */
import { activeAccount } from '#account/availability.ts'
import type { App } from '#app.ts'
import { normalizeHandle } from '#lexicon/strings.ts'
import { queryOf } from '#xrpc/method-name.ts'
import { plain, publicJson } from './replies.ts'

export function tlsCheck(app: App, request: Request, isFrontEnd: boolean): Response {
  // a front end that passes on what a stranger asks says for whom
  if (!isFrontEnd || request.headers.has('x-forwarded-for')) return plain('Not Found', 404)
  const { hostname, handleDomains } = app.config
  const domain = new URLSearchParams(queryOf(request.url)).get('domain')?.toLowerCase()
  if (!domain) return refusal(400, 'InvalidRequest', 'bad or missing domain query param')
  if (domain === hostname) return publicJson({ success: true })
  if (!handleDomains.some((served) => domain.endsWith(served))) {
    return refusal(400, 'InvalidRequest', 'handles are not provided on this domain')
  }
  const handle = normalizeHandle(domain)
  const account = handle && activeAccount(app.accounts, handle)
  return account
    ? publicJson({ success: true })
    : refusal(404, 'NotFound', 'handle not found for this domain')
}

function refusal(status: number, error: string, message: string): Response {
  return publicJson({ error, message }, status)
}
