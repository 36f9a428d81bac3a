/**
 * What settings can hold: for each kind of value how it is read, from typed TOML as from the words of a flag or a
 * variable, how it is written back, and what to say of a value that is none.
 */
import { resolve } from 'node:path'
import { DAY, HOUR, MINUTE, SECOND } from '#std/clock.ts'

export type Parsed<T> = { readonly value: T } | BadValue

export interface BadValue {
  readonly problem: string
  readonly remedy: string
}

/** A value as TOML and JSON write it. */
export type Plain = string | number | boolean | readonly string[]

export interface Kind<T> {
  /** one word for tables */
  readonly name: string
  /** what the words of a flag or variable stand for, in the types of TOML; the words themselves unless given */
  fromWords?(words: string): unknown
  /** @param directory what a relative path is relative to */
  parse(input: unknown, directory: string): Parsed<T>
  plain(value: T): Plain
  /** a value that people recognize, for the commented locus.toml */
  readonly example?: T
}

export function good<T>(value: T): Parsed<T> {
  return { value }
}

export function bad(problem: string, remedy: string): BadValue {
  return { problem, remedy }
}

/** How a value is shown in a message. */
export function quoted(input: unknown): string {
  const text = typeof input === 'string' ? JSON.stringify(input) : String(input)
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`
}

/** A kind of which every value is a string. */
export function stringKind(
  name: string,
  example: string,
  check: (text: string) => Parsed<string>,
): Kind<string> {
  return {
    name,
    example,
    parse: (input) =>
      typeof input === 'string'
        ? check(input.trim())
        : bad(`${quoted(input)} is not a text`, 'put it in quotes'),
    plain: (value) => value,
  }
}

export const text = stringKind('text', 'text', (value) => good(value))

/** An absolute path. Relative ones start where they were written: the file's directory, or the current one. */
export const path: Kind<string> = {
  name: 'path',
  example: '/srv/locus',
  parse: (input, directory) =>
    typeof input === 'string' && !input.includes('\0')
      ? good(resolve(directory, input))
      : bad(`${quoted(input)} is not a path`, 'put it in quotes'),
  plain: (value) => value,
}

const WORDS_OF_BOOLEANS: Record<string, boolean> = {
  true: true,
  '1': true,
  yes: true,
  on: true,
  false: false,
  '0': false,
  no: false,
  off: false,
}

export const boolean: Kind<boolean> = {
  name: 'boolean',
  fromWords: (words) => WORDS_OF_BOOLEANS[words.toLowerCase()] ?? words,
  parse: (input) =>
    typeof input === 'boolean'
      ? good(input)
      : bad(`${quoted(input)} is neither true nor false`, 'use true or false'),
  plain: (value) => value,
}

/** A whole number from `min` to `max`. */
export function integer(name: string, min: number, max = Number.MAX_SAFE_INTEGER): Kind<number> {
  const range = max === Number.MAX_SAFE_INTEGER ? `from ${min} on` : `from ${min} to ${max}`
  return {
    name,
    fromWords: (words) => (/^-?\d+$/.test(words) ? Number(words) : words),
    parse: (input) => {
      const remedy = `use a whole number ${range}`
      if (typeof input !== 'number' || !Number.isSafeInteger(input))
        return bad(`${quoted(input)} is not a whole number`, remedy)
      return input >= min && input <= max ? good(input) : bad(`${input} is out of range`, remedy)
    },
    plain: (value) => value,
  }
}

export const port = integer('port', 0, 65535)

/** One of a few words. */
export function choice<T extends string>(...words: readonly [T, ...T[]]): Kind<T> {
  return {
    name: words.join(' or '),
    parse: (input) => {
      const value = words.find((word) => word === input)
      return value === undefined
        ? bad(`${quoted(input)} is not known`, `use ${words.join(', ')}`)
        : good(value)
    },
    plain: (value) => value,
  }
}

const MILLISECONDS: Record<string, number> = {
  ms: 1,
  s: SECOND,
  m: MINUTE,
  min: MINUTE,
  h: HOUR,
  d: DAY,
  w: 7 * DAY,
}

/** A length of time with its unit, in milliseconds. */
export const duration: Kind<number> = {
  name: 'duration',
  example: 10 * SECOND,
  parse: (input) => {
    if (input === 0 || input === '0') return good(0)
    const match = typeof input === 'string' ? /^(\d+(?:\.\d+)?)\s*([a-z]+)$/.exec(input.trim()) : null
    const factor = MILLISECONDS[match?.[2] ?? '']
    const value = Math.round(Number(match?.[1]) * (factor ?? Number.NaN))
    if (Number.isSafeInteger(value)) return good(value)
    return bad(
      `${quoted(input)} is not a length of time`,
      'give a number and its unit: "500ms", "30s", "10m", "72h", "7d"',
    )
  },
  plain: (value) =>
    withUnit(value, [
      ['d', DAY],
      ['h', HOUR],
      ['m', MINUTE],
      ['s', SECOND],
      ['ms', 1],
    ]),
}

const BYTES: Record<string, number> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}

/** An amount of data, in bytes: a number, or text with a unit. */
export const size: Kind<number> = {
  name: 'size',
  example: 2e9,
  fromWords: (words) => (/^\d+$/.test(words) ? Number(words) : words),
  parse: (input) => {
    if (typeof input === 'number' && Number.isSafeInteger(input) && input >= 0) return good(input)
    const match = typeof input === 'string' ? /^(\d+(?:\.\d+)?)\s*([a-z]+)$/i.exec(input.trim()) : null
    const value = Math.round(Number(match?.[1]) * (BYTES[match?.[2]?.toLowerCase() ?? ''] ?? Number.NaN))
    if (Number.isSafeInteger(value)) return good(value)
    return bad(
      `${quoted(input)} is not a size`,
      'give bytes, or a number and its unit: "300MB", "5MiB", "2GB"',
    )
  },
  plain: (value) => {
    const decimal = withUnit(value, [
      ['GB', 1e9],
      ['MB', 1e6],
      ['kB', 1e3],
      ['B', 1],
    ])
    const binary = withUnit(value, [
      ['GiB', 2 ** 30],
      ['MiB', 2 ** 20],
      ['KiB', 2 ** 10],
      ['B', 1],
    ])
    return binary.length < decimal.length ? binary : decimal
  },
}

/** The largest unit that divides `value`. */
function withUnit(value: number, units: readonly (readonly [unit: string, factor: number])[]): string {
  const [unit, factor] = units.find(([, factor]) => value > 0 && value % factor === 0) ??
    units.at(-1) ?? ['', 1]
  return `${value / factor}${unit}`
}

/** Several values of one kind: an array in TOML, separated by commas in words, of which `none` means an empty one. */
export function list(of: Kind<string>): Kind<readonly string[]> {
  return {
    name: `list of ${of.name}`,
    example: of.example === undefined ? [] : [of.example],
    fromWords: (words) =>
      words.trim() === 'none'
        ? []
        : words
            .split(',')
            .map((word) => word.trim())
            .filter((word) => word !== ''),
    parse: (input, directory) => {
      if (!Array.isArray(input))
        return bad(`${quoted(input)} is not a list`, `write ["..."], also for a single ${of.name}`)
      const values: string[] = []
      for (const item of input) {
        const parsed = of.parse(item, directory)
        if ('problem' in parsed) return parsed
        if (!values.includes(parsed.value)) values.push(parsed.value)
      }
      return good(values)
    },
    plain: (value) => value,
  }
}

/** As it is written in locus.toml. */
export function asToml(value: Plain): string {
  if (typeof value === 'object') return `[${value.map((item) => asToml(item)).join(', ')}]`
  return typeof value === 'string' ? JSON.stringify(value).replaceAll('\u007f', '\\u007f') : String(value)
}

/** As it is written in a flag or a variable. */
export function asWords(value: Plain): string {
  if (typeof value !== 'object') return String(value)
  return value.length === 0 ? 'none' : value.join(',')
}
