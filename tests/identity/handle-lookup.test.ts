import { expect, test } from 'bun:test'
import { HandleLookup, type HandleLookupDeps } from '#identity/handle-lookup.ts'
import type { Handle } from '#lexicon/strings.ts'
import { FetchFailedError, RefusedTargetError, type SafeFetch } from '#std/safe-fetch.ts'
import { startDns, type TxtAnswer } from '#tests/support/dns.ts'

const handle = 'alice.example.com' as Handle
const name = `_atproto.${handle}`
const plc = 'did:plc:ewvi7nxzyoun6zhxrhs64oiz'
const web = 'did:web:example.com'

/** The host of a handle, which answers once. */
function host(answer: Response | Error): SafeFetch & { asked: string[] } {
  const asked: string[] = []
  const fetch: SafeFetch = async (url) => {
    asked.push(`${url}`)
    if (answer instanceof Error) throw answer
    return answer
  }
  return Object.assign(fetch, { asked })
}

const noHost = () => host(new FetchFailedError('unknown-host', handle, 'does not exist'))

function lookupWith(dns: { address: string }, deps: Partial<HandleLookupDeps> = {}): HandleLookup {
  return new HandleLookup({
    fetch: noHost(),
    timeoutMs: 200,
    allowTest: false,
    nameservers: [dns.address],
    ...deps,
  })
}

test.each<[string, TxtAnswer, string | null]>([
  ['one record', [[`did=${plc}`]], plc],
  ['a did:web', [[`did=${web}`]], web],
  ['other records beside it', [['v=spf1 -all'], [`did=${plc}`], ['google-site-verification=x']], plc],
  ['the same DID twice', [[`did=${plc}`], [`did=${plc}`]], plc],
  ['two DIDs', [[`did=${plc}`], [`did=${web}`]], null],
  ['a DID that is none', [['did=hello']], null],
  ['a DID of a method that accounts do not have', [['did=did:example:alice']], null],
  ['a DID with a space before it', [[`did= ${plc}`]], null],
  ['upper case', [[`DID=${plc}`]], null],
  ['no such record', [['hello']], null],
  ['no record', [], null],
  ['no such name', 'does-not-exist', null],
])('DNS with %s', async (_, records, did) => {
  await using dns = await startDns({ [name]: records })

  expect(await lookupWith(dns).find(handle)).toBe(did as never)
})

test('a record of several strings is read as one text', async () => {
  // did:web of 253 letters, so that the text is longer than one string can be
  const long = `did:web:${[61, 61, 61, 61].map((length) => 'a'.repeat(length)).join('.')}.com`
  const text = `did=${long}`
  await using dns = await startDns({ [name]: [[text.slice(0, 255), text.slice(255)]] })

  expect(text.length).toBeGreaterThan(255)
  expect(await lookupWith(dns).find(handle)).toBe(long as never)
})

test.each([
  ['the DID', plc, plc],
  ['a line end after it', `${plc}\n`, plc],
  ['space around it', `  ${plc} \r\n`, plc],
  ['more lines', `${plc}\nhello\n`, plc],
  ['a did:web', web, web],
  ['no DID', 'hello', null],
  ['a page', '<!doctype html><title>Hello</title>', null],
  ['an empty first line', `\n${plc}`, null],
  ['nothing', '', null],
])('a host that answers with %s', async (_, text, did) => {
  await using dns = await startDns()
  const fetch = host(new Response(text, { headers: { 'content-type': 'text/html' } }))

  expect(await lookupWith(dns, { fetch }).find(handle)).toBe(did as never)
  expect(fetch.asked).toEqual(['https://alice.example.com/.well-known/atproto-did'])
})

test('a host that answers with an error page names no DID, even when the page does', async () => {
  await using dns = await startDns()

  const found = await lookupWith(dns, { fetch: host(new Response(plc, { status: 404 })) }).find(handle)

  expect(found).toBeNull()
})

test('DNS is believed before the host', async () => {
  await using dns = await startDns({ [name]: [[`did=${plc}`]] })

  expect(await lookupWith(dns, { fetch: host(new Response(web)) }).find(handle)).toBe(plc as never)
})

test('DIDs that contradict each other in DNS are not outvoted by the host', async () => {
  await using dns = await startDns({ [name]: [[`did=${plc}`], [`did=${web}`]] })

  expect(await lookupWith(dns, { fetch: host(new Response(plc)) }).find(handle)).toBeNull()
})

