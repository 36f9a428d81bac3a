/**
 * Requests at the edges of XRPC and what the official server answers them, as asked of its version 0.5.35. Where we
 * answer otherwise, `official` has what it says.
 */
export interface XrpcCase {
  readonly name: string
  readonly verb?: string
  /** after `/xrpc/` */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array<ArrayBuffer>
  /** with the token of an account */
  readonly signedIn?: true
  readonly status: number
  /** absent when the answer is no error */
  readonly error?: string
  /** absent where the words differ from one JavaScript engine to the other */
  readonly message?: string
  readonly official?: { readonly status: number; readonly error: string }
}

const JSON_TYPE = { 'content-type': 'application/json' }
const CREATE_SESSION = 'com.atproto.server.createSession'
const CREATE_RECORD = 'com.atproto.repo.createRecord'
const DESCRIBE = 'com.atproto.server.describeServer'
const LIST_REPOS = 'com.atproto.sync.listRepos'
const LIST_RECORDS = 'com.atproto.repo.listRecords'
const PATH = 'invalid xrpc path'

function invalid(message: string): { status: number; error: string; message: string } {
  return { status: 400, error: 'InvalidRequest', message }
}

function badParams(nsid: string, reason: string) {
  return invalid(`Invalid ${nsid} params: ${reason}`)
}

const authMissing = { status: 401, error: 'AuthMissing', message: 'Authentication Required' }
const syntaxError = { status: 400, error: 'SyntaxError' }

function post(path: string, body: string, headers: Record<string, string> = JSON_TYPE) {
  return { verb: 'POST', path, body, headers }
}

const pathsAndVerbs: readonly XrpcCase[] = [
  { name: 'a method', path: DESCRIBE, status: 200 },
  { name: 'a slash at the end', path: `${DESCRIBE}/`, status: 200 },
  { name: 'a slash before the query', path: `${DESCRIBE}/?a=1`, status: 200 },
  { name: 'a method in lower case', path: DESCRIBE.toLowerCase(), status: 200 },
  { name: 'a method in upper case', path: DESCRIBE.toUpperCase(), status: 200 },
  { name: 'no method', path: '', ...invalid(PATH) },
  { name: 'two methods', path: 'a.b/c', ...invalid(PATH) },
  { name: 'two slashes at the end', path: `${DESCRIBE}//`, ...invalid(PATH) },
  { name: 'a name with a dot at the end', path: 'com.example.', ...invalid(PATH) },
  { name: 'a name with two dots', path: 'com..example', ...invalid(PATH) },
  { name: 'a name with a dot at the start', path: '.com.example', ...invalid(PATH) },
  { name: 'a name of one letter', path: 'a', ...invalid(PATH) },
  { name: 'a name with a space', path: 'com.example.a%20b', ...invalid(PATH) },
  { name: 'a name with an underscore', path: 'com.example.a_b', ...invalid(PATH) },
  { name: 'a name that is no NSID', path: 'foo', ...authMissing },
  { name: 'an unknown method', path: 'com.example.foo', ...authMissing },
  { name: 'an unknown method by POST', ...post('com.example.foo', '{}'), ...authMissing },
  {
    name: 'an unknown method by PUT',
    verb: 'PUT',
    path: 'com.example.foo',
    ...invalid('XRPC requests only supports GET and POST'),
  },
  {
    name: 'an unknown method with a bad token',
    path: 'com.example.foo',
    headers: { authorization: 'Bearer x' },
    status: 400,
    error: 'InvalidToken',
    message: 'Token could not be verified',
  },
  {
    name: 'an unknown method with a session',
    path: 'com.example.foo',
    signedIn: true,
    status: 501,
    error: 'MethodNotImplemented',
    message: 'No service configured for com.example.foo',
    official: { status: 502, error: 'UpstreamFailure' },
  },
  { name: 'a method of relays', path: 'com.atproto.sync.getHostStatus', ...authMissing },
  {
    name: 'a procedure by GET',
    path: CREATE_SESSION,
    ...invalid('Incorrect HTTP method (GET) expected POST'),
  },
  {
    name: 'a query by POST',
    verb: 'POST',
    path: DESCRIBE,
    ...invalid('Incorrect HTTP method (POST) expected GET'),
  },
  ...['PUT', 'DELETE', 'PATCH'].map((verb) => ({
    name: `a query by ${verb}`,
    verb,
    path: DESCRIBE,
    ...invalid('XRPC requests only supports GET and POST'),
  })),
]

