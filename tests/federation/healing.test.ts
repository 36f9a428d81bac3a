/** A host and a relay that have lost each other find together again, without anyone's help. */
import { expect, test } from 'bun:test'
import { MINUTE } from '#std/clock.ts'
import { FederatedHost, logIn, post } from './federated-host.ts'

test('a fresh host asks its relay to crawl, and the relay has all of its accounts', async () => {
  await using host = await FederatedHost.create()
  const pds = await host.start()
  const alice = await pds.createAccount('alice')
  const bob = await pds.createAccount('bob')
  await post(alice, 'hello')

  await host.eventually(() => host.agrees([alice, bob]))

  expect(host.relay.host()).toMatchObject({ hostname: host.name, status: 'active', accountCount: 2 })
  expect(host.relay.dropped).toEqual([])
  expect(host.relay.warnings).toEqual([])
  await host.pass(11 * MINUTE)
  expect(host.relay.passedOf(alice.did)).toEqual(['identity', 'account', 'commit', 'sync', 'commit'])
})

for (const absence of ['short', 'long']) {
  test(`a restored backup goes on where the relay is, after a ${absence} absence`, async () => {
    await using host = await FederatedHost.create()
    let pds = await host.start()
    const alice = await pds.createAccount('alice')
    const bob = await pds.createAccount('bob')
    const carol = await pds.createAccount('carol')
    await post(alice, 'before')
    await post(carol, 'before')
    await host.eventually(() => host.agrees([alice, bob, carol]))
    await host.stop()
    host.backUp()
    pds = await host.start()
    const lost = await logIn(pds, alice)
    for (let i = 0; i < 20; i++) await post(lost, `lost ${i}`)
    await post(await logIn(pds, bob), 'lost')
    await host.eventually(() => host.agrees([alice, bob, carol]))
    const relaySeq = host.relay.host().lastSeq
    await host.stop()
    if (absence === 'long') await host.eventually(() => host.relay.host().status === 'offline')
    host.restore()
    const passedBefore = host.relay.passed.length

    pds = await host.start()
    await host.eventually(() => host.agrees([alice, bob, carol]))

    expect(pds.app.sequencer.lastSeq).toBeGreaterThan(relaySeq)
    const passed = host.relay.passed.slice(passedBefore)
    expect(passed.every(({ seq }) => seq > relaySeq)).toBe(true)
    expect(passed.filter(({ did }) => did === alice.did).map(({ type }) => type)).toEqual([
      'identity',
      'account',
      'sync',
    ])
    // who lost nothing is left in peace
    expect(passed.filter(({ did }) => did === carol.did)).toEqual([])
    expect(host.relay.host().status).toBe('active')
    const [jump, ...more] = host.logged(
      'a relay has seen later events than are in the log: numbers jump ahead',
    )
    expect(jump).toMatchObject({ level: 'warn', accountsToCompare: 3 })
    expect(more).toEqual([])
    // and all goes on as ever
    await post(await logIn(pds, alice), 'after')
    await post(await logIn(pds, carol), 'after')
    await host.eventually(() => host.agrees([alice, bob, carol]))
    expect(host.relay.warnings).toEqual([])
    expect(host.relay.dropped).toEqual([])
    for (const { did } of [alice, bob, carol]) {
      expect((await pds.app.repos.verify(did)).problems).toEqual([])
    }
  })
}
