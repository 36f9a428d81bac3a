/**
 * What may touch what: rooms stand in one order, and each imports only rooms before it, so that cycles cannot exist.
 * This reads the text of the sources: import scanners skip `import type`.
 */
import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { Glob } from 'bun'

const ROOT = join(import.meta.dirname, '..')

/** Foundation first. `migrations` is the folder beside `src`. */
const ROOMS = [
  'std',
  'telemetry',
  'config',
  'db',
  'migrations',
  'lexicon',
  'repo',
  'keys',
  'blob',
  'actor',
  'sequencer',
  'identity',
  'plc',
  'jobs',
  'mail',
  'ratelimit',
  'records',
  'account',
  'moderation',
  'oauth',
  'auth',
  'proxy',
  'federation',
  'backup',
  'app.ts',
  'xrpc',
  'api',
  'web',
  'http',
]

/** Packages and globals that belong to few rooms. The command line's own environment holds its password and terminal. */
const RESERVED: readonly { what: RegExp; rooms: readonly string[]; name: string }[] = [
  { name: 'Elysia', what: /from 'elysia/, rooms: ['http', 'web'] },
  { name: 'the command line', what: /from '(commander|@clack\/|cli-table3)/, rooms: ['cli'] },
  { name: 'the exit code', what: /process\.exit(Code)?\b/, rooms: ['cli'] },
  { name: 'the environment', what: /\b(process|Bun)\.env\b/, rooms: ['config', 'cli'] },
]

const BARRELS = ['src/api/index.ts', 'src/lexicon/index.ts']

interface Source {
  readonly path: string
  /** where it stands: a room, or a folder beside `src` */
  readonly room: string
  readonly text: string
  readonly imports: readonly string[]
}

function sources(...folders: string[]): Source[] {
  return folders.flatMap((folder) =>
    [...new Glob(`${folder}/**/*.ts`).scanSync(ROOT)].map((path) => {
      const text = readFileSync(join(ROOT, path), 'utf8')
      const [first = '', second = ''] = path.split('/')
      const found = text.matchAll(/(?:\bfrom|\bimport|\brequire)\s*\(?\s*'([^']+)'/g)
      return {
        path,
        room: first === 'src' ? second : first,
        text,
        imports: Array.from(found, (match) => match[1] ?? ''),
      }
    }),
  )
}

/** The room that an import names, or null for a package. */
function roomOf(specifier: string): string | null {
  return specifier.startsWith('#') ? (specifier.slice(1).split('/')[0] ?? null) : null
}

describe('the rooms', () => {
  const all = sources('src', 'migrations')

  test('are all in the list, and read', () => {
    expect(all.flatMap(({ imports }) => imports).length).toBeGreaterThan(500)

    expect([...new Set(all.map(({ room }) => room))].filter((room) => !ROOMS.includes(room))).toEqual([])
  })

  test('import only rooms before them', () => {
    const faults = all.flatMap(({ path, room, imports }) =>
      imports
        .filter((specifier) => {
          const other = roomOf(specifier)
          return (
            other !== null &&
            other !== room &&
            !(ROOMS.indexOf(other) >= 0 && ROOMS.indexOf(other) < ROOMS.indexOf(room))
          )
        })
        .map((specifier) => `${path} imports ${specifier}`),
    )

    expect(faults).toEqual([])
  })

  test('keep relative imports within themselves', () => {
    const faults = all.flatMap(({ path, room, imports }) =>
      imports
        .filter((specifier) => specifier.startsWith('.'))
        .filter((specifier) => {
          const target = normalize(join(path, '..', specifier)).split('/')
          return (target[0] === 'src' ? target[1] : target[0]) !== room && !target.at(-1)?.endsWith('.json')
        })
        .map((specifier) => `${path} imports ${specifier}`),
    )

    expect(faults).toEqual([])
  })

  test('have no barrels', () => {
    const found = all.map(({ path }) => path).filter((path) => path.endsWith('/index.ts'))

    expect(found.filter((path) => !BARRELS.includes(path))).toEqual([])
  })
})

for (const { name, what, rooms } of RESERVED) {
  test(`only ${rooms.join(' and ')} may use ${name}`, () => {
    const users = sources('src', 'migrations', 'cli').filter(
      ({ room, text }) => what.test(text) && !rooms.includes(room),
    )

    expect(users.map(({ path }) => path)).toEqual([])
  })
}

test('the command line imports nothing of tests and scripts', () => {
  const faults = sources('cli').flatMap(({ path, imports }) =>
    imports
      .filter((specifier) => /^#(tests|scripts)\//.test(specifier))
      .map((specifier) => `${path} imports ${specifier}`),
  )

  expect(faults).toEqual([])
})