const parameters: readonly XrpcCase[] = [
  { name: 'an unknown parameter', path: `${DESCRIBE}?foo=1&foo=2`, status: 200 },
  { name: 'an unknown parameter of a method that has some', path: `${LIST_REPOS}?foo=1&foo=2`, status: 200 },
  { name: 'an empty parameter', path: `${LIST_REPOS}?limit=`, status: 200 },
  {
    name: 'an empty parameter that is required',
    path: 'com.atproto.sync.getRepo?did=',
    ...badParams('com.atproto.sync.getRepo', 'Missing required key "did"'),
  },
  {
    name: 'a missing parameter',
    path: 'com.atproto.sync.getRepo',
    ...badParams('com.atproto.sync.getRepo', 'Missing required key "did"'),
  },
  {
    name: 'a bad DID',
    path: 'com.atproto.sync.getRepo?did=foo',
    ...badParams('com.atproto.sync.getRepo', 'Invalid DID (got "foo")'),
  },
  {
    name: 'a DID in percent encoding',
    path: 'com.atproto.sync.getLatestCommit?did=did%3Aplc%3Anobody',
    status: 400,
    error: 'RepoNotFound',
  },
  {
    name: 'a limit below the range',
    path: `${LIST_REPOS}?limit=0`,
    ...badParams(LIST_REPOS, 'integer too small (minimum 1, got 0)'),
  },
  {
    name: 'a limit above the range',
    path: `${LIST_REPOS}?limit=1001`,
    ...badParams(LIST_REPOS, 'integer too big (maximum 1000, got 1001)'),
  },
  {
    name: 'a limit that is a word',
    path: `${LIST_REPOS}?limit=abc`,
    ...badParams(LIST_REPOS, 'Expected integer value type (got "abc")'),
  },
  {
    name: 'a limit with a fraction',
    path: `${LIST_REPOS}?limit=1.0`,
    ...badParams(LIST_REPOS, 'Expected integer value type (got "1.0")'),
  },
  {
    name: 'a limit with an exponent',
    path: `${LIST_REPOS}?limit=1e2`,
    ...badParams(LIST_REPOS, 'Expected integer value type (got "1e2")'),
  },
  {
    name: 'a limit with a plus',
    path: `${LIST_REPOS}?limit=%2B5`,
    ...badParams(LIST_REPOS, 'Expected integer value type (got "+5")'),
  },
  {
    name: 'a limit beyond the integers',
    path: `${LIST_REPOS}?limit=99999999999999999999`,
    ...badParams(LIST_REPOS, 'Expected integer value type (got 100000000000000000000)'),
  },
  {
    name: 'two limits',
    path: `${LIST_REPOS}?limit=1&limit=2`,
    ...badParams(LIST_REPOS, 'Expected integer value type (got [1, 2])'),
  },
  { name: 'a limit in brackets', path: `${LIST_REPOS}?limit[]=1`, status: 200 },
  {
    name: 'a boolean that is a number',
    path: `${LIST_RECORDS}?repo=a.test&collection=a.b.c&reverse=1`,
    ...badParams(LIST_RECORDS, 'Expected boolean value type (got "1")'),
  },
  {
    name: 'a boolean in upper case',
    path: `${LIST_RECORDS}?repo=a.test&collection=a.b.c&reverse=TRUE`,
    ...badParams(LIST_RECORDS, 'Expected boolean value type (got "TRUE")'),
  },
  {
    name: 'a bad NSID',
    path: `${LIST_RECORDS}?repo=a.test&collection=a`,
    ...badParams(LIST_RECORDS, 'Invalid NSID (got "a")'),
  },
  {
    name: 'a bad identifier',
    path: `${LIST_RECORDS}?repo=a&collection=a.b.c`,
    ...badParams(LIST_RECORDS, 'Invalid AT identifier (got "a")'),
  },
  {
    name: 'a bad percent encoding',
    path: `${LIST_RECORDS}?repo=%zz&collection=a.b.c`,
    ...badParams(LIST_RECORDS, 'Invalid AT identifier (got "%zz")'),
  },
  {
    name: '__proto__ as a parameter',
    path: `${LIST_REPOS}?__proto__=1`,
    status: 400,
    error: 'InvalidRequest',
  },
  {
    name: '__proto__ where there are no parameters',
    path: `${DESCRIBE}?__proto__=1`,
    status: 400,
    error: 'InvalidRequest',
  },
]

