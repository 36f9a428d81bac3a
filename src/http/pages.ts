/** The few things that a server says to whoever opens its address. */
import type { App } from '#app.ts'
import { logger } from '#telemetry/log.ts'
import { plain, publicJson } from './replies.ts'

const log = logger('http')

export function banner(app: App): Response {
  return plain(`  _
 | | ___   ___ _   _ ___
 | |/ _ \\ / __| | | / __|
 | | (_) | (__| |_| \\__ \\
 |_|\\___/ \\___|\\__,_|___/

This is an AT Protocol Personal Data Server: ${app.config.hostname}

Most of it is under /xrpc/

 Protocol: https://atproto.com
`)
}

export function robots(): Response {
  return plain('# Hello!\n\n# Crawling the public API is allowed\nUser-agent: *\nAllow: /')
}

export function health(app: App): Response {
  const { version } = app.config
  try {
    app.accounts.isEmailTaken('') // one look into an index: it fails when the database does
    return publicJson({ version })
  } catch (error) {
    log.error('health check failed', { error })
    return publicJson({ version, error: 'Service Unavailable' }, 503)
  }
}
