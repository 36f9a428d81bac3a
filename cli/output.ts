/**
 * What commands print. stdout carries only the result: on a terminal an aligned table with sizes and times for people,
 * elsewhere tab-separated values without a header and with raw numbers; or `--json`, `--jsonl`, or with `-q` identifiers
 * alone. Everything else (progress, notes, questions, errors) goes to stderr.
 *
 * A secret is shown on a terminal; elsewhere only with `--show-secret`, so that it does not land in a log by accident.
 */
import type { Command } from 'commander'
import { exitCodes, usageError } from '#cli/errors.ts'
import { type GlobalOptions, globalOptionsOf } from '#cli/options.ts'

/** How a field is shown to people. Scripts get the plain value of all but secrets. */
export type FieldKind = 'text' | 'number' | 'bytes' | 'time' | 'flag' | 'secret'

export interface Field<Row> {
  readonly key: keyof Row & string
  /** the column's title, when it is not the key */
  readonly title?: string
  readonly kind?: FieldKind
}

export interface Shape<Row> {
  /** what `-q` prints */
  readonly id: (row: Row) => string
  readonly fields: readonly Field<Row>[]
}

/** Stands among the rows of a list in the place of one that could not be had. Only JSON shows it: stderr tells the rest. */
export class FailedRow {
  constructor(
    readonly failure: { readonly account: string; readonly error: string; readonly message: string },
  ) {}
}

type Format = 'table' | 'tsv' | 'json' | 'jsonl' | 'quiet'

/** Prints rows, in the order they come. In a stream (`--jsonl`, `-q`, piped) each is printed when it is there. */
export async function printList<Row extends object>(
  command: Command,
  rows: Iterable<Row | FailedRow> | AsyncIterable<Row | FailedRow>,
  shape: Shape<Row>,
): Promise<void> {
  const format = formatOf(command)
  const hidden = hiddenKeys(command, shape)
  const asJson = (row: Row | FailedRow) => (row instanceof FailedRow ? row.failure : visible(row, hidden))
  if (format === 'table' || format === 'json') {
    const all: (Row | FailedRow)[] = []
    for await (const row of rows) all.push(row)
    const had = all.flatMap((row) => (row instanceof FailedRow ? [] : [row]))
    if (format === 'json') write(JSON.stringify(all.map(asJson), null, 2))
    else if (all.length === 0) note('none')
    else if (had.length > 0) write(await table(had, shape))
    return
  }
  for await (const row of rows) {
    if (format === 'jsonl') write(JSON.stringify(asJson(row)))
    else if (row instanceof FailedRow) continue
    else if (format === 'quiet') write(plain(shape.id(row)))
    else
      write(
        shownFields(shape, hidden)
          .map((field) => plain(row[field.key]))
          .join('\t'),
      )
  }
}

/** Prints one thing: a line for each of its fields. */
export async function printOne<Row extends object>(
  command: Command,
  row: Row,
  shape: Shape<Row>,
): Promise<void> {
  const format = formatOf(command)
  const hidden = hiddenKeys(command, shape)
  if (format === 'quiet') return write(plain(shape.id(row)))
  if (format === 'json') return write(JSON.stringify(visible(row, hidden), null, 2))
  if (format === 'jsonl') return write(JSON.stringify(visible(row, hidden)))
  const fields = shownFields(shape, hidden).filter(
    ({ key }) => format === 'tsv' || (row[key] !== null && row[key] !== undefined),
  )
  if (format === 'tsv') return write(fields.map(({ key }) => `${key}\t${plain(row[key])}`).join('\n'))
  const width = Math.max(...fields.map((field) => titleOf(field).length))
  write(
    fields
      .map((field) => `${dim(titleOf(field).padEnd(width))}  ${human(row[field.key], field.kind)}`)
      .join('\n'),
  )
}

/** Prints identifiers, one per line, or as a JSON list. */
export function print(command: Command, ids: readonly string[]): void {
  const format = formatOf(command)
  if (format === 'json') write(JSON.stringify(ids, null, 2))
  else if (format === 'jsonl') for (const id of ids) write(JSON.stringify(id))
  else for (const id of ids) write(plain(id))
}

/** Prints text as it is, in every format: a script, a template, a help page. */
export function printText(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
}

/** Says something on stderr that is not part of the result. */
export function note(text: string): void {
  process.stderr.write(`${text.split('\n').map(plain).join('\n')}\n`)
}

