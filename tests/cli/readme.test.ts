import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { currentReadme } from '#scripts/readme.ts'
import { TemporaryDirectory } from '#tests/support/directory.ts'
import { buildLocus, startLocus } from '#tests/support/locus.ts'

const root = join(import.meta.dirname, '..', '..')

/** The code blocks of one chapter of the README, in order. */
async function blocks(chapter: string, language: string): Promise<string[]> {
  const text = await Bun.file(join(root, 'README.md')).text()
  const [, part = ''] = text.split(`\n## ${chapter}\n`)
  const own = part.split('\n## ')[0] ?? ''
  return [...own.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(([, code = '']) => code)
}

test('the tables of the README are those of the code', async () => {
  expect(await Bun.file(join(root, 'README.md')).text()).toBe(await currentReadme())
})

test('the five minutes of the README work as they are written', async () => {
  await using server = await startLocus()
  using directory = new TemporaryDirectory()
  const here = (code: string) => code.replaceAll('http://localhost:2583', server.url)
  const [curl = '', operator = ''] = await blocks('Five minutes', 'sh')
  const [program = ''] = await blocks('Five minutes', 'ts')
  const shell = (script: string, env = {}) =>
    Bun.spawnSync(['bash', '-euo', 'pipefail', '-c', script], {
      cwd: directory.path,
      env: { ...process.env, ...env },
    })

  const curled = shell(here(curl))
  const file = join(root, 'dist', `readme-${process.pid}.ts`)
  await Bun.write(file, here(program))
  const ran = Bun.spawnSync([process.execPath, file])
  await Bun.file(file).delete()
  const operated = shell(operator.replaceAll('dist/locus', buildLocus()), {
    LOCUS_DATA_DIRECTORY: server.data,
  })

  expect(curled.stderr.toString()).toBe('')
  expect(curled.stdout.toString()).toContain('"text":"Hello from curl"')
  expect(ran.stderr.toString()).toBe('')
  expect(ran.stdout.toString()).toContain('Hello from @atproto/api')
  expect(operated.exitCode).toBe(0)
  expect(operated.stdout.toString()).toContain('\talice.test\talice@example.com\tactive\t')
  expect(await Bun.file(join(directory.path, 'alice.car')).exists()).toBe(true)
})
