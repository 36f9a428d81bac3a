/**
 * `npm test`: generates and compiles what the tests need, runs them, and says in its last line how many passed.
 * Arguments are file name filters of `bun test`.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildIfStale } from '#scripts/build.ts'

buildIfStale()
const directory = mkdtempSync(join(tmpdir(), 'locus-test-'))
const report = join(directory, 'report.xml')
const { exitCode } = Bun.spawnSync(
  [
    process.execPath,
    'test',
    '--timeout=30000',
    '--reporter=junit',
    `--reporter-outfile=${report}`,
    ...process.argv.slice(2),
  ],
  { cwd: join(import.meta.dir, '..'), stdio: ['ignore', 'inherit', 'inherit'] },
)
const summary =
  /<testsuites [^>]*>/.exec(
    await Bun.file(report)
      .text()
      .catch(() => ''),
  )?.[0] ?? ''
rmSync(directory, { recursive: true })
const [tests, failures, skipped] = ['tests', 'failures', 'skipped'].map(count) as [number, number, number]
const crashed = exitCode !== 0 && failures === 0 // a file that could not be loaded, or no test at all
console.log(
  `${tests - failures - skipped} passed, ${failures + (crashed ? 1 : 0)} failed, ${skipped} skipped`,
)
process.exitCode = exitCode === 0 ? 0 : 1

function count(attribute: string): number {
  return Number(new RegExp(` ${attribute}="(\\d+)"`).exec(summary)?.[1] ?? 0)
}
