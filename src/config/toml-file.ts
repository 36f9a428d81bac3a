/** A locus.toml as a flat table: dotted keys to values, with the lines where they stand. */
import { readFileSync } from 'node:fs'
import { parse, TomlDate, TomlError } from 'smol-toml'
import type { ConfigFault } from '#config/errors.ts'
import { messageOf } from '#std/errors.ts'

export interface TomlEntry {
  readonly value: unknown
  /** null when it could not be told */
  readonly line: number | null
}

export interface TomlFile {
  readonly path: string
  readonly entries: ReadonlyMap<string, TomlEntry>
  /** tables by their dotted names, empty ones too */
  readonly tables: ReadonlyMap<string, number | null>
}

/** The file, or why it cannot be used. */
export function readTomlFile(path: string): TomlFile | ConfigFault {
  let content: string
  try {
    content = readFileSync(path, 'utf8')
  } catch (error) {
    const remedy = 'check its path and its permissions; `locus init` makes a new one'
    return { key: path, place: path, problem: `it cannot be read: ${messageOf(error)}`, remedy }
  }
  return parseTomlFile(path, content)
}

export function parseTomlFile(path: string, content: string): TomlFile | ConfigFault {
  try {
    const lines = linesOfKeys(content)
    const entries = new Map<string, TomlEntry>()
    const tables = new Map<string, number | null>()
    flatten(parse(content), '')
    return { path, entries, tables }

    function flatten(table: object, prefix: string): void {
      for (const [name, value] of Object.entries(table)) {
        const key = prefix + name
        const line = lines.get(key) ?? null
        if (isTable(value)) {
          tables.set(key, line)
          flatten(value, `${key}.`)
        } else entries.set(key, { value, line })
      }
    }
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const problem = `it is not TOML: ${error.message.split('\n', 1)[0]?.replace('Invalid TOML document: ', '')}`
    const remedy = `look at line ${error.line}, column ${error.column}; \`locus config template\` prints an example`
    return { key: path, place: `${path}:${error.line}`, problem, remedy }
  }
}

function isTable(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof TomlDate)
}

/**
 * Lines on which keys are given, as a reader of the file would look for them. The parser keeps no positions, and this
 * need not be exact: it only helps to find a key that was parsed.
 */
function linesOfKeys(content: string): Map<string, number> {
  const lines = new Map<string, number>()
  let table = ''
  for (const [index, line] of content.split('\n').entries()) {
    const header = /^\s*\[+([^[\]]+)\]+\s*(#.*)?$/.exec(line)?.[1]
    const key = /^\s*([\w."'\s-]+?)\s*=/.exec(line)?.[1]
    if (header !== undefined) table = `${bare(header)}.`
    const name = header !== undefined ? bare(header) : key === undefined ? null : table + bare(key)
    if (name !== null && !lines.has(name)) lines.set(name, index + 1)
  }
  return lines
}

/** A dotted key without quotes and spaces. */
function bare(key: string): string {
  return key.replace(/["'\s]/g, '')
}
