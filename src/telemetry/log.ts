/**
 * Logging: one logger per room, constant lower-case messages, data in fields. Text on a terminal, JSON lines elsewhere,
 * always on stderr (stdout belongs to results). Never give it tokens, passwords, keys, mail addresses, bodies or records.
 */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'
export type LogFields = Record<string, unknown>

const ORDER: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 }

export interface LogOutput {
  level: LogLevel
  format: 'text' | 'json'
  write(line: string): void
}

const output: LogOutput = {
  level: 'info',
  format: process.stderr.isTTY ? 'text' : 'json',
  write: (line) => void process.stderr.write(line),
}

/** Sets level, format or destination for the whole process. */
export function configureLog(settings: Partial<LogOutput>): void {
  Object.assign(output, settings)
}

export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

export function logger(room: string): Logger {
  const at = (level: Exclude<LogLevel, 'silent'>) => (message: string, fields?: LogFields) => {
    if (ORDER[level] < ORDER[output.level]) return
    output.write(
      `${output.format === 'json' ? asJson(level, room, message, fields) : asText(level, room, message, fields)}\n`,
    )
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

function asJson(level: string, room: string, message: string, fields?: LogFields): string {
  return JSON.stringify({ time: new Date().toISOString(), level, room, message, ...plain(fields) })
}

function asText(level: string, room: string, message: string, fields?: LogFields): string {
  const data = Object.entries(plain(fields)).map(([key, value]) => {
    const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
    return ` ${key}=${fields?.[key] instanceof Error ? indented(text) : visible(text)}`
  })
  return `${new Date().toISOString().slice(11, 23)} ${level.padEnd(5)} ${room}: ${message}${data.join('')}`
}

/** What moves the cursor, colours or reorders text on a terminal, or begins a line there. */
const CONTROLS = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** Text that others may have chosen, with escapes in place of what would not show as itself. */
function visible(text: string): string {
  return text.replace(CONTROLS, (control) => ESCAPES[control] ?? `\\u${hexOf(control)}`)
}

const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function hexOf(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(4, '0')
}

/** The lines of a stack, none of which looks like a line of the log. */
function indented(text: string): string {
  return text.split('\n').map(visible).join('\n    ')
}

/** Errors as text: their stack where they are bugs, else what they say. */
function plain(fields: LogFields = {}): LogFields {
  const shown: LogFields = {}
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue
    shown[key] =
      value instanceof Error ? ('kind' in value ? value.message : (value.stack ?? value.message)) : value
  }
  return shown
}
