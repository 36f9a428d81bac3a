import { describe, expect, test } from 'bun:test'
import { consume } from '#tests/support/firehose-consumer.ts'
import { type PlcCondition, startPlc } from '#tests/support/plc.ts'
import { until } from '#tests/support/until.ts'
import { checkHost, History } from './check-host.ts'
import { call, createAccount, logIn, refusalOf } from './client.ts'
import { Host } from './host.ts'

const conditions: Record<Exclude<PlcCondition, 'well'>, string> = {
  down: 'cannot be reached',
  slow: 'does not answer',
  refusing: 'refuses the operation',
  failing: 'answers 503',
}

describe('createAccount, when the PLC directory', () => {
  for (const [condition, words] of Object.entries(conditions) as [PlcCondition, string][]) {
    test(`${words}, tells so and leaves nothing behind`, async () => {
      await using plc = await startPlc()
      await using host = await Host.start({ plcUrl: plc.url })
      const alice = await createAccount(host, 'alice')
      const code = await inviteCode(host)
      await using consumer = await consume(host.url, { plcUrl: plc.url })
      await plc.become(condition)

      const { status, error, message } = await refusalOf(createAccount(host, 'bobby', code))

      expect([400, 502, 503]).toContain(status)
      expect(error).not.toBe('InternalServerError')
      expect(message).toMatch(/PLC directory/)
      await expect(resolve(host, 'bobby.test')).rejects.toThrow('400')
      await expect(logIn(host, 'bobby.test')).rejects.toThrow('401')
      expect(await listedRepos(host)).toEqual([alice.did])

      await plc.become('well')
      const bob = await createAccount(host, 'bobby', code) // handle, address and the one use of the code are free again
      expect(await resolve(host, 'bobby.test')).toBe(bob.did)
      await consumer.until((event) => event.type === 'sync' && event.did === bob.did)
      expect(consumer.faults).toEqual([])
      expect(consumer.of(bob.did)).toEqual(consumer.events)
      await checkHost(host, [alice.did, bob.did], new History())
      expect(host.storedDids()).toEqual([alice.did, bob.did].sort())
    })
  }

  test('does not answer until the server is killed, leaves nothing behind either', async () => {
    await using plc = await startPlc()
    await using host = await Host.start({ plcUrl: plc.url })
    await plc.become('slow')
    const attempt = createAccount(host, 'alice').catch((error: unknown) => error)
    await until(() => plc.requests.some((request) => request.startsWith('POST')))

    await host.kill()
    await attempt
    await plc.become('down')
    await host.start()

    await expect(resolve(host, 'alice.test')).rejects.toThrow('400')
    expect(await listedRepos(host)).toEqual([])
    expect(host.storedDids()).toEqual([])
    await plc.become('well')
    const alice = await createAccount(host, 'alice')
    await checkHost(host, [alice.did], new History())
  })
})

async function inviteCode(host: Host): Promise<string> {
  const method = 'com.atproto.server.createInviteCode'
  return (await call<{ code: string }>(host, method, { isOperator: true, input: { useCount: 1 } })).code
}

async function resolve(host: Host, handle: string): Promise<string> {
  return (await call<{ did: string }>(host, 'com.atproto.identity.resolveHandle', { params: { handle } })).did
}

async function listedRepos(host: Host): Promise<string[]> {
  const { repos } = await call<{ repos: { did: string }[] }>(host, 'com.atproto.sync.listRepos')
  return repos.map(({ did }) => did)
}
