/** The compiled executable: built once per test run, called as an operator calls it, or started as a server. */
import { tmpdir } from 'node:os'
import { buildIfStale, executable } from '#scripts/build.ts'

export interface Finished {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly stdin?: string | Uint8Array
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

export interface StartOptions extends RunOptions {
  /** a fresh directory when not given, which goes away with the server */
  readonly data?: string
  /** what follows `serve`; a development server on free ports when not given */
  readonly args?: readonly string[]
}

let isBuilt = false

/** Compiles what is not up to date, once. @returns the path of the executable */
export function buildLocus(): string {
  if (!isBuilt) buildIfStale()
  isBuilt = true
  return executable
}

/** Runs one command to its end. The environment has no LOCUS_ or PDS_ variables but those given. */
export async function locus(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const child = Bun.spawn([buildLocus(), ...args], {
    cwd: options.cwd ?? tmpdir(),
    env: environment(options.env),
    stdin: options.stdin === undefined ? 'ignore' : Buffer.from(options.stdin),
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [stdout, stderr, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ])
  return { exitCode, stdout, stderr }
}

/** Runs one command on a pseudo-terminal; `type` is sent once each of its texts has been asked for. */
export async function locusOnTerminal(
  args: readonly string[],
  { type = [], ...options }: RunOptions & { type?: readonly { after: string; text: string }[] } = {},
): Promise<{ exitCode: number | null; screen: string }> {
  let screen = ''
  const awaited = [...type]
  const child = Bun.spawn([buildLocus(), ...args], {
    cwd: options.cwd ?? tmpdir(),
    env: { ...environment(options.env), TERM: 'xterm' },
    terminal: {
      cols: 200,
      rows: 50,
      data(terminal, data) {
        screen += Buffer.from(data).toString()
        const [next] = awaited
        if (!next || !screen.includes(next.after)) return
        awaited.shift()
        terminal.write(next.text)
      },
    },
  })
  const exitCode = await child.exited
  return { exitCode, screen }
}

function environment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const inherited = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !/^(LOCUS|PDS)_|^NO_COLOR$/.test(entry[0]),
  )
  return { ...Object.fromEntries(inherited), ...extra }
}
