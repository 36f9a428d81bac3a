const CORS = { 'access-control-allow-origin': '*' }

/** Plain text that any page may read. */
export function plain(text: string, status = 200): Response {
  return new Response(text, { status, headers: { ...CORS, 'content-type': 'text/plain; charset=utf-8' } })
}

/** JSON that any page may read. */
export function publicJson(value: object, status = 200): Response {
  const headers = { ...CORS, 'content-type': 'application/json; charset=utf-8' }
  return new Response(JSON.stringify(value), { status, headers })
}
