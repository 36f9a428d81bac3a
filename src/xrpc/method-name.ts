const PREFIX = '/xrpc/'
// laxer than an NSID, as in the official server: letters and digits, with single dots and hyphens between
const NAME = /^[a-zA-Z0-9]+(?:[.-][a-zA-Z0-9]+)*$/
const MAX_LENGTH = 317

/** What a URL has after `/xrpc/`, up to the query and without one slash at the end. */
export function methodName(url: string): string {
  const query = url.indexOf('?')
  const end = query < 0 ? url.length : query
  const start = pathStart(url) + PREFIX.length
  return url.slice(start, url[end - 1] === '/' ? Math.max(start, end - 1) : end)
}

export function isMethodName(text: string): boolean {
  return text.length >= 2 && text.length <= MAX_LENGTH && NAME.test(text)
}

/** The query string of a URL, without `?`. */
export function queryOf(url: string): string {
  const mark = url.indexOf('?')
  return mark < 0 ? '' : url.slice(mark + 1)
}

/** Where the path begins. A URL starts with its path when the client named no host. */
export function pathStart(url: string): number {
  if (url.startsWith('/')) return 0
  const slash = url.indexOf('/', url.indexOf('//') + 2)
  return slash < 0 ? url.length : slash
}
