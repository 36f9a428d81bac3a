import { randomHex } from '#std/bytes.ts'

const SANE = /^[A-Za-z0-9._:-]{1,64}$/
const instance = randomHex(4)
let count = 0

/** What a request is called in log lines: the name that the caller or a proxy gave it, else one of our own. */
export function requestId(request: Request): string {
  const given = request.headers.get('x-request-id')
  return given !== null && SANE.test(given) ? given : `${instance}-${(++count).toString(36)}`
}
