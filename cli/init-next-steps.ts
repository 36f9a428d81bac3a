/** What remains to be done by the operator of a new server: text, and one look at DNS. */
import { lookup } from 'node:dns/promises'
import type { Config } from '#config/config.ts'

const LOOKUP_MS = 1500

/** What to do next, in order. @param looks whether to look at DNS, which takes a moment */
export async function nextSteps(config: Config, serveCommand: string, looks: boolean): Promise<string> {
  if (config.dev) return `Next:\n\n  ${serveCommand}\n`
  const names = config.handleDomains.map((domain) => `*${domain}`)
  const steps = [
    `Let DNS point to this machine (A and AAAA records): ${[config.hostname, ...names].join(', ')}.${looks ? `\n${await dnsState(config)}` : ''}`,
    `Put a proxy with TLS before ${upstreamOf(config)}, which passes all paths and WebSockets on. With Caddy:\n\n${caddyfile(config)}`,
    `Start the server:\n\n  ${serveCommand}`,
    `See that it answers:\n\n  curl ${config.publicUrl}/xrpc/_health`,
    `Keep a copy of ${config.dataDirectory}/secrets in a safe place: who has it can act for every account.`,
  ]
  return `Next:\n\n${steps.map((step, i) => indented(`${i + 1}. ${step}`)).join('\n\n')}\n`
}

function indented(text: string): string {
  return text
    .split('\n')
    .map((line, i) => (line === '' ? '' : i === 0 ? `  ${line}` : `     ${line}`))
    .join('\n')
}

function upstreamOf({ listen, port }: Config): string {
  return listen.kind === 'unix' ? `unix/${listen.path}` : `localhost:${port}`
}

function caddyfile(config: Config): string {
  const upstream = upstreamOf(config)
  const names = [config.hostname, ...config.handleDomains.map((domain) => `*${domain}`)]
  const ask =
    config.listen.kind === 'unix'
      ? `${config.publicUrl}/tls-check`
      : `http://localhost:${config.port}/tls-check`
  return `  {
    on_demand_tls {
      ask ${ask}
    }
  }
  ${names.join(', ')} {
    tls {
      on_demand
    }
    reverse_proxy ${upstream}
  }`
}

/** What DNS says of the server's name now. It may be behind, or this machine offline, so it is no fault. */
async function dnsState({ hostname, handleDomains }: Config): Promise<string> {
  const [domain = `.${hostname}`] = handleDomains
  const [own, below] = await Promise.all([addressOf(hostname), addressOf(`any${domain}`)])
  if (own === undefined) return '(It could not be looked up from here.)'
  if (own === null) return `(${hostname} does not exist in DNS yet.)`
  if (below === null) return `(${hostname} is ${own} now; *${domain} does not exist yet.)`
  return `(${hostname} is ${own} now.)`
}

/** An address of `name`; null when there is none, undefined when nobody could tell. */
async function addressOf(name: string): Promise<string | null | undefined> {
  const timeout = Bun.sleep(LOOKUP_MS).then(() => undefined)
  try {
    return await Promise.race([lookup(name).then(({ address }) => address), timeout])
  } catch (error) {
    const missing =
      error instanceof Error && 'code' in error && /^(ENOTFOUND|ENODATA)$|NOTFOUND/.test(String(error.code))
    return missing ? null : undefined
  }
}
