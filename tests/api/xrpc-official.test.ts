/** Asks a running official server what `xrpc-cases.ts` and `fixtures/records/official.json` say of it: see LOCUS_REFERENCE. */
import { expect, test } from 'bun:test'
import { Client } from '#cli/client.ts'
import { officialAnswers, writeRecord } from '#tests/lexicon/official-answers.ts'
import { ask, xrpcCases } from './xrpc-cases.ts'

const origin = process.env.LOCUS_REFERENCE ?? ''

function createAccount() {
  const handle = `t${crypto.randomUUID().slice(0, 8)}.test`
  return new Client(fetch, origin).call('com.atproto.server.createAccount', {
    handle,
    email: `${handle}@example.com`,
    password: 'a password',
  })
}

test.skipIf(origin === '')('the official server answers the same requests as the cases say', async () => {
  const { accessJwt } = await createAccount()

  for (const asked of xrpcCases) {
    const answer = await ask(origin, asked, accessJwt)

    const { name, status, error, message } = { ...asked, ...asked.official }
    expect({ name, status: answer.status, error: answer.error }).toEqual({ name, status, error })
    if (message !== undefined && !asked.official) expect(answer.message).toBe(message)
  }
})

test.skipIf(origin === '')('the official server takes and refuses the same records', async () => {
  const { did, accessJwt } = await createAccount()
  const client = new Client(fetch, origin, { authorization: `Bearer ${accessJwt}` })

  for (const record of officialAnswers) {
    const answer = await writeRecord(client, did, record)

    expect({ name: record.name, answer }).toEqual({ name: record.name, answer: record.answer })
  }
})
