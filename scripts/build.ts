/**
 * Compiles the executable: dist/locus for this machine, dist/locus-<target> for others.
 *
 *   bun scripts/build.ts                             this machine
 *   bun scripts/build.ts --if-stale                  only when a source is newer than dist/locus
 *   bun scripts/build.ts --target linux-arm64 ...    other machines (their Bun runtime comes from the npm registry)
 */
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf } from '#std/errors.ts'

const root = join(import.meta.dir, '..')
const dist = join(root, 'dist')
const sources = ['package.json', 'cli', 'migrations', 'scripts', 'src']
const targets = ['linux-x64', 'linux-arm64', 'darwin-arm64', 'linux-x64-musl', 'linux-arm64-musl'] as const
type Target = (typeof targets)[number]

/** Where the executable for this machine is. */
export const executable = join(dist, 'locus')

/** Writes the code that is made from the lexicons, unless it is up to date. */
export function generate(): void {
  run([process.execPath, join(root, 'scripts/lexgen.ts')])
}

/** @throws Error when a step fails; the step has said why */
export function build(target?: Target): void {
  const outfile = target ? `${executable}-${target}` : executable
  const unfinished = `${outfile}.${process.pid}.tmp`
  mkdirSync(dist, { recursive: true })
  generate()
  try {
    run([
      process.execPath,
      'build',
      '--compile',
      '--minify',
      '--bytecode',
      '--sourcemap',
      '--format=esm',
      '--no-compile-autoload-dotenv', // a stray .env or bunfig.toml where the server starts must not change it
      '--no-compile-autoload-bunfig',
      `--define=LOCUS_COMMIT=${JSON.stringify(sourceCommit())}`,
      ...(target ? [`--target=bun-${target}`] : []),
      `--outfile=${unfinished}`,
      join(root, 'cli/main.ts'),
    ])
    renameSync(unfinished, outfile) // an executable that is running cannot be written over
  } finally {
    rmSync(unfinished, { force: true })
    rmSync(`${unfinished}.map`, { force: true }) // it is in the executable as well
  }
}

/** Compiles for this machine when a source has changed since the last time. */
export function buildIfStale(): void {
  const built = statSync(executable, { throwIfNoEntry: false })?.mtimeMs ?? 0
  if (sources.some((source) => newest(join(root, source)) > built)) build()
}

/** The time of the last change at or below `path`; a directory changes when a file is removed from it. */
function newest(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat?.isDirectory()) return stat?.mtimeMs ?? 0
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))))
}

/** Short hash of the commit, with a mark when the sources differ from it; empty outside a git checkout. */
function sourceCommit(): string {
  try {
    const described = Bun.spawnSync(['git', 'describe', '--always', '--dirty', '--exclude=*'], { cwd: root })
    return described.success ? described.stdout.toString().trim() : ''
  } catch {
    return '' // no git here
  }
}

function run(command: string[]): void {
  const { exitCode } = Bun.spawnSync(command, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  if (exitCode !== 0) throw new Error(`failed: ${command.slice(0, 3).join(' ')}`)
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { target: { type: 'string', multiple: true }, 'if-stale': { type: 'boolean' } },
  })
  try {
    if (values.target) for (const target of values.target.map(targetNamed)) build(target)
    else if (values['if-stale']) buildIfStale()
    else build()
  } catch (error) {
    console.error(messageOf(error))
    process.exitCode = 1
  }
}

function targetNamed(name: string): Target {
  const target = targets.find((known) => known === name)
  if (!target) throw new Error(`--target ${name}: the targets are ${targets.join(', ')}`)
  return target
}
