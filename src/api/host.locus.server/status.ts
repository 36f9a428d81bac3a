import { operator } from '#auth/policies.ts'
import { host } from '#lexicon/index.ts'
import { implement } from '#xrpc/implement.ts'

export const status = implement(host.locus.server.status, {
  auth: operator,
  handle({ app }) {
    const { version, publicUrl, serviceDid, dataDirectory } = app.config
    return {
      version,
      publicUrl,
      serviceDid,
      dataDirectory,
      startedAt: new Date(performance.timeOrigin).toISOString(),
      accounts: app.accounts.count(),
      seq: app.sequencer.lastSeq,
    }
  },
})
