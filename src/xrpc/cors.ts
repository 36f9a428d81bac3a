/** Every page may call every method: credentials travel in a header that pages must set themselves, never as cookies. */
export const ALLOW_ORIGIN = 'access-control-allow-origin'

/** What pages may read of an answer. */
export const EXPOSED_HEADERS = [
  'Atproto-Content-Labelers',
  'Atproto-Repo-Rev',
  'DPoP-Nonce',
  'RateLimit-Limit',
  'RateLimit-Policy',
  'RateLimit-Remaining',
  'RateLimit-Reset',
  'Retry-After',
  'WWW-Authenticate',
  'X-Request-Id',
].join(', ')

/** Names of headers, as a browser lists them. */
const NAMES = /^[\w!#$%&'*+.^`|~, -]*$/

/** Answers what a browser asks before the call itself. */
export function preflight(request: Request): Response {
  const headers = new Headers({
    [ALLOW_ORIGIN]: '*',
    'access-control-allow-methods': 'GET,HEAD,PUT,PATCH,POST,DELETE',
    'access-control-max-age': '86400',
    vary: 'Access-Control-Request-Headers',
  })
  const wanted = request.headers.get('access-control-request-headers')
  if (wanted !== null && NAMES.test(wanted)) headers.set('access-control-allow-headers', wanted)
  return new Response(null, { status: 204, headers })
}