const bodies: readonly XrpcCase[] = [
  {
    name: 'an empty body',
    ...post(CREATE_SESSION, ''),
    ...invalid('Missing required key "identifier" at $'),
  },
  {
    name: 'an empty object',
    ...post(CREATE_SESSION, '{}'),
    ...invalid('Missing required key "identifier" at $'),
  },
  {
    name: 'a field of a wrong type',
    ...post(CREATE_SESSION, '{"identifier":1,"password":"x"}'),
    ...invalid('Expected string value type (got 1) at $.identifier'),
  },
  { name: 'a list', ...post(CREATE_SESSION, '[]'), ...invalid('Expected object value type (got []) at $') },
  { name: 'JSON that breaks off', ...post(CREATE_SESSION, '{"identifier":'), ...syntaxError },
  { name: 'no JSON', ...post(CREATE_SESSION, 'identifier=a'), ...syntaxError },
  { name: 'JSON with more behind it', ...post(CREATE_SESSION, '{} {}'), ...syntaxError },
  { name: 'a text', ...post(CREATE_SESSION, '"abc"'), ...syntaxError },
  { name: 'a number', ...post(CREATE_SESSION, '123'), ...syntaxError },
  { name: 'null', ...post(CREATE_SESSION, 'null'), ...syntaxError },
  {
    name: '__proto__ in the body',
    ...post(CREATE_SESSION, '{"__proto__":{"a":1},"identifier":"a","password":"b"}'),
    ...invalid('Invalid key: __proto__'),
  },
  {
    name: '__proto__ spelled with an escape',
    ...post(CREATE_SESSION, '{"\\u005f_proto__":1,"identifier":"a","password":"b"}'),
    ...invalid('Invalid key: __proto__'),
  },
  {
    name: 'another type',
    ...post(CREATE_SESSION, '{}', { 'content-type': 'text/plain' }),
    ...invalid('Wrong request encoding (Content-Type): text/plain'),
  },
  {
    name: 'a form',
    ...post(CREATE_SESSION, 'a=1', { 'content-type': 'application/x-www-form-urlencoded' }),
    ...invalid('Wrong request encoding (Content-Type): application/x-www-form-urlencoded'),
  },
  {
    name: 'the type in upper case',
    ...post(CREATE_SESSION, '{}', { 'content-type': 'application/JSON' }),
    ...invalid('Wrong request encoding (Content-Type): application/JSON'),
  },
  {
    name: 'the type with a charset',
    ...post(CREATE_SESSION, '{}', { 'content-type': 'application/json; charset=utf-8' }),
    ...invalid('Missing required key "identifier" at $'),
  },
  {
    name: 'the type with a quoted charset',
    ...post(CREATE_SESSION, '{}', { 'content-type': 'application/json;charset="UTF-8"' }),
    ...invalid('Missing required key "identifier" at $'),
  },
  {
    name: 'another charset',
    ...post(CREATE_SESSION, '{}', { 'content-type': 'application/json; charset=latin1' }),
    status: 415,
    error: 'UnsupportedMediaTypeError',
    message: 'unsupported charset "LATIN1"',
  },
  {
    name: 'an unknown content encoding',
    ...post(CREATE_SESSION, '{}', { ...JSON_TYPE, 'content-encoding': 'foo' }),
    status: 415,
    error: 'UnsupportedMediaTypeError',
    message: 'unsupported content encoding "foo"',
  },
  {
    name: 'a gzipped body',
    ...post(CREATE_SESSION, '', { ...JSON_TYPE, 'content-encoding': 'gzip' }),
    body: Bun.gzipSync('{"identifier":1}'),
    ...invalid('Expected string value type (got 1) at $.identifier'),
  },
  {
    name: 'a body said to be gzipped',
    ...post(CREATE_SESSION, '{}', { ...JSON_TYPE, 'content-encoding': 'gzip' }),
    status: 400,
    error: 'InvalidRequest',
    official: { status: 400, error: 'Error' },
  },
  {
    name: 'a body of 150 KiB',
    ...post(CREATE_SESSION, `{"a":"${'x'.repeat(150 * 1024 - 8)}"}`),
    ...invalid('Missing required key "identifier" at $'),
  },
  {
    name: 'a body of more than 150 KiB',
    ...post(CREATE_SESSION, `{"a":"${'x'.repeat(150 * 1024 - 7)}"}`),
    status: 413,
    error: 'PayloadTooLargeError',
    message: 'request entity too large',
  },
  {
    name: 'a small body that is large when decompressed',
    ...post(CREATE_SESSION, '', { ...JSON_TYPE, 'content-encoding': 'gzip' }),
    body: Bun.gzipSync(`{"a":"${'x'.repeat(200_000)}"}`),
    status: 413,
    error: 'PayloadTooLargeError',
    message: 'request entity too large',
  },
  { name: 'a body where none belongs', ...post('com.atproto.server.deleteSession', '{}'), ...authMissing },
]

