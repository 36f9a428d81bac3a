import type { Connection } from '#cli/context.ts'
import type { InputOf } from '#lexicon/index.ts'

/** Creates an account. The method logs it in as well, which nobody here wants, so that is undone. */
export async function createAccount(pds: Connection, input: InputOf<'com.atproto.server.createAccount'>) {
  const { did, handle, refreshJwt } = await pds.call('com.atproto.server.createAccount', input)
  const headers = { authorization: `Bearer ${refreshJwt}` }
  await pds.call('com.atproto.server.deleteSession', undefined, { headers })
  return { did, handle }
}
