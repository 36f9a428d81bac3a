import { expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import type { Did } from '#lexicon/strings.ts'
import { TestApp, testEnvironment } from '#tests/support/app.ts'

const SIGN_UP = { handle: 'alice.pds.example.com', email: 'alice@example.com', password: 'alice-password' }
const STRANGER = { isOperator: false, provenDid: null }

/** A directory that takes a registration, or does not, and then never answers. */
function startTrap(target: () => string, takesIt: boolean) {
  const sprung = Promise.withResolvers<Did>()
  const server = Bun.serve({
    port: 0,
    idleTimeout: 0,
    async fetch(request): Promise<Response> {
      const path = decodeURIComponent(new URL(request.url).pathname)
      const headers = { 'content-type': 'application/json' }
      if (takesIt) await fetch(`${target()}${path}`, { method: 'POST', body: await request.text(), headers })
      sprung.resolve(path.slice(1) as Did)
      return await new Promise<Response>(() => {})
    },
  })
  return {
    url: `http://localhost:${server.port}`,
    sprung: sprung.promise,
    [Symbol.asyncDispose]: () => server.stop(true),
  }
}

test.each([
  ['before the directory takes the DID', false],
  ['after the directory took the DID', true],
])('a server that is killed %s leaves no account, no DID and no use of the code', async (_, takesIt) => {
  await using opened = await TestApp.open()
  await using trap = startTrap(() => opened.plc.url, takesIt)
  const inviteCode = opened.app.invites.createOne({ uses: 1 })
  await opened.close()
  const child = Bun.spawn(
    [process.execPath, `${import.meta.dir}/../support/sign-up-process.ts`, inviteCode],
    {
      env: { ...process.env, ...testEnvironment(opened.directory, trap.url) },
      stdio: ['ignore', 'ignore', 'ignore'],
    },
  )

  const did = await trap.sprung
  expect(existsSync(opened.app.layout.actor(did).key)).toBe(true)
  child.kill('SIGKILL')
  await child.exited
  const app = await opened.reopen()
  await app.removal.workOff(did)

  expect(app.accounts.count()).toBe(0)
  expect(existsSync(app.layout.actor(did).directory)).toBe(false)
  const last = await app.plc.lastOperation(did)
  expect(last?.type).toBe(takesIt ? 'plc_tombstone' : undefined)
  const again = await app.creation.create({ ...SIGN_UP, inviteCode }, STRANGER)
  expect((await app.repos.verify(again.did)).problems).toEqual([])
})
