/**
 * IP addresses as bytes, and which of them are somebody's server on the public internet. What is not is listed here
 * with its reason, after the special-purpose registries of IANA.
 * @see https://www.iana.org/assignments/iana-ipv4-special-registry
 * @see https://www.iana.org/assignments/iana-ipv6-special-registry
 */
import { isIPv4, isIPv6 } from 'node:net'

/** The 4 or 16 bytes of an address, or null when `text` is none (or names a zone, as `fe80::1%eth0` does). */
export function ipBytes(text: string): Uint8Array | null {
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number)
  if (!isIPv6(text) || text.includes('%')) return null
  const [head = '', tail] = text.split('::')
  const front = groupBytes(head)
  const back = groupBytes(tail ?? '')
  const bytes = new Uint8Array(16)
  bytes.set(front)
  bytes.set(back, 16 - back.length)
  return bytes
}

/** The bytes of colon-separated groups, the last of which may be an IPv4 address. */
function groupBytes(groups: string): number[] {
  if (groups === '') return []
  return groups.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number)
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
}

/** The IPv4 address that came by IPv6 (`::ffff:127.0.0.1`), and any other as it is. */
export function unmapped(address: Uint8Array): Uint8Array {
  return address.length === 16 && inIpRange(address, mappedIpv4) ? address.subarray(12) : address
}

export interface IpRange {
  readonly prefix: Uint8Array
  readonly bits: number
}

/** A range such as `10.0.0.0/8`, or one address; null when `text` is neither. */
export function ipRange(text: string): IpRange | null {
  const [address = '', length, ...rest] = text.split('/')
  const prefix = ipBytes(address)
  if (!prefix || rest.length > 0) return null
  if (length === undefined) return { prefix, bits: prefix.length * 8 }
  if (!/^\d{1,3}$/.test(length) || Number(length) > prefix.length * 8) return null
  return { prefix, bits: Number(length) }
}

export function inIpRange(address: Uint8Array, { prefix, bits }: IpRange): boolean {
  if (address.length !== prefix.length) return false
  const whole = bits >> 3
  for (let i = 0; i < whole; i++) if (address[i] !== prefix[i]) return false
  const rest = bits & 7
  return rest === 0 || ((address[whole] ?? 0) ^ (prefix[whole] ?? 0)) >> (8 - rest) === 0
}

const NOT_PUBLIC: readonly (readonly [range: string, what: string])[] = [
  ['0.0.0.0/8', 'this network'],
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'shared by a carrier'],
  ['127.0.0.0/8', 'loopback'],
  ['168.63.129.16', "a cloud's metadata service"],
  ['169.254.0.0/16', 'link-local'],
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'reserved for protocols'],
  ['192.0.2.0/24', 'documentation'],
  ['192.88.99.0/24', 'a relay of 6to4'],
  ['192.168.0.0/16', 'private'],
  ['198.18.0.0/15', 'for benchmarks'],
  ['198.51.100.0/24', 'documentation'],
  ['203.0.113.0/24', 'documentation'],
  ['224.0.0.0/4', 'multicast'],
  ['240.0.0.0/4', 'reserved'],
  ['::/128', 'unspecified'],
  ['::1/128', 'loopback'],
  ['64:ff9b:1::/48', 'local translation to IPv4'],
  ['2001::/23', 'reserved for protocols'],
  ['2001:db8::/32', 'documentation'],
  ['2002::/16', '6to4'],
  ['3fff::/20', 'documentation'],
  ['fc00::/7', 'private'],
  ['fe80::/10', 'link-local'],
  ['ff00::/8', 'multicast'],
]

const notPublic = NOT_PUBLIC.map(([text, what]) => ({ range: range(text), what }))
/** Everything of IPv6 that is handed out lies in here. */
const globalUnicast = range('2000::/3')
/** IPv6 addresses that stand for the IPv4 address in their last 4 bytes: mapped ones, and those of NAT64. */
const mappedIpv4 = range('::ffff:0:0/96')
const standingForIpv4 = [mappedIpv4, range('64:ff9b::/96')]

/** What keeps an address from being a public server's (`loopback`, `private`...), or null when nothing does. */
export function whyNotPublic(address: string): string | null {
  const bytes = ipBytes(address)
  return bytes ? whyBytesNotPublic(bytes) : 'not an address'
}

function whyBytesNotPublic(bytes: Uint8Array): string | null {
  if (standingForIpv4.some((range) => inIpRange(bytes, range))) return whyBytesNotPublic(bytes.subarray(12))
  const match = notPublic.find(({ range }) => inIpRange(bytes, range))
  if (match) return match.what
  return bytes.length === 4 || inIpRange(bytes, globalUnicast) ? null : 'reserved'
}

function range(text: string): IpRange {
  const parsed = ipRange(text)
  if (!parsed) throw new TypeError(`not an IP range: ${text}`)
  return parsed
}
