/** The host that a request names. It is a claim of the client's: a page on any site may have a name that leads to us. */

const THIS_MACHINE = ['localhost', '127.0.0.1', '[::1]']

export function hostOf(request: Request): string {
  return hostIn(request.headers.get('host') ?? '')
}

/** In lower case and without the port. */
export function hostIn(header: string): string {
  return header.toLowerCase().replace(/:\d*$/, '')
}

/**
 * Whether a request names this machine, or `hostname`. What a development server shows to everyone at its address is not
 * for pages elsewhere, which could have their own name lead there and then read it ("DNS rebinding").
 */
export function isForThisMachine(request: Request, hostname: string): boolean {
  const host = hostOf(request)
  return host === hostname || THIS_MACHINE.includes(host)
}
