/**
 * The address of a client. `X-Forwarded-For` is a claim of whoever sent it, so it is read from its end, as far as
 * proxies that the configuration trusts have written it.
 */
import { type IpRange, inIpRange, ipBytes, ipRange, unmapped } from '#std/ip-address.ts'

export class ClientAddresses {
  private readonly trusted: readonly IpRange[]

  /** @param trustedProxies networks (CIDR) */
  constructor(trustedProxies: readonly string[]) {
    this.trusted = trustedProxies.map((network) => ipRange(network)).filter((range) => range !== null)
  }

  /**
   * @param peer the other end of the connection; null for a Unix socket, which only a proxy on this machine can reach
   * @param forwardedFor the header
   */
  of(peer: string | null, forwardedFor: string | null): string {
    let address = peer ?? '127.0.0.1'
    if (forwardedFor === null) return address
    const hops = forwardedFor.split(',')
    while (hops.length > 0 && this.isTrusted(address)) {
      const hop = hops.pop()?.trim() ?? ''
      if (!ipBytes(hop)) return address
      address = hop
    }
    return address
  }

  isTrusted(address: string): boolean {
    const bytes = ipBytes(address)
    return bytes !== null && this.trusted.some((range) => inIpRange(unmapped(bytes), range))
  }
}
