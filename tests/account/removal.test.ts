import { expect, test } from 'bun:test'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import type { App } from '#app.ts'
import { openDatabase } from '#db/database.ts'
import { createGenesis } from '#identity/plc-changes.ts'
import { generateK256, k256FromSecret } from '#keys/k256.ts'
import type { Did } from '#lexicon/strings.ts'
import { serviceMigrations } from '#migrations/service.ts'
import { decodeFrame } from '#repo/events.ts'
import { HOUR, MINUTE } from '#std/clock.ts'
import { TestApp } from '#tests/support/app.ts'
import { TestClock } from '#tests/support/clock.ts'
import { didNamed, handleOf } from '#tests/support/service.ts'

const STRANGER = { isOperator: false, provenDid: null }

function signUpOf(name: string) {
  return { handle: `${name}.pds.example.com`, email: `${name}@example.com`, password: 'alice-password' }
}

function eventsOf(app: App, did: Did) {
  const { events } = app.sequencer.page(0, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
  return events.filter((event) => event.did === did)
}

/** What a crash left, put into the closed database. */
function leave(opened: TestApp, sql: string, ...values: (string | number)[]): void {
  const db = openDatabase(opened.app.layout.service, { migrations: serviceMigrations, synchronous: 'FULL' })
  db.query(sql).run(...values)
  db.close()
}

function rowsIn(opened: TestApp, table: string): number {
  return rowsOf(opened, table).length
}

function rowsOf<Row>(opened: TestApp, table: string): Row[] {
  const db = openDatabase(opened.app.layout.service, {
    migrations: serviceMigrations,
    synchronous: 'FULL',
    readonly: true,
  })
  try {
    return db.query<Row, []>(`SELECT * FROM ${table}`).all()
  } finally {
    db.close()
  }
}

/** Registers a DID for a sign-up as far as step 4, so that its recovery has something to withdraw. */
async function registerDid(app: App, name: string) {
  const { key, secret } = generateK256()
  const rotationKey = k256FromSecret(app.config.secrets.plcRotationKey)
  const account = {
    signingKey: key.did,
    rotationKeys: [rotationKey.did],
    handle: handleOf(`${name}.pds.example.com`),
    pds: app.config.publicUrl,
  }
  const { did, operation } = createGenesis(account, rotationKey)
  return { did, operation, secret }
}

test('a deleted account is gone, the network is told, and its earlier events are out of the log', async () => {
  await using opened = await TestApp.open()
  const { app } = opened
  const alice = await app.creation.create(signUpOf('alice'), STRANGER)
  const bob = await app.creation.create(signUpOf('bob'), STRANGER)

  expect(await app.removal.delete(alice.did)).toBe(true)

  expect(app.accounts.get(alice.did)).toBeNull()
  expect(app.accounts.byHandle(alice.handle)).toBeNull()
  expect(existsSync(app.layout.actor(alice.did).directory)).toBe(false)
  const events = eventsOf(app, alice.did)
  expect(events.map((event) => event.kind)).toEqual(['account'])
  expect(decodeFrame(events[0]!.frame)).toMatchObject({ active: false, status: 'deleted' })
  expect(eventsOf(app, bob.did)).toHaveLength(4)
  expect((await app.plc.lastOperation(alice.did))?.type).toBe('plc_operation')
  const { tokenId } = app.tokens.verifyRefresh(alice.refreshJwt)
  await expect(app.logIns.refresh(alice.did, tokenId!)).rejects.toThrow('Could not find user info')
  expect(rowsIn(opened, 'account_removal')).toBe(0)
})

test('handle and address of a deleted account can be had at once', async () => {
  await using opened = await TestApp.open()
  const { app } = opened
  const { did } = await app.creation.create(signUpOf('alice'), STRANGER)
  await app.removal.delete(did)

  const again = await app.creation.create(signUpOf('alice'), STRANGER)

  expect(again.did).not.toBe(did)
})

test('deleting an account that is not here changes nothing', async () => {
  await using opened = await TestApp.open()
  const did = didNamed('nobody')

  expect(await opened.app.removal.delete(did)).toBe(false)

  expect(eventsOf(opened.app, did)).toEqual([])
})

test('an account may be deleted twice at once', async () => {
  await using opened = await TestApp.open()
  const { app } = opened
  const { did } = await app.creation.create(signUpOf('alice'), STRANGER)

  const outcomes = await Promise.all([app.removal.delete(did), app.removal.delete(did)])

  expect(outcomes).toEqual([true, false])
  expect(eventsOf(app, did).every((event) => event.kind === 'account')).toBe(true)
})

test('the same DID can come back after its account was deleted', async () => {
  await using opened = await TestApp.open()
  const { app } = opened
  const { did } = await app.creation.create(signUpOf('alice'), STRANGER)
  await app.removal.delete(did)

  await app.creation.create({ ...signUpOf('alice'), did }, { isOperator: false, provenDid: did })

  expect(app.accounts.get(did)?.deactivatedAt).not.toBeNull()
  expect((await app.repos.verify(did)).problems).toEqual([])
})

test('a deletion that a crash interrupted after its first step is finished at the next start', async () => {
  await using opened = await TestApp.open()
  const { did } = await opened.app.creation.create(signUpOf('alice'), STRANGER)
  await opened.close()
  leave(opened, 'DELETE FROM account WHERE did = ?', did)
  leave(opened, 'INSERT INTO account_removal (did, announced, tombstone, since) VALUES (?, 0, 0, 0)', did)

  const app = await opened.reopen()

  expect(eventsOf(app, did).map((event) => event.kind)).toEqual(['account'])
  expect(existsSync(app.layout.actor(did).directory)).toBe(false)
  expect((await app.plc.lastOperation(did))?.type).toBe('plc_operation')
})

test('a sign-up that a crash interrupted before the DID was registered leaves nothing', async () => {
  await using opened = await TestApp.open()
  const { did, secret } = await registerDid(opened.app, 'alice')
  const { directory, key } = opened.app.layout.actor(did)
  await opened.close()
  mkdirSync(directory, { recursive: true })
  writeFileSync(key, secret)
  const insert = `INSERT INTO account_creation (did, handle, email, made_did, started_at)
    VALUES (?, 'alice.pds.example.com', 'alice@example.com', 1, 0)`
  leave(opened, insert, did)

  const app = await opened.reopen()

  expect(existsSync(directory)).toBe(false)
  expect(rowsIn(opened, 'account_creation')).toBe(0)
  expect((await app.creation.create(signUpOf('alice'), STRANGER)).handle).toBe(
    handleOf('alice.pds.example.com'),
  )
})

test('a sign-up that a crash interrupted after the DID was registered is withdrawn, when the directory is there', async () => {
  const clock = new TestClock()
  await using opened = await TestApp.open({ clock })
  const { did, operation } = await registerDid(opened.app, 'alice')
  await opened.app.plc.submit(did, operation)
  await opened.close()
  const insert = `INSERT INTO account_creation (did, handle, email, made_did, started_at)
    VALUES (?, 'alice.pds.example.com', 'alice@example.com', 1, 0)`
  leave(opened, insert, did)
  clock.advance(HOUR)
  await opened.plc.become('down')

  await opened.reopen()
  expect(rowsIn(opened, 'account_creation')).toBe(0)
  expect(rowsIn(opened, 'account_removal')).toBe(1)
  await opened.close()
  await opened.plc.become('well')
  const app = await opened.reopen()
  await app.removal.workOff(did)

  expect((await app.plc.lastOperation(did))?.type).toBe('plc_tombstone')
  expect(rowsIn(opened, 'account_removal')).toBe(0)
})

test('a registration that never reached the directory is forgotten after ten minutes', async () => {
  const clock = new TestClock()
  await using opened = await TestApp.open({ clock })
  const { app, plc } = opened
  await plc.become('down')
  await app.creation.create(signUpOf('alice'), STRANGER).catch(() => null)
  await plc.become('well')
  const [{ did }] = rowsOf<{ did: Did }>(opened, 'account_removal') as [{ did: Did }]

  await app.removal.workOff(did)
  expect(rowsIn(opened, 'account_removal')).toBe(1)
  clock.advance(10 * MINUTE + 1)
  await app.removal.workOff(did)

  expect(rowsIn(opened, 'account_removal')).toBe(0)
})

test('a sign-up that a crash interrupted before its repository was made is finished', async () => {
  await using opened = await TestApp.open()
  const { did, operation, secret } = await registerDid(opened.app, 'alice')
  await opened.app.plc.submit(did, operation)
  opened.app.keys.create(did, secret)
  opened.app.stores.create(did)
  await opened.close()
  leave(
    opened,
    `INSERT INTO account (did, handle, email, created_at) VALUES (?, 'alice.pds.example.com', 'alice@example.com', 0)`,
    did,
  )
  leave(
    opened,
    `INSERT INTO account_creation (did, handle, email, made_did, started_at)
     VALUES (?, 'alice.pds.example.com', 'alice@example.com', 1, 0)`,
    did,
  )

  const app = await opened.reopen()

  expect(eventsOf(app, did).map((event) => event.kind)).toEqual(['identity', 'account', 'commit', 'sync'])
  expect((await app.repos.verify(did)).problems).toEqual([])
  expect(rowsIn(opened, 'account_creation')).toBe(0)
})

test('a sign-up that a crash interrupted in its last step is not announced twice', async () => {
  await using opened = await TestApp.open()
  const { did } = await opened.app.creation.create(signUpOf('alice'), STRANGER)
  await opened.close()
  leave(
    opened,
    `INSERT INTO account_creation (did, handle, email, made_did, started_at)
     VALUES (?, 'alice.pds.example.com', 'alice@example.com', 1, 0)`,
    did,
  )

  const app = await opened.reopen()

  expect(eventsOf(app, did)).toHaveLength(4)
  expect(app.accounts.get(did)).not.toBeNull()
  expect(rowsIn(opened, 'account_creation')).toBe(0)
})
