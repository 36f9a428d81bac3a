import { signingKeyOf } from '#tests/support/independent/did-document.ts'
import type { Pds } from '#tests/support/pds.ts'
import { type VerifiedExport, verifyExport } from '#tests/support/verify-export.ts'

/** The repository as the server exports it, checked against the key that the directory has. @throws as verifyExport */
export async function fetchExport({ url, app }: Pds, did: string): Promise<VerifiedExport> {
  const response = await fetch(`${url}/xrpc/com.atproto.sync.getRepo?did=${did}`)
  if (!response.ok) throw new Error(await response.text())
  return await verifyExport(await response.bytes(), {
    did,
    didKey: await signingKeyOf(app.config.plcUrl, did),
  })
}
