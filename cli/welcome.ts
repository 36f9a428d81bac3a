/** What a development server says when it is ready: where everything is, and lines to try that work as they stand. */
import { ownName, wordForShell } from '#cli/own-name.ts'
import type { Config } from '#config/config.ts'
import { version } from '#telemetry/version.ts'

export function welcome({ publicUrl, plcUrl, dataDirectory, handleDomains }: Config): string {
  const handle = `alice${handleDomains[0] ?? '.test'}`
  const json = "-H 'content-type: application/json'"
  return `locus ${version}, a development server. Everything is kept in ${dataDirectory}

  server         ${publicUrl}
  mail           ${publicUrl}/mail
  PLC directory  ${plcUrl}

Try it, in another terminal:

  # make an account
  curl -s ${publicUrl}/xrpc/com.atproto.server.createAccount ${json} \\
    -d '{"handle": "${handle}", "email": "alice@example.com", "password": "correct horse"}'

  # log in and keep the token
  token=$(curl -s ${publicUrl}/xrpc/com.atproto.server.createSession ${json} \\
    -d '{"identifier": "${handle}", "password": "correct horse"}' | sed 's/.*"accessJwt":"\\([^"]*\\)".*/\\1/')

  # post something, and read it
  curl -s ${publicUrl}/xrpc/com.atproto.repo.createRecord -H "authorization: Bearer $token" ${json} \\
    -d '{"repo": "${handle}", "collection": "app.bsky.feed.post", "record": {"text": "hello", "createdAt": "2026-01-01T00:00:00Z"}}'
  curl -s '${publicUrl}/xrpc/com.atproto.repo.listRecords?repo=${handle}&collection=app.bsky.feed.post'

  # see it as the operator
  ${ownName()} account list --data ${wordForShell(dataDirectory)}

Ctrl-C stops the server; the next start finds everything as it was.`
}
