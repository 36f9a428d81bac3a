import { expect, test } from 'bun:test'
import { commandEntries } from '#cli/commands.ts'
import { buildLocus, locus, locusOnTerminal } from '#tests/support/locus.ts'

test('--help lists every command with what it does, and teaches by example', async () => {
  const { exitCode, stdout, stderr } = await locus(['--help'])

  expect(exitCode).toBe(0)
  expect(stderr).toBe('')
  for (const { name } of commandEntries) expect(stdout).toMatch(new RegExp(`^  ${name}( .*)?  +\\S`, 'm'))
  expect(stdout).toContain('Examples:')
  expect(stdout).toContain('Exit codes:')
})

test('every command has help with a sentence about it', async () => {
  for (const { name } of commandEntries) {
    const { exitCode, stdout } = await locus([...name.split(' '), '--help'])

    expect({ name, exitCode }).toEqual({ name, exitCode: 0 })
    expect(stdout).toStartWith(`Usage: locus ${name} `)
    expect(stdout).toContain('--json')
  }
})

test('without arguments the help is shown', async () => {
  const bare = await locus([])
  const asked = await locus(['--help'])

  expect(bare).toEqual(asked)
})

test('a noun without its verb is wrong usage and lists the verbs', async () => {
  const { exitCode, stdout, stderr } = await locus(['account'])

  expect(exitCode).toBe(2)
  expect(stdout).toBe('')
  expect(stderr).toContain('account create')
})

test('a mistyped command is wrong usage and suggests the right one', async () => {
  const { exitCode, stderr } = await locus(['acount', 'list'])

  expect(exitCode).toBe(2)
  expect(stderr).toContain('Did you mean account?')
})

test('a mistyped verb is suggested even where words of other commands follow', async () => {
  const { exitCode, stderr } = await locus(['account', 'shwo', 'version'])

  expect(exitCode).toBe(2)
  expect(stderr).toContain('Did you mean show?')
})

test('an unknown option is wrong usage', async () => {
  const { exitCode, stderr, stdout } = await locus(['version', '--nonsense'])

  expect(exitCode).toBe(2)
  expect(stdout).toBe('')
  expect(stderr).toContain("unknown option '--nonsense'")
})

test('options that exclude one another are wrong usage', async () => {
  const { exitCode, stderr } = await locus(['version', '--json', '--quiet'])

  expect(exitCode).toBe(2)
  expect(stderr).toContain('cannot be used with')
})

test('version says which build this is, in every format', async () => {
  const piped = await locus(['version'])
  const json = await locus(['version', '--json'])
  const lines = await locus(['--jsonl', 'version'])
  const quiet = await locus(['version', '-q'])
  const terminal = await locusOnTerminal(['version'])
  const option = await locus(['--version'])

  const { version } = await Bun.file('package.json').json()
  expect(piped.stdout).toStartWith(`version\t${version}\ncommit\t`)
  expect(JSON.parse(json.stdout)).toMatchObject({ version, bun: Bun.version })
  expect(JSON.parse(lines.stdout)).toEqual(JSON.parse(json.stdout))
  expect(quiet.stdout).toBe(`${version}\n`)
  expect(option).toEqual(quiet)
  expect(terminal.screen).toMatch(new RegExp(`version.*  ${version}`))
})

test('a terminal gets colour, unless NO_COLOR is set', async () => {
  const coloured = await locusOnTerminal(['version'])
  const plain = await locusOnTerminal(['version'], { env: { NO_COLOR: '1' } })

  expect(coloured.screen).toContain('\x1b[2m')
  expect(plain.screen).not.toContain('\x1b')
})

test('a reader that leaves early is no failure', async () => {
  const script = 'set -o pipefail; "$0" completion zsh | head -c 1 > /dev/null; echo $?'
  const pipeline = Bun.spawn(['bash', '-c', script, buildLocus()], { stdout: 'pipe', stderr: 'pipe' })

  expect(await pipeline.stdout.text()).toBe('0\n')
  expect(await pipeline.stderr.text()).toBe('')
})
