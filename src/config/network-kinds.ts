/** Kinds of settings that name something on a network: hosts, URLs, DIDs, keys, addresses. */
import { isIP } from 'node:net'
import { base58btc } from 'multiformats/bases/base58'
import { bad, good, type Kind, type Parsed, quoted, stringKind } from '#config/kinds.ts'
import { ipRange } from '#std/ip-address.ts'

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
const LOCAL_NAMES = new Set(['localhost', '127.0.0.1', '[::1]', '::1'])

export function isDnsName(name: string): boolean {
  return name.length <= 253 && name.split('.').every((label) => LABEL.test(label))
}

/** Whether `host`, of a URL, is this machine. */
export function isLocalName(host: string): boolean {
  return LOCAL_NAMES.has(host) || host.endsWith('.localhost')
}

/** The public name of a server. */
export const hostname = stringKind('hostname', 'pds.example.com', (input): Parsed<string> => {
  const name = input.toLowerCase()
  if (/^[a-z][a-z0-9+.-]*:\/\//.test(name)) {
    return bad(`${quoted(input)} is a URL`, `leave out the scheme: ${hostOf(name)}`)
  }
  if (isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0) {
    return bad(
      `${quoted(input)} is an IP address`,
      'accounts need a DNS name that stays when the address changes',
    )
  }
  if (/:\d*$/.test(name)) {
    return bad(
      `${quoted(input)} has a port`,
      `use ${name.replace(/:\d*$/, '')}; the port that is listened on is the setting port`,
    )
  }
  if (name.includes('/')) return bad(`${quoted(input)} has a path`, `use ${hostOf(name)}`)
  if (!isDnsName(name))
    return bad(`${quoted(input)} is not a DNS name`, 'use letters, digits, hyphens and dots: pds.example.com')
  if (name !== 'localhost' && !name.includes('.')) {
    return bad(`${quoted(input)} has no domain`, `use a full DNS name, such as ${name}.example.com`)
  }
  return good(name)
})

function hostOf(url: string): string {
  return url.replace(/^[a-z0-9+.-]*:\/\//, '').replace(/[/?#:].*$/, '')
}

/** A domain below which accounts get handles, with its leading dot. */
export const handleDomain = stringKind('domain', '.pds.example.com', (input): Parsed<string> => {
  const domain = input.toLowerCase()
  if (!domain.startsWith('.')) return bad(`${quoted(input)} does not start with a dot`, `use ".${domain}"`)
  if (!isDnsName(domain.slice(1)))
    return bad(`${quoted(input)} is not a DNS domain`, 'use a dot and a DNS name: ".example.com"')
  return good(domain)
})

/** An http or https URL. */
export const url = stringKind('URL', 'https://example.com/about', (input): Parsed<string> => {
  const parsed = URL.parse(input)
  if (parsed?.protocol === 'https:' || parsed?.protocol === 'http:') return good(input)
  return bad(`${quoted(input)} is not a URL`, 'use one that starts with https://')
})

/** The base URL of a service that is called: without slash at the end, query and credentials. */
export const serviceUrl = stringKind('URL', 'https://api.example.com', (input): Parsed<string> => {
  const parsed = URL.parse(input)
  if (parsed?.protocol !== 'https:' && parsed?.protocol !== 'http:') {
    return bad(`${quoted(input)} is not the URL of a service`, 'use one that starts with https://')
  }
  if (parsed.username || parsed.password) {
    return bad('the URL has a user name or password', 'leave it out: it is not sent')
  }
  if (parsed.search || parsed.hash) {
    return bad(`${quoted(input)} has a query or a fragment`, `use ${parsed.origin}${parsed.pathname}`)
  }
  return good(input.replace(/\/+$/, ''))
})

/** A relay: its URL, or its host name alone. */
export const relay = stringKind('relay', 'https://bsky.network', (input): Parsed<string> => {
  return serviceUrl.parse(isDnsName(input.toLowerCase()) ? `https://${input}` : input, '')
})

/** A DID that stands for a service or for an authority. */
export const did = stringKind('DID', 'did:web:api.example.com', (input): Parsed<string> => {
  return /^did:[a-z]+:[A-Za-z0-9._:%-]*[A-Za-z0-9._-]$/.test(input) && input.length <= 2048
    ? good(input)
    : bad(`${quoted(input)} is not a DID`, 'use one like did:web:api.example.com')
})

/** Prefixes of the multicodecs of public keys, compressed to 33 bytes: K-256 and P-256. */
const KEY_PREFIXES = [
  [0xe7, 0x01],
  [0x80, 0x24],
] as const

/** A public key as a did:key, of the curves that the PLC directory takes. */
export const didKey = stringKind('did:key', 'did:key:z...', (input): Parsed<string> => {
  const bytes = keyBytes(input)
  const known = KEY_PREFIXES.some(([first, second]) => bytes?.[0] === first && bytes[1] === second)
  if (bytes?.length === 35 && known) return good(input)
  return bad(`${quoted(input)} is not a did:key of a K-256 or P-256 key`, '`locus key generate` makes one')
})

function keyBytes(text: string): Uint8Array | null {
  if (!/^did:key:z[1-9A-HJ-NP-Za-km-z]{40,60}$/.test(text)) return null
  return base58btc.decode(text.slice('did:key:'.length))
}

/** `who@example.com` */
export const emailAddress = stringKind('address', 'admin@example.com', (input): Parsed<string> => {
  return isEmailAddress(input)
    ? good(input)
    : bad(`${quoted(input)} is not a mail address`, 'use one like admin@example.com')
})

/** `who@example.com` or `Name <who@example.com>` */
export const sender = stringKind('sender', 'Locus <pds@example.com>', (input): Parsed<string> => {
  const address = /^[^<>\r\n]*<([^<>]+)>$/.exec(input)?.[1] ?? input
  return isEmailAddress(address)
    ? good(input)
    : bad(
        `${quoted(input)} is not a sender of mail`,
        'use an address, or a name and an address: "Locus <admin@example.com>"',
      )
})

export function isEmailAddress(input: string): boolean {
  return /^[^\s@<>"]+@[^\s@<>"]+\.[^\s@<>".]+$/.test(input) && input.length <= 254
}

/** Networks that have names, as the proxies of a host usually lie in them. */
const NAMED_NETWORKS: Record<string, readonly string[]> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}

/** An address, a network, or the name of some. */
export const network = stringKind('network', '10.0.0.0/8', (input): Parsed<string> => {
  if (ipRange(input) || NAMED_NETWORKS[input]) return good(input)
  return bad(
    `${quoted(input)} is not a network`,
    `use an address, a network such as 10.0.0.0/8, or ${Object.keys(NAMED_NETWORKS).join(', ')}`,
  )
})

/** The networks that `networks` name, as CIDR. */
export function namedNetworks(networks: readonly string[]): readonly string[] {
  return networks.flatMap((name) => NAMED_NETWORKS[name] ?? [name])
}

/** A name server: its address or name, with or without a port. */
export const nameserver = stringKind('name server', '9.9.9.9', (input): Parsed<string> => {
  const host =
    /^\[([^\]]+)\](?::\d+)?$/.exec(input)?.[1] ?? (isIP(input) !== 0 ? input : input.replace(/:\d+$/, ''))
  return isIP(host) !== 0 || isDnsName(host.toLowerCase())
    ? good(input)
    : bad(`${quoted(input)} is not a name server`, 'use its address or its name')
})

