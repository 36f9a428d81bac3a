/**
 * `npm test`: generates and compiles what the tests need, runs them, and says in its last line how many passed.
 * Arguments go to `bun test`, such as file name filters.
 */
import { join } from 'node:path'
import { buildIfStale, generate } from '#scripts/build.ts'

const TIMEOUT_MS = 30_000
const SUMMARY_BYTES = 4096

generate()
buildIfStale()
const tests = Bun.spawn([process.execPath, 'test', `--timeout=${TIMEOUT_MS}`, ...process.argv.slice(2)], {
  cwd: join(import.meta.dir, '..'),
  stdio: ['ignore', 'inherit', 'pipe'],
})
let tail = ''
const decoder = new TextDecoder()
for await (const chunk of tests.stderr) {
  process.stderr.write(chunk)
  tail = (tail + decoder.decode(chunk, { stream: true })).slice(-SUMMARY_BYTES)
}
const exitCode = await tests.exited
const failed = counted('fail')
const broken = exitCode !== 0 && failed === 0 // the run itself ended badly, or there was no test
const skipped = counted('skip') + counted('todo')
const rest = skipped > 0 ? `, ${skipped} skipped` : ''
console.log(`${counted('pass')} passed, ${broken ? 1 : failed} failed${rest}`)
process.exitCode = exitCode === 0 ? 0 : 1

/** The number before `word` in the summary that ends the output of `bun test`. */
function counted(word: string): number {
  return Number(new RegExp(`^ *(\\d+) ${word}$`, 'm').exec(tail)?.[1] ?? 0)
}
