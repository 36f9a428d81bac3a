import { expect, test } from 'bun:test'
import { ExpiredTokenError } from '#account/errors.ts'
import type { SessionPair } from '#account/sessions.ts'
import { DAY, HOUR, MINUTE } from '#std/clock.ts'
import { openService, type Service } from '#tests/support/service.ts'

function refreshIdOf(service: Service, pair: SessionPair): string {
  const { tokenId } = service.tokens.verifyRefresh(pair.refreshJwt, { expired: true })
  if (tokenId === null) throw new Error('the token has no id')
  return tokenId
}

function rowCount(service: Service): number {
  return service.db.query<{ n: number }, []>('SELECT count(*) AS n FROM refresh_token').get()!.n
}

test('a refresh gives new tokens of the same scope', async () => {
  using service = openService()
  const alice = service.addAccount('alice')
  const first = service.sessions.start(alice, null)
  service.time.now += MINUTE

  const second = await service.sessions.refresh(alice, refreshIdOf(service, first))

  expect(service.tokens.verifyAccess(second.accessJwt)).toEqual({ did: alice, scope: 'com.atproto.access' })
  expect(refreshIdOf(service, second)).not.toBe(refreshIdOf(service, first))
})

test('a token that is used again within two hours gives the same next token', async () => {
  using service = openService()
  const alice = service.addAccount('alice')
  const id = refreshIdOf(service, service.sessions.start(alice, null))
  const next = refreshIdOf(service, await service.sessions.refresh(alice, id))

  service.time.now += 2 * HOUR - 1
  expect(refreshIdOf(service, await service.sessions.refresh(alice, id))).toBe(next)
  expect(rowCount(service)).toBe(2)

  service.time.now += 1
  await expect(service.sessions.refresh(alice, id)).rejects.toThrow(ExpiredTokenError)
  await expect(service.sessions.refresh(alice, id)).rejects.toThrow('Token has been revoked')
  expect(refreshIdOf(service, await service.sessions.refresh(alice, next))).not.toBe(next)
})

test('a second use does not lengthen the grace', async () => {
  using service = openService()
  const alice = service.addAccount('alice')
  const id = refreshIdOf(service, service.sessions.start(alice, null))
  await service.sessions.refresh(alice, id)
  service.time.now += 2 * HOUR - MINUTE
  await service.sessions.refresh(alice, id)

  service.time.now += MINUTE

  await expect(service.sessions.refresh(alice, id)).rejects.toThrow('Token has been revoked')
})

test('a token in its last hour works no longer than it would have', async () => {
  using service = openService()
  const alice = service.addAccount('alice')
  const id = refreshIdOf(service, service.sessions.start(alice, null))
  service.time.now += 90 * DAY - MINUTE
  await service.sessions.refresh(alice, id)

  service.time.now += MINUTE

  await expect(service.sessions.refresh(alice, id)).rejects.toThrow('Token has been revoked')
})

test('refreshing clears the expired tokens of the account away', async () => {
  using service = openService()
  const alice = service.addAccount('alice')
  service.sessions.start(alice, null)
  service.time.now += 90 * DAY
  const id = refreshIdOf(service, service.sessions.start(alice, null))

  await service.sessions.refresh(alice, id)

  expect(rowCount(service)).toBe(2)
})

test('an ended token stays ended, and may be ended again; the one before it has its grace', async () => {
  using service = openService()
  const alice = service.addAccount('alice')
  const first = refreshIdOf(service, service.sessions.start(alice, null))
  const second = refreshIdOf(service, await service.sessions.refresh(alice, first))

  service.sessions.end(alice, second)
  service.sessions.end(alice, second)

  await expect(service.sessions.refresh(alice, second)).rejects.toThrow('Token has been revoked')
  expect(await service.sessions.refresh(alice, first)).toBeDefined()
})

