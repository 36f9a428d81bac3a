/**
 * Asks the network which DID a handle names: a TXT record in DNS, or a file on the host of that name. Both are asked at
 * once and DNS is believed first; if neither knows, other name servers may be asked. Nothing is cached here.
 * @see https://atproto.com/specs/handle#handle-resolution
 */
import { lookup, Resolver } from 'node:dns/promises'
import { isIP } from 'node:net'
import { isAccountDid } from '#identity/did-methods.ts'
import { ResolutionFailedError } from '#identity/errors.ts'
import type { Did, Handle } from '#lexicon/strings.ts'
import { DomainError, messageOf } from '#std/errors.ts'
import { FetchFailedError, type SafeFetch } from '#std/safe-fetch.ts'

export interface HandleLookupDeps {
  fetch: SafeFetch
  /** milliseconds for each way of asking */
  timeoutMs: number
  /** whether `.test` is asked about, as names on a development machine are */
  allowTest: boolean
  /** `address` or `address:port` of name servers; the system's unless given */
  nameservers?: readonly string[]
  /** name servers, by name or address, to ask when all else has no answer */
  backupNameservers?: readonly string[]
}

/** `none`: nothing is said of the handle. `conflict`: several DIDs are. `unknown`: we could not find out. */
type Answer = { did: Did } | { none: true } | { conflict: true } | { unknown: string }

/** Names that no public name server can know of, by what the registries say. */
const SPECIAL_TLDS = /\.(alt|arpa|example|internal|invalid|local|localhost|onion)$/
/** RFC 1035: bytes of a name, and of one string within a TXT record. */
const MAX_NAME_LENGTH = 253
const MAX_STRING_LENGTH = 255
const MAX_FILE_BYTES = 2048

export class HandleLookup {
  constructor(private readonly deps: HandleLookupDeps) {}

  /**
   * The DID that `handle` names, or null when it names none.
   * @throws ResolutionFailedError when that could not be found out
   */
  async find(handle: Handle): Promise<Did | null> {
    const { nameservers, backupNameservers = [], allowTest } = this.deps
    if (SPECIAL_TLDS.test(handle) || (handle.endsWith('.test') && !allowTest)) return null

    const decided = new AbortController()
    const file = this.askHost(handle, decided.signal)
    const answers: Answer[] = []
    try {
      answers.push(await this.askDns(handle, nameservers))
      if (answers.every(isUndecided)) answers.push(await file)
    } finally {
      decided.abort()
    }
    if (answers.every(isUndecided) && backupNameservers.length > 0) {
      answers.push(await this.askDns(handle, backupNameservers))
    }

    const last = answers.at(-1)
    if (last && 'did' in last) return last.did
    if (last && 'conflict' in last) return null
    const unknown = answers.find((answer) => 'unknown' in answer)
    if (unknown) throw new ResolutionFailedError(handle, unknown.unknown)
    return null
  }

  private async askDns(handle: Handle, nameservers: readonly string[] | undefined): Promise<Answer> {
    const name = `_atproto.${handle}`
    if (name.length > MAX_NAME_LENGTH) return { none: true }
    const resolver = new Resolver({ timeout: this.deps.timeoutMs / 2, tries: 2 })
    const late = setTimeout(() => resolver.cancel(), this.deps.timeoutMs)
    try {
      if (nameservers) resolver.setServers(await addresses(nameservers))
      return didIn(joinStrings(await resolver.resolveTxt(name)))
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code === 'ENOTFOUND' || code === 'ENODATA') return { none: true }
      return { unknown: `the name server did not answer (${code ?? messageOf(error)})` }
    } finally {
      clearTimeout(late)
    }
  }

  private async askHost(handle: Handle, decided: AbortSignal): Promise<Answer> {
    const { fetch, timeoutMs } = this.deps
    try {
      const response = await fetch(`https://${handle}/.well-known/atproto-did`, {
        redirect: 'follow',
        timeoutMs,
        maxBytes: MAX_FILE_BYTES,
        signal: AbortSignal.any([decided, AbortSignal.timeout(timeoutMs)]),
      })
      if (!response.ok) {
        await response.body?.cancel()
        const temporary = response.status >= 500 || response.status === 429
        return temporary ? { unknown: `${handle} answered with status ${response.status}` } : { none: true }
      }
      const [line = ''] = (await response.text()).split('\n', 1)
      const did = line.trim()
      return isAccountDid(did) ? { did } : { none: true }
    } catch (error) {
      const temporary =
        !(error instanceof DomainError) ||
        (error instanceof FetchFailedError && (error.reason === 'timeout' || error.reason === 'resolver'))
      return temporary ? { unknown: `${handle} did not answer in time` } : { none: true }
    }
  }
}

function isUndecided(answer: Answer): boolean {
  return 'none' in answer || 'unknown' in answer
}

/**
 * The texts of TXT records. A text of more than 255 bytes is several strings in its record, and Bun (1.4.5) hands each
 * string over as if it were a record; a full one is therefore taken to go on in the next.
 */
function joinStrings(records: readonly (readonly string[])[]): string[] {
  const texts: string[] = []
  let continues = false
  for (const text of records.map((strings) => strings.join(''))) {
    if (continues) texts.push(`${texts.pop() ?? ''}${text}`)
    else texts.push(text)
    continues = Buffer.byteLength(text) === MAX_STRING_LENGTH
  }
  return texts
}

function didIn(texts: readonly string[]): Answer {
  const named = new Set(
    texts.filter((text) => text.startsWith('did=')).map((text) => text.slice('did='.length)),
  )
  if (named.size > 1) return { conflict: true }
  const [did] = named
  return did !== undefined && isAccountDid(did) ? { did } : { none: true }
}

/** Name servers by address, as a resolver wants them. */
async function addresses(nameservers: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    nameservers.map(async (server) => {
      if (isIP(server) || /^\[.*\]:\d+$|^[\d.]+:\d+$/.test(server)) return [server]
      return (await lookup(server, { all: true })).map(({ address }) => address)
    }),
  )
  return found.flat()
}
