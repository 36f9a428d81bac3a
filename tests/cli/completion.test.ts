import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { TemporaryDirectory } from '#tests/support/directory.ts'
import { locus } from '#tests/support/locus.ts'

/** What bash offers for a line that ends where the cursor is. */
async function completions(...words: string[]): Promise<string[]> {
  using directory = new TemporaryDirectory()
  const script = join(directory.path, 'completion.bash')
  await Bun.write(script, (await locus(['completion', 'bash'])).stdout)
  const ask = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _locus; printf "%s\\n" "\${COMPREPLY[@]}"`
  const { stdout, success } = Bun.spawnSync(['bash', '-uc', ask, 'bash', script, 'locus', ...words])
  expect(success).toBe(true)
  return stdout.toString().split('\n').filter(Boolean)
}

test('the bash script is valid', async () => {
  const { stdout } = await locus(['completion', 'bash'])

  const { success, stderr } = Bun.spawnSync(['bash', '-n'], { stdin: Buffer.from(stdout) })

  expect(stderr.toString()).toBe('')
  expect(success).toBe(true)
})

test('bash completes commands, and options where they are understood', async () => {
  expect(await completions('acc')).toEqual(['account'])
  expect(await completions('account', 'cr')).toEqual(['create'])
  expect(await completions('account', 'create', '--gen')).toEqual(['--generate'])
  expect(await completions('version', '--gen')).toEqual([])
})

test('bash completes the values that an option or argument may have', async () => {
  expect(await completions('account', 'list', '--status', '')).toContain('deactivated')
  expect(await completions('completion', 'f')).toEqual(['fish'])
})

test('bash does not take the value of an option for a command', async () => {
  expect(await completions('--data', 'account', 'inv')).toEqual(['invite'])
})

test('every shell has a script that knows all commands', async () => {
  for (const shell of ['bash', 'zsh', 'fish', 'pwsh']) {
    const { stdout, exitCode } = await locus(['completion', shell])

    expect({ shell, exitCode }).toEqual({ shell, exitCode: 0 })
    for (const word of ['account create', 'invite disable', 'export-car', '--password-stdin']) {
      expect(stdout).toContain(shell === 'fish' ? word.replace(/^--/, '-l ') : word)
    }
  }
})

test('an unknown shell is wrong usage', async () => {
  const { exitCode, stderr } = await locus(['completion', 'tcsh'])

  expect(exitCode).toBe(2)
  expect(stderr).toContain('bash, zsh, fish, pwsh')
})
