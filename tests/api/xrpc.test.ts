import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type Pds, startPds, type TestAccount } from '#tests/support/pds.ts'
import { ask, xrpcCases } from './xrpc-cases.ts'

describe('a request with', () => {
  let pds: Pds
  let alice: TestAccount

  beforeAll(async () => {
    pds = await startPds()
    alice = await pds.createAccount('alice')
  })

  afterAll(() => pds.stop())

  for (const asked of xrpcCases) {
    test(`${asked.name} is answered as the official server does`, async () => {
      const answer = await ask(pds.url, asked, alice.accessJwt)

      expect({ status: answer.status, error: answer.error }).toEqual({
        status: asked.status,
        error: asked.error,
      })
      if (asked.message !== undefined) expect(answer.message).toBe(asked.message)
    })
  }
})
