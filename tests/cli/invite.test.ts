import { expect, test } from 'bun:test'
import { Client } from '#cli/client.ts'
import { startLocus } from '#tests/support/locus.ts'

const INVITED = ['--dev', '--port', '0', '--plc-port', '0', '--set', 'invites.required=true']

function signUp(url: string, name: string, inviteCode?: string) {
  return new Client(fetch, url).call('com.atproto.server.createAccount', {
    handle: `${name}.test`,
    email: `${name}@example.com`,
    password: 'correct horse',
    inviteCode,
  })
}

test('invite create prints codes that let people in', async () => {
  await using server = await startLocus({ args: INVITED })

  const { exitCode, stdout } = await server.run('invite', 'create', '-n', '2')

  const codes = stdout.trimEnd().split('\n')
  expect(exitCode).toBe(0)
  expect(codes).toHaveLength(2)
  await expect(signUp(server.url, 'alice')).rejects.toMatchObject({ error: 'InvalidInviteCode' })
  await signUp(server.url, 'alice', codes[0])
  await expect(signUp(server.url, 'bob', codes[0])).rejects.toMatchObject({ error: 'InvalidInviteCode' })
  await signUp(server.url, 'bob', codes[1])
})

test('invite create --json is a list', async () => {
  await using server = await startLocus()

  const { stdout } = await server.run('invite', 'create', '--json')

  expect(JSON.parse(stdout)).toEqual([expect.stringMatching(/^localhost-[a-z2-7]{5}-[a-z2-7]{5}$/)])
})

test('invite list and show tell who used a code', async () => {
  await using server = await startLocus({ args: INVITED })
  const code = (await server.run('invite', 'create', '--uses', '2')).stdout.trimEnd()
  const unused = (await server.run('invite', 'create')).stdout.trimEnd()
  const { did } = await signUp(server.url, 'alice', code)

  const list = await server.run('invite', 'list')
  const byUser = await server.run('invite', 'list', '--used-by', '@alice.test', '-q')
  const shown = await server.run('invite', 'show', code, '--json')

  expect(list.stdout).toContain(`${unused}\topen\t0\t1\tadmin\tadmin\t`)
  expect(list.stdout).toContain(`${code}\topen\t1\t2\tadmin\tadmin\t`)
  expect(byUser.stdout).toBe(`${code}\n`)
  expect(JSON.parse(shown.stdout)).toMatchObject({ code, used: 1, uses: 2, usedBy: [did] })
})

test('invite disable ends codes, one by one or all of an account', async () => {
  await using server = await startLocus({ args: INVITED })
  const first = (await server.run('invite', 'create')).stdout.trimEnd()
  await signUp(server.url, 'alice', (await server.run('invite', 'create')).stdout.trimEnd())
  const hers = (await server.run('invite', 'create', '-n', '2', '--for', 'alice.test')).stdout
    .trimEnd()
    .split('\n')

  const one = await server.run('invite', 'disable', first)
  const all = await server.run('invite', 'disable', '--all-for', 'alice.test')

  expect([one.exitCode, all.exitCode]).toEqual([0, 0])
  for (const code of [first, ...hers]) {
    await expect(signUp(server.url, 'bob', code)).rejects.toMatchObject({ error: 'InvalidInviteCode' })
  }
  expect((await server.run('invite', 'list', '--open')).stdout).toBe('')
})

test('a code that was never given out is not found, and nothing is disabled with it', async () => {
  await using server = await startLocus()
  const code = (await server.run('invite', 'create')).stdout.trimEnd()

  const shown = await server.run('invite', 'show', 'localhost-aaaaa-aaaaa')
  const disabled = await server.run('invite', 'disable', code, 'localhost-aaaaa-aaaaa')

  expect([shown.exitCode, disabled.exitCode]).toEqual([4, 4])
  expect((await server.run('invite', 'list', '--open', '-q')).stdout).toBe(`${code}\n`)
})

test('numbers that are none, and nothing to disable, are wrong usage', async () => {
  await using server = await startLocus()

  for (const args of [
    ['create', '-n', '0'],
    ['create', '-n', 'x'],
    ['create', '--uses', '1.5'],
    ['disable'],
  ]) {
    expect({ args, exitCode: (await server.run('invite', ...args)).exitCode }).toEqual({ args, exitCode: 2 })
  }
  expect((await server.run('invite', 'create', '-n', '100000')).exitCode).toBe(2)
})