/** What is listened on: an address, all of this machine's, or a Unix socket. */
export const listenAddress = stringKind('address', '::', (input): Parsed<string> => {
  if (input.startsWith('unix:')) {
    return input.length > 'unix:'.length
      ? good(input)
      : bad('the socket has no path', 'use unix:/run/locus/locus.sock')
  }
  const address = input === '*' ? '::' : input.replace(/^\[(.*)\]$/, '$1')
  if (isIP(address) !== 0 || address === 'localhost') return good(address)
  if (/:\d+$/.test(input)) {
    return bad(
      `${quoted(input)} has a port`,
      `use ${quoted(input.replace(/:\d+$/, '') || '::')} here and put the port in port`,
    )
  }
  return bad(
    `${quoted(input)} is not an address of this machine`,
    'use 127.0.0.1, "::" for all, or unix:/path/of/a.sock',
  )
})

/** Where mail is handed over. It may hold a password, so no message repeats it. */
export const smtpUrl: Kind<string> = {
  name: 'SMTP URL',
  example: 'smtp://localhost:25',
  parse: (input): Parsed<string> => {
    const given = typeof input === 'string' ? input.trim() : ''
    const parsed = URL.parse(given)
    if (!parsed) {
      return bad(
        'it is not a URL',
        'use smtps://USER:PASSWORD@HOST:465 or smtp://HOST:587; in user and password write @ as %40, / as %2F, # as %23, : as %3A',
      )
    }
    if (parsed.protocol !== 'smtp:' && parsed.protocol !== 'smtps:') {
      return bad(`${parsed.protocol}// is not a way to send mail`, 'start it with smtps:// or smtp://')
    }
    if (parsed.searchParams.get('sendmail') === 'true') return good(given)
    if (!parsed.hostname) {
      return bad(
        'the SMTP URL has no host',
        'use smtps://USER:PASSWORD@HOST:465, or smtp:///?sendmail=true for the local sendmail',
      )
    }
    return good(given)
  },
  plain: (value) => value,
}

export function hasPassword(url: string): boolean {
  return (URL.parse(url)?.password ?? '') !== ''
}
