import { expect, test } from 'bun:test'
import { chmodSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase, transact } from '#db/database.ts'
import { TemporaryDirectory } from '#tests/support/directory.ts'

const TABLE = 'CREATE TABLE note (text TEXT NOT NULL) STRICT'

function modeOf(path: string): number {
  return statSync(path).mode & 0o777
}

test("a database is its owner's alone to read, also one that was not", () => {
  using directory = new TemporaryDirectory()
  const path = join(directory.path, 'a.sqlite')
  openDatabase(path, { migrations: [TABLE], synchronous: 'FULL' }).close()
  expect(modeOf(path)).toBe(0o600)
  chmodSync(path, 0o644)

  const db = openDatabase(path, { migrations: [TABLE], synchronous: 'FULL' })

  db.run(`INSERT INTO note VALUES ('x')`)
  expect([modeOf(path), modeOf(`${path}-wal`), modeOf(`${path}-shm`)]).toEqual([0o600, 0o600, 0o600])
  db.close()
})

test('a schema newer than the program is refused and left alone', () => {
  using directory = new TemporaryDirectory()
  const path = join(directory.path, 'a.sqlite')
  openDatabase(path, {
    migrations: [TABLE, 'ALTER TABLE note ADD COLUMN at INTEGER'],
    synchronous: 'FULL',
  }).close()

  const opening = () => openDatabase(path, { migrations: [TABLE], synchronous: 'FULL' })

  expect(opening).toThrow('has schema version 2, this program knows 1')
})

test('migrations that fail leave the schema as it was', () => {
  using directory = new TemporaryDirectory()
  const path = join(directory.path, 'a.sqlite')

  const opening = () => openDatabase(path, { migrations: [TABLE, 'CREATE NONSENSE'], synchronous: 'FULL' })

  expect(opening).toThrow()
  using db = openDatabase(path, { migrations: [TABLE], synchronous: 'FULL' })
  expect(db.query('SELECT count(*) AS count FROM note').get()).toEqual({ count: 0 })
})

test('a transaction whose body throws has not happened', () => {
  using directory = new TemporaryDirectory()
  using db = openDatabase(join(directory.path, 'a.sqlite'), { migrations: [TABLE], synchronous: 'FULL' })

  const failing = () =>
    transact(db, () => {
      db.run(`INSERT INTO note VALUES ('x')`)
      throw new Error('no')
    })

  expect(failing).toThrow('no')
  expect(db.query('SELECT count(*) AS count FROM note').get()).toEqual({ count: 0 })
})