test('the host of a handle that is found in DNS is not waited for', async () => {
  await using dns = await startDns({ [name]: [[`did=${plc}`]] })
  let ended: unknown
  const fetch: SafeFetch = (_, options) =>
    new Promise((_, reject) => {
      options?.signal?.addEventListener('abort', () => {
        ended = options.signal?.reason
        reject(ended)
      })
    })

  expect(await lookupWith(dns, { fetch, timeoutMs: 60_000 }).find(handle)).toBe(plc as never)
  expect(ended).toBeDefined()
})

test.each<[string, TxtAnswer]>([
  ['fails', 'server-failure'],
  ['is silent', 'silence'],
])('when DNS %s the host may still answer', async (_, records) => {
  await using dns = await startDns({ [name]: records })

  expect(await lookupWith(dns, { fetch: host(new Response(plc)) }).find(handle)).toBe(plc as never)
})

test.each<[string, TxtAnswer]>([
  ['fails', 'server-failure'],
  ['is silent', 'silence'],
])('when DNS %s and the host knows nothing, that is no answer', async (_, records) => {
  await using dns = await startDns({ [name]: records })

  await expect(lookupWith(dns).find(handle)).rejects.toMatchObject({
    name: 'ResolutionFailedError',
    kind: 'upstream',
    message: expect.stringContaining(handle),
  })
})

test.each([
  ['does not answer in time', host(new FetchFailedError('timeout', handle, 'did not answer in time')), true],
  ['cannot be resolved for now', host(new FetchFailedError('resolver', handle, 'x')), true],
  ['is in trouble', host(new Response('', { status: 503 })), true],
  ['asks to slow down', host(new Response('', { status: 429 })), true],
  ['refuses the connection', host(new FetchFailedError('unreachable', handle, 'x')), false],
  ['has a wrong certificate', host(new FetchFailedError('certificate', handle, 'x')), false],
  ['answers with too much', host(new FetchFailedError('too-large', handle, 'x')), false],
  ['redirects for ever', host(new FetchFailedError('redirect', handle, 'x')), false],
  ['is not a public one', host(new RefusedTargetError(handle, 'x')), false],
])('whether a host that %s leaves the question open', async (_, fetch, open) => {
  await using dns = await startDns()
  const found = lookupWith(dns, { fetch }).find(handle)

  if (open) await expect(found).rejects.toMatchObject({ name: 'ResolutionFailedError' })
  else expect(await found).toBeNull()
})

test('a host that never ends its answer is given up', async () => {
  await using dns = await startDns()
  const fetch: SafeFetch = async (_, options) =>
    new Response(
      new ReadableStream({
        start: (stream) =>
          options?.signal?.addEventListener('abort', () => stream.error(options.signal?.reason)),
      }),
    )

  await expect(lookupWith(dns, { fetch, timeoutMs: 50 }).find(handle)).rejects.toMatchObject({
    name: 'ResolutionFailedError',
  })
})

test('other name servers are asked when nobody else knows', async () => {
  await using dns = await startDns({ [name]: 'silence' })
  await using backup = await startDns({ [name]: [[`did=${plc}`]] })
  const backupNameservers = [backup.address]

  expect(await lookupWith(dns, { backupNameservers }).find(handle)).toBe(plc as never)
})

test('other name servers are not asked about what is known', async () => {
  await using dns = await startDns({ [name]: [[`did=${plc}`]] })
  await using backup = await startDns()

  await lookupWith(dns, { backupNameservers: [backup.address] }).find(handle)

  expect(backup.asked).toEqual([])
})

test('a name too long for the prefix is asked of its host only', async () => {
  const long = `${[63, 63, 63, 50].map((length) => 'a'.repeat(length)).join('.')}.com` as Handle
  await using dns = await startDns()

  const found = await lookupWith(dns, { fetch: host(new Response(plc)) }).find(long)

  expect(found).toBe(plc as never)
  expect(dns.asked).toEqual([])
})

test.each([
  'alice.local',
  'alice.onion',
  'alice.internal',
  'alice.invalid',
  'handle.invalid',
  'alice.test',
  'a.example',
])('nobody is asked about %s', async (special) => {
  await using dns = await startDns()
  const fetch = host(new Response(plc))

  expect(await lookupWith(dns, { fetch }).find(special as Handle)).toBeNull()
  expect([...fetch.asked, ...dns.asked]).toEqual([])
})

test('in development names in .test are asked about', async () => {
  await using dns = await startDns({ '_atproto.alice.test': [[`did=${plc}`]] })

  expect(await lookupWith(dns, { allowTest: true }).find('alice.test' as Handle)).toBe(plc as never)
})
