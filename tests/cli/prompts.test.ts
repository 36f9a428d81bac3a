import { expect, test } from 'bun:test'
import { type LocusServer, locusOnTerminal, startLocus } from '#tests/support/locus.ts'

async function create(server: LocusServer, name: string): Promise<void> {
  const email = `${name}@example.com`
  const args = ['account', 'create', `${name}.test`, '--email', email, '--generate', '--show-secret']
  expect((await server.run(...args)).exitCode).toBe(0)
}

test('on a terminal, what is missing is asked for', async () => {
  await using server = await startLocus()

  const { exitCode, screen } = await locusOnTerminal(['account', 'create', '--data', server.data], {
    type: [
      { after: 'Handle', text: 'alice.test\r' },
      { after: 'E-mail address', text: 'alice@example.com\r' },
      { after: 'New password', text: 'correct\r' },
      { after: 'at least 8', text: ' horse\r' },
      { after: 'Once more', text: 'correct horse\r' },
    ],
  })

  expect(exitCode).toBe(0)
  expect(screen).not.toContain('correct')
  expect((await server.run('account', 'show', 'alice@example.com')).exitCode).toBe(0)
})

test('on a terminal, a deletion wants the handle to be typed', async () => {
  await using server = await startLocus()
  await create(server, 'alice')

  const { exitCode } = await locusOnTerminal(['account', 'delete', 'alice.test', '--data', server.data], {
    type: [{ after: 'Type alice.test', text: 'alice.test\r' }],
  })

  expect(exitCode).toBe(0)
  expect((await server.run('account', 'show', 'alice.test')).exitCode).toBe(4)
})

test('Ctrl-C at a question ends the command with nothing done', async () => {
  await using server = await startLocus()
  await create(server, 'alice')

  const { exitCode } = await locusOnTerminal(['account', 'delete', 'alice.test', '--data', server.data], {
    type: [{ after: 'Type alice.test', text: '\x03' }],
  })

  expect(exitCode).toBe(130)
  expect((await server.run('account', 'show', 'alice.test')).exitCode).toBe(0)
})

test('Ctrl-C at the question for one account asks for none of the others', async () => {
  await using server = await startLocus()
  await create(server, 'alice')
  await create(server, 'bob')

  const args = ['account', 'delete', 'alice.test', 'bob.test', '--data', server.data]
  const { exitCode, screen } = await locusOnTerminal(args, {
    type: [{ after: 'Type alice.test', text: '\x03' }],
  })

  expect(exitCode).toBe(130)
  expect(screen).not.toContain('Type bob.test')
})

test('a terminal gets a table with titles, and times for people', async () => {
  await using server = await startLocus()
  await create(server, 'alice')

  const { exitCode, screen } = await locusOnTerminal(['account', 'list', '--data', server.data], {
    env: { NO_COLOR: '1' },
  })

  const [titles, row] = screen.split('\r\n')
  expect(exitCode).toBe(0)
  expect(titles).toMatch(/^DID +handle +e-mail +status +created$/)
  expect(row).toMatch(/^did:plc:\S+ +alice\.test +alice@example\.com +active +\d{4}-\d\d-\d\d \d\d:\d\d$/)
})

test('a terminal is told when there is nothing to list', async () => {
  await using server = await startLocus()

  const { screen } = await locusOnTerminal(['account', 'list', '--data', server.data])

  expect(screen).toBe('none\r\n')
})
