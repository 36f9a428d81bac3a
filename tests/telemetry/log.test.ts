import { afterEach, expect, test } from 'bun:test'
import { InvalidRequestError } from '#std/errors.ts'
import { configureLog, type LogFields, logger } from '#telemetry/log.ts'

afterEach(() => configureLog({ level: 'silent', write: (line) => void process.stderr.write(line) }))

/** The line of text that is written of `fields`, after its time. */
function textOf(fields: LogFields): string {
  const lines: string[] = []
  configureLog({ level: 'info', format: 'text', write: (line) => void lines.push(line) })
  logger('test').info('something happened', fields)
  return lines.join('').slice('00:00:00.000 '.length)
}

test('text of others cannot begin a line, nor do anything to a terminal', () => {
  const line = textOf({
    method: 'a\n00:00:00.000 error app: forged',
    address: '\u001b[2Jb\r\t\u0085\u009b\u202e',
    list: ['\u009b'],
    error: new InvalidRequestError('c\u001b'),
  })

  expect(line).toBe(
    'info  test: something happened method=a\\n00:00:00.000 error app: forged ' +
      'address=\\u001b[2Jb\\r\\t\\u0085\\u009b\\u202e list=["\\u009b"] error=c\\u001b\n',
  )
})

test('a stack keeps its lines, which do not look like lines of the log', () => {
  const [first, ...others] = textOf({ error: new TypeError('a\n00:00:00.000 error app: forged') })
    .trimEnd()
    .split('\n')

  expect(first).toBe('info  test: something happened error=TypeError: a')
  expect(others.length).toBeGreaterThan(1)
  for (const other of others) expect(other).toStartWith('    ')
})
