import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { Handles } from '#account/handles.ts'
import { reservedHandles } from '#account/reserved-handles.ts'
import { openDatabase } from '#db/database.ts'
import { PlcClient } from '#identity/plc-client.ts'
import { IdentityResolver } from '#identity/resolver.ts'
import { cacheMigrations } from '#migrations/cache.ts'
import { createSafeFetch } from '#std/safe-fetch.ts'
import { startDns, type TxtAnswer } from '#tests/support/dns.ts'
import { didNamed, openService } from '#tests/support/service.ts'

const ALICE = didNamed('alice')
const NEW = { did: null, allowReserved: false }

interface Settings {
  domains?: string[]
  dns?: Record<string, TxtAnswer>
  allowTest?: boolean
}

async function openHandles({ domains = ['.pds.test'], dns: records = {}, allowTest = true }: Settings = {}) {
  const stack = new AsyncDisposableStack()
  const service = stack.use(openService())
  const dns = stack.use(await startDns(records))
  const cache = stack.adopt(
    openDatabase(join(service.directory, 'cache.sqlite'), {
      migrations: cacheMigrations,
      synchronous: 'NORMAL',
    }),
    (db) => db.close(),
  )
  const fetch = createSafeFetch({
    userAgent: 'test',
    protection: true,
    allowLoopback: false,
    ownHostname: 'pds.test',
  })
  const plc = new PlcClient({ url: 'http://localhost:1', fetch })
  const identity = stack.use(
    new IdentityResolver({
      cache,
      clock: service.clock,
      plc,
      fetch,
      timeoutMs: 500,
      nameservers: [dns.address],
      dev: true,
    }),
  )
  const handles = new Handles({ domains, allowTest, accounts: service.accounts, identity })
  return { service, dns, handles, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

test('a handle under a service domain is taken, in lower case', async () => {
  await using opened = await openHandles()

  expect<string>(await opened.handles.check('Alice-7.PDS.test', NEW)).toBe('alice-7.pds.test')
  expect<string>(await opened.handles.check('abc.pds.test', NEW)).toBe('abc.pds.test')
  expect<string>(await opened.handles.check('abcdefghijklmnopqr.pds.test', NEW)).toBe(
    'abcdefghijklmnopqr.pds.test',
  )
})

test.each([
  ['alice', 'InvalidHandle', 'Handle is not a valid domain name'],
  ['al_ice.pds.test', 'InvalidHandle', 'Handle is not a valid domain name'],
  ['-alice.pds.test', 'InvalidHandle', 'Handle is not a valid domain name'],
  ['al.pds.test', 'InvalidHandle', 'Handle too short'],
  ['abcdefghijklmnopqrs.pds.test', 'InvalidHandle', 'Handle too long'],
  ['a.lice.pds.test', 'InvalidHandle', 'Invalid characters in handle'],
  ['admin.pds.test', 'HandleNotAvailable', 'Reserved handle'],
  ['www.pds.test', 'HandleNotAvailable', 'Reserved handle'],
  ['faggot.pds.test', 'InvalidHandle', 'Inappropriate language in handle'],
  ['alice.local', 'InvalidHandle', 'Handle TLD is invalid or disallowed'],
  ['alice.arpa', 'InvalidHandle', 'Handle TLD is invalid or disallowed'],
  ['alice.invalid', 'InvalidHandle', 'Handle TLD is invalid or disallowed'],
  ['alice.localhost', 'InvalidHandle', 'Handle TLD is invalid or disallowed'],
  ['alice.internal', 'InvalidHandle', 'Handle TLD is invalid or disallowed'],
  ['alice.example', 'InvalidHandle', 'Handle TLD is invalid or disallowed'],
  ['alice.alt', 'InvalidHandle', 'Handle TLD is invalid or disallowed'],
  ['alice.onion', 'InvalidHandle', 'Handle TLD is invalid or disallowed'],
  ['alice.example.com', 'UnsupportedDomain', 'Not a supported handle domain'],
  ['pds.test', 'UnsupportedDomain', 'Not a supported handle domain'],
  ['alicepds.test', 'UnsupportedDomain', 'Not a supported handle domain'],
])('%s is refused for a new account: %s', async (handle, code, message) => {
  await using opened = await openHandles()

  await expect(opened.handles.check(handle, NEW)).rejects.toMatchObject({ code, message })
})

test('the operator may give reserved words away, but not break the other rules', async () => {
  await using opened = await openHandles()
  const operator = { did: null, allowReserved: true }

  expect<string>(await opened.handles.check('admin.pds.test', operator)).toBe('admin.pds.test')
  await expect(opened.handles.check('al.pds.test', operator)).rejects.toThrow('Handle too short')
  await expect(opened.handles.check('alice.example.com', operator)).rejects.toThrow(
    'Not a supported handle domain',
  )
})

test('of service domains within each other the longest counts', async () => {
  await using opened = await openHandles({ domains: ['.pds.test', '.users.pds.test'] })

  expect<string>(await opened.handles.check('alice.users.pds.test', NEW)).toBe('alice.users.pds.test')
  expect<string>(await opened.handles.check('alice.pds.test', NEW)).toBe('alice.pds.test')
  await expect(opened.handles.check('alice.other.pds.test', NEW)).rejects.toThrow(
    'Invalid characters in handle',
  )
})

test('handles in .test are for service domains, and elsewhere for development', async () => {
  await using strict = await openHandles({ allowTest: false })
  const moving = { did: ALICE, allowReserved: false }

  expect<string>(await strict.handles.check('alice.pds.test', NEW)).toBe('alice.pds.test')
  await expect(strict.handles.check('alice.other.test', moving)).rejects.toThrow(
    'Handle TLD is invalid or disallowed',
  )
})

test('a handle elsewhere is taken when it points at the DID, by what the network says now', async () => {
  await using opened = await openHandles({ dns: { '_atproto.alice.example.com': [[`did=${ALICE}`]] } })
  const moving = { did: ALICE, allowReserved: false }

  expect<string>(await opened.handles.check('alice.example.com', moving)).toBe('alice.example.com')
  opened.dns.records.set('_atproto.alice.example.com', [[`did=${didNamed('bob')}`]])
  await expect(opened.handles.check('alice.example.com', moving)).rejects.toMatchObject({
    code: 'InvalidRequest',
    message: 'External handle did not resolve to DID',
  })
})

test('a handle elsewhere that nobody answers for is refused', async () => {
  await using opened = await openHandles({ dns: { '_atproto.alice.example.com': 'server-failure' } })

  const check = opened.handles.check('alice.example.com', { did: ALICE, allowReserved: false })

  await expect(check).rejects.toThrow('External handle did not resolve to DID')
})

test('our handles resolve from the accounts, without asking anybody', async () => {
  await using opened = await openHandles()
  const alice = opened.service.addAccount('alice')

  expect(await opened.handles.resolve('Alice.pds.test')).toBe(alice)
  for (const text of ['bob.pds.test', 'pds.test']) {
    await expect(opened.handles.resolve(text)).rejects.toMatchObject({
      code: 'HandleNotFound',
      message: 'Unable to resolve handle',
    })
  }
  expect(opened.dns.asked).toEqual([])
})

test('the handle of an account that is not active does not resolve', async () => {
  await using opened = await openHandles()
  opened.service.addAccount('alice', { deactivatedAt: 1 })

  await expect(opened.handles.resolve('alice.pds.test')).rejects.toMatchObject({ code: 'HandleNotFound' })
})

test('handles elsewhere resolve by the network', async () => {
  await using opened = await openHandles({ dns: { '_atproto.alice.example.com': [[`did=${ALICE}`]] } })

  expect(await opened.handles.resolve('alice.example.com')).toBe(ALICE)
  await expect(opened.handles.resolve('bob.example.com')).rejects.toMatchObject({ code: 'HandleNotFound' })
})

test('reserved words could be handles otherwise, and include those of protocol, mail, web and roles', () => {
  for (const word of reservedHandles) expect(word).toMatch(/^[a-z0-9][a-z0-9-]{1,16}[a-z0-9]$/)
  for (const word of [
    'atproto',
    'pds',
    'xrpc',
    'bsky',
    'www',
    'smtp',
    'autoconfig',
    'webmail',
    'postmaster',
    'staff',
  ]) {
    expect(reservedHandles.has(word)).toBe(true)
  }
  for (const word of ['alice', 'bob', 'carol', 'star', 'jack']) expect(reservedHandles.has(word)).toBe(false)
})

test.each(['raccoon', 'tycoon', 'kikelomo', 'nigeria', 'chinkapin', 'fagus'])(
  '%s is no slur',
  async (word) => {
    await using opened = await openHandles()

    expect<string>(await opened.handles.check(`${word}.pds.test`, NEW)).toBe(`${word}.pds.test`)
  },
)
