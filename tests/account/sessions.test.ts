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

test('a refresh gives new tokens of the same scope', () => {
  using service = openService()
  const alice = service.addAccount('alice')
  const first = service.sessions.start(alice, null)
  service.time.now += MINUTE

  const second = service.sessions.refresh(alice, refreshIdOf(service, first))

  expect(service.tokens.verifyAccess(second.accessJwt)).toEqual({ did: alice, scope: 'com.atproto.access' })
  expect(refreshIdOf(service, second)).not.toBe(refreshIdOf(service, first))
})

test('a token that is used again within two hours gives the same next token', () => {
  using service = openService()
  const alice = service.addAccount('alice')
  const id = refreshIdOf(service, service.sessions.start(alice, null))
  const next = refreshIdOf(service, service.sessions.refresh(alice, id))

  service.time.now += 2 * HOUR - 1
  expect(refreshIdOf(service, service.sessions.refresh(alice, id))).toBe(next)
  expect(rowCount(service)).toBe(2)

  service.time.now += 1
  expect(() => service.sessions.refresh(alice, id)).toThrow(ExpiredTokenError)
  expect(() => service.sessions.refresh(alice, id)).toThrow('Token has been revoked')
  expect(refreshIdOf(service, service.sessions.refresh(alice, next))).not.toBe(next)
})

test('a second use does not lengthen the grace', () => {
  using service = openService()
  const alice = service.addAccount('alice')
  const id = refreshIdOf(service, service.sessions.start(alice, null))
  service.sessions.refresh(alice, id)
  service.time.now += 2 * HOUR - MINUTE
  service.sessions.refresh(alice, id)

  service.time.now += MINUTE

  expect(() => service.sessions.refresh(alice, id)).toThrow('Token has been revoked')
})

test('a token in its last hour works no longer than it would have', () => {
  using service = openService()
  const alice = service.addAccount('alice')
  const id = refreshIdOf(service, service.sessions.start(alice, null))
  service.time.now += 90 * DAY - MINUTE
  service.sessions.refresh(alice, id)

  service.time.now += MINUTE

  expect(() => service.sessions.refresh(alice, id)).toThrow('Token has been revoked')
})

test('refreshing clears the expired tokens of the account away', () => {
  using service = openService()
  const alice = service.addAccount('alice')
  service.sessions.start(alice, null)
  service.time.now += 90 * DAY
  const id = refreshIdOf(service, service.sessions.start(alice, null))

  service.sessions.refresh(alice, id)

  expect(rowCount(service)).toBe(2)
})

test('an ended session stays ended, and may be ended again', () => {
  using service = openService()
  const alice = service.addAccount('alice')
  const first = refreshIdOf(service, service.sessions.start(alice, null))
  const second = refreshIdOf(service, service.sessions.refresh(alice, first))

  service.sessions.end(alice, second)
  service.sessions.end(alice, second)

  expect(() => service.sessions.refresh(alice, second)).toThrow('Token has been revoked')
  // the token before it, still in its grace, does not bring the session back
  expect(() => service.sessions.refresh(alice, first)).toThrow('Token has been revoked')
})

test('ending a session by a token that was replaced leaves the newer one alone', () => {
  using service = openService()
  const alice = service.addAccount('alice')
  const first = refreshIdOf(service, service.sessions.start(alice, null))
  const second = refreshIdOf(service, service.sessions.refresh(alice, first))

  service.sessions.end(alice, first)

  expect(() => service.sessions.refresh(alice, first)).toThrow('Token has been revoked')
  expect(service.sessions.refresh(alice, second)).toBeDefined()
})

test('sessions of one account are apart from each other and from those of others', () => {
  using service = openService()
  const alice = service.addAccount('alice')
  const bob = service.addAccount('bob')
  const phone = refreshIdOf(service, service.sessions.start(alice, null))
  const laptop = refreshIdOf(service, service.sessions.start(alice, null))
  const bobs = refreshIdOf(service, service.sessions.start(bob, null))

  service.sessions.end(alice, phone)

  expect(service.sessions.refresh(alice, laptop)).toBeDefined()
  expect(service.sessions.refresh(bob, bobs)).toBeDefined()
  expect(() => service.sessions.refresh(bob, laptop)).toThrow('Token has been revoked')
})

test('a session of an app password has its scope, as it is at each refresh', async () => {
  using service = openService()
  const alice = service.addAccount('alice')
  const plain = await service.appPasswords.create(alice, 'plain', { privileged: false })
  const privileged = await service.appPasswords.create(alice, 'privileged', { privileged: true })

  const [one, two] = [service.sessions.start(alice, plain), service.sessions.start(alice, privileged)]
  const refreshed = service.sessions.refresh(alice, refreshIdOf(service, two))

  expect(service.tokens.verifyAccess(one.accessJwt).scope).toBe('com.atproto.appPass')
  expect(service.tokens.verifyAccess(two.accessJwt).scope).toBe('com.atproto.appPassPrivileged')
  expect(service.tokens.verifyAccess(refreshed.accessJwt).scope).toBe('com.atproto.appPassPrivileged')
})

test('the restricted session of a taken-down account cannot be refreshed', () => {
  using service = openService()
  const alice = service.addAccount('alice')

  const pair = service.sessions.startTakendown(alice)

  expect(service.tokens.verifyAccess(pair.accessJwt).scope).toBe('com.atproto.takendown')
  expect(() => service.sessions.refresh(alice, refreshIdOf(service, pair))).toThrow('Token has been revoked')
})

test('deleting an account ends its sessions', () => {
  using service = openService()
  const alice = service.addAccount('alice')
  const id = refreshIdOf(service, service.sessions.start(alice, null))

  service.accounts.remove(alice)

  expect(() => service.sessions.refresh(alice, id)).toThrow('Token has been revoked')
  expect(rowCount(service)).toBe(0)
})