const authentication: readonly XrpcCase[] = [
  { name: 'no session, and a bad body', ...post(CREATE_RECORD, '{}'), ...authMissing },
  {
    name: 'no session, and bad parameters',
    path: 'com.atproto.admin.getAccountInfo',
    ...badParams('com.atproto.admin.getAccountInfo', 'Missing required key "did"'),
  },
  {
    name: 'a header of one word',
    path: 'com.atproto.server.getSession',
    headers: { authorization: 'foo' },
    status: 400,
    error: 'InvalidToken',
    message: 'Malformed authorization header',
  },
  {
    name: 'a session, and a body where none belongs',
    ...post('com.atproto.server.refreshSession', '{}'),
    ...authMissing,
  },
  {
    name: 'a session, and a bad body',
    ...post(CREATE_RECORD, '{}'),
    signedIn: true,
    ...invalid('Missing required key "repo" at $'),
  },
  {
    name: 'a session, and a record of more than 1 MiB',
    ...post(CREATE_RECORD, JSON.stringify({ text: 'x'.repeat(1_100_000) })),
    signedIn: true,
    status: 413,
    error: 'PayloadTooLargeError',
  },
  {
    name: 'a session, and a body of 999 KB',
    ...post(CREATE_RECORD, JSON.stringify({ text: 'x'.repeat(999_000) })),
    signedIn: true,
    ...invalid('Missing required key "repo" at $'),
  },
]

export const xrpcCases: readonly XrpcCase[] = [...pathsAndVerbs, ...parameters, ...bodies, ...authentication]

/** Asks the server at `origin`. */
export async function ask(
  origin: string,
  { verb = 'GET', path, headers = {}, body, signedIn }: XrpcCase,
  token: string,
): Promise<{ status: number; error?: unknown; message?: unknown }> {
  const authorization = signedIn ? { authorization: `Bearer ${token}` } : {}
  const response = await fetch(`${origin}/xrpc/${path}`, {
    method: verb,
    headers: { ...headers, ...authorization },
    ...(body !== undefined && { body }),
  })
  const text = await response.text()
  if (response.ok) return { status: response.status }
  const { error, message } = JSON.parse(text)
  return { status: response.status, error, message }
}