test('ending a session by a token that was replaced leaves the newer one alone', async () => {
  using service = openService()
  const alice = service.addAccount('alice')
  const first = refreshIdOf(service, service.sessions.start(alice, null))
  const second = refreshIdOf(service, await service.sessions.refresh(alice, first))

  service.sessions.end(alice, first)

  await expect(service.sessions.refresh(alice, first)).rejects.toThrow('Token has been revoked')
  expect(await service.sessions.refresh(alice, second)).toBeDefined()
})

test('sessions of one account are apart from each other and from those of others', async () => {
  using service = openService()
  const alice = service.addAccount('alice')
  const bob = service.addAccount('bob')
  const phone = refreshIdOf(service, service.sessions.start(alice, null))
  const laptop = refreshIdOf(service, service.sessions.start(alice, null))
  const bobs = refreshIdOf(service, service.sessions.start(bob, null))

  service.sessions.end(alice, phone)

  expect(await service.sessions.refresh(alice, laptop)).toBeDefined()
  expect(await service.sessions.refresh(bob, bobs)).toBeDefined()
  await expect(service.sessions.refresh(bob, laptop)).rejects.toThrow('Token has been revoked')
})

test('a session of an app password has its scope, as it is at each refresh', async () => {
  using service = openService()
  const alice = service.addAccount('alice')
  const plain = await service.appPasswords.create(alice, 'plain', { privileged: false })
  const privileged = await service.appPasswords.create(alice, 'privileged', { privileged: true })

  const [one, two] = [service.sessions.start(alice, plain), service.sessions.start(alice, privileged)]
  const refreshed = await service.sessions.refresh(alice, refreshIdOf(service, two))

  expect(service.tokens.verifyAccess(one.accessJwt).scope).toBe('com.atproto.appPass')
  expect(service.tokens.verifyAccess(two.accessJwt).scope).toBe('com.atproto.appPassPrivileged')
  expect(service.tokens.verifyAccess(refreshed.accessJwt).scope).toBe('com.atproto.appPassPrivileged')
})

test('the restricted session of a taken-down account cannot be refreshed', async () => {
  using service = openService()
  const alice = service.addAccount('alice')

  const pair = service.sessions.startTakendown(alice)

  expect(service.tokens.verifyAccess(pair.accessJwt).scope).toBe('com.atproto.takendown')
  await expect(service.sessions.refresh(alice, refreshIdOf(service, pair))).rejects.toThrow(
    'Token has been revoked',
  )
})

test('deleting an account ends its sessions', async () => {
  using service = openService()
  const alice = service.addAccount('alice')
  const id = refreshIdOf(service, service.sessions.start(alice, null))

  service.accounts.remove(alice)

  await expect(service.sessions.refresh(alice, id)).rejects.toThrow('Token has been revoked')
  expect(rowCount(service)).toBe(0)
})

test('refreshes of many accounts at once each get their own answer', async () => {
  using service = openService()
  const members = ['alice', 'bob', 'carol'].map((name) => service.addAccount(name))
  const ids = members.map((did) => refreshIdOf(service, service.sessions.start(did, null)))

  const outcomes = await Promise.allSettled([
    ...members.map((did, i) => service.sessions.refresh(did, ids[i]!)),
    service.sessions.refresh(members[0]!, 'unknown'),
    service.sessions.refresh(members[1]!, ids[1]!),
  ])

  const dids = outcomes.map((outcome) =>
    outcome.status === 'fulfilled' ? service.tokens.verifyAccess(outcome.value.accessJwt).did : null,
  )
  expect(dids).toEqual([...members, null, members[1]!])
  expect(rowCount(service)).toBe(6)
})

test('a refresh that cannot be stored is refused, and works when there is space again', async () => {
  using service = openService()
  const alice = service.addAccount('alice')
  const id = refreshIdOf(service, service.sessions.start(alice, null))
  service.db.run('PRAGMA query_only = ON')
  await expect(service.sessions.refresh(alice, id)).rejects.toThrow()
  service.db.run('PRAGMA query_only = OFF')

  expect(await service.sessions.refresh(alice, id)).toBeDefined()
})