/**
 * Refuses, before anything is done, to make a secret that could not be shown.
 * @throws CommandError (usage) when stdout is no terminal and `--show-secret` is absent
 */
export function requireSecretOutput(command: Command, what: string): void {
  if (secretsAreShown(command)) return
  throw usageError(
    `${what} would be printed only once, and the output is not a terminal`,
    'add --show-secret to print it all the same',
  )
}

export function secretsAreShown(command: Command): boolean {
  return process.stdout.isTTY === true || globalOptionsOf(command).showSecret === true
}

/** True when people read stdout: what is printed may then be prose. */
export function isForPeople(command: Command): boolean {
  return formatOf(command) === 'table'
}

/** 1,234,567 -> "1.2 MB" */
export function humanSize(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let size = bytes
  let unit = 0
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1000
    unit++
  }
  return `${unit === 0 || size >= 99.5 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`
}

function formatOf(command: Command): Format {
  const options: GlobalOptions = globalOptionsOf(command)
  if (options.json) return 'json'
  if (options.jsonl) return 'jsonl'
  if (options.quiet) return 'quiet'
  return process.stdout.isTTY ? 'table' : 'tsv'
}

function hiddenKeys<Row>(command: Command, shape: Shape<Row>): ReadonlySet<string> {
  if (secretsAreShown(command)) return new Set()
  return new Set(shape.fields.filter(({ kind }) => kind === 'secret').map(({ key }) => key))
}

function shownFields<Row>(shape: Shape<Row>, hidden: ReadonlySet<string>): readonly Field<Row>[] {
  return shape.fields.filter(({ key }) => !hidden.has(key))
}

function visible<Row extends object>(row: Row, hidden: ReadonlySet<string>): object {
  return Object.fromEntries(Object.entries(row).filter(([key]) => !hidden.has(key)))
}

async function table<Row>(rows: readonly Row[], shape: Shape<Row>): Promise<string> {
  const { default: Table } = await import('cli-table3')
  const borders = { top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '' }
  const none = { 'bottom-left': '', 'bottom-right': '', left: '', 'left-mid': '', mid: '', 'mid-mid': '' }
  const lines = new Table({
    chars: { ...borders, ...none, right: '', 'right-mid': '', middle: '  ' },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    head: shape.fields.map((field) => dim(titleOf(field))),
    colAligns: shape.fields.map(({ kind }) => (kind === 'bytes' || kind === 'number' ? 'right' : 'left')),
  })
  for (const row of rows) lines.push(shape.fields.map(({ key, kind }) => human(row[key], kind)))
  return lines
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

function titleOf<Row>(field: Field<Row>): string {
  return field.title ?? field.key.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase()
}

/** For people: sizes and times to read, control characters of foreign text made harmless. */
function human(value: unknown, kind: FieldKind = 'text'): string {
  if (value === null || value === undefined) return ''
  if (kind === 'bytes' && typeof value === 'number') return humanSize(value)
  if (kind === 'number' && typeof value === 'number') return value.toLocaleString('en')
  if (kind === 'flag') return value === true ? 'yes' : 'no'
  if (kind === 'time' && typeof value === 'string') return value.slice(0, 16).replace('T', ' ')
  return plain(value)
}

/** For scripts: one line, no tabs. */
function plain(value: unknown): string {
  if (value === null || value === undefined) return ''
  const text = Array.isArray(value) ? value.join(' ') : String(value)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => {
    const named: Record<string, string> = { '\t': '\\t', '\n': '\\n', '\r': '\\r' }
    return named[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}

/** Colour on terminals that have it; `hasColors` knows NO_COLOR. */
function dim(text: string): string {
  return process.stdout.isTTY && process.stdout.hasColors() ? `\x1b[2m${text}\x1b[22m` : text
}

function write(text: string): void {
  process.stdout.write(`${text}\n`)
}

/**
 * A reader that has seen enough (`| head`) is no failure, and a terminal that is gone (EIO) is told of by SIGHUP. When
 * nobody reads stderr any more, there is nobody to tell.
 */
export function endWhenReaderLeaves(): void {
  process.stdout.on('error', (error: Error & { code?: string }) => {
    if (error.code === 'EPIPE') process.exit(exitCodes.ok)
    if (error.code !== 'EIO') throw error
  })
  process.stderr.on('error', () => {})
}
