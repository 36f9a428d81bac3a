import { expect, test } from 'bun:test'
import { asToml, asWords, duration, type Kind, size } from '#config/kinds.ts'
import { settingList } from '#config/settings.ts'

const HOUR = 3_600_000

const durations: readonly (readonly [text: unknown, ms: number | null, written?: string])[] = [
  ['500ms', 500, '500ms'],
  ['30s', 30_000, '30s'],
  ['1.5s', 1500, '1500ms'],
  ['10m', 600_000, '10m'],
  ['10min', 600_000, '10m'],
  ['72h', 72 * HOUR, '3d'],
  ['36h', 36 * HOUR, '36h'],
  ['2w', 14 * 24 * HOUR, '14d'],
  ['5 s', 5000, '5s'],
  [0, 0, '0ms'],
  ['0', 0, '0ms'],
  ['3000', null],
  [3000, null],
  ['-1s', null],
  ['1y', null],
  ['', null],
  [true, null],
  ['9999999999999999999d', null],
]

test.each(durations.map(([text, ms, written]) => ({ text, ms, written })))(
  '$text as a duration',
  ({ text, ms, written }) => {
    check(duration, text, ms, written)
  },
)

const sizes: readonly (readonly [text: unknown, bytes: number | null, written?: string])[] = [
  [150_000, 150_000, '150kB'],
  ['150000B', 150_000, '150kB'],
  ['300MB', 300_000_000, '300MB'],
  ['300 mb', 300_000_000, '300MB'],
  ['300MiB', 314_572_800, '300MiB'],
  ['1.5GiB', 1_610_612_736, '1536MiB'],
  ['2GB', 2_000_000_000, '2GB'],
  ['512KiB', 524_288, '512KiB'],
  [1001, 1001, '1001B'],
  [0, 0, '0B'],
  ['300', null],
  ['300M', null],
  [1.5, null],
  [-1, null],
  ['9999999TB', null],
]

test.each(sizes.map(([text, bytes, written]) => ({ text, bytes, written })))(
  '$text as a size',
  ({ text, bytes, written }) => {
    check(size, text, bytes, written)
  },
)

function check(kind: Kind<number>, input: unknown, value: number | null, written: string | undefined): void {
  const parsed = kind.parse(input, '/')
  if (value === null) {
    expect(parsed).toHaveProperty('problem')
    return
  }

  expect(parsed).toEqual({ value })
  expect(kind.plain(value)).toBe(written ?? '')
  expect(kind.parse(kind.plain(value), '/')).toEqual({ value })
}

test('every default and every example reads back as it was written, in TOML and in words', () => {
  for (const { key, kind, fallback, developmentFallback } of settingList) {
    const invented = key === 'plc.recovery_did_key' ? undefined : kind.example
    for (const value of [fallback, developmentFallback, invented]) {
      if (value === null || value === undefined) continue
      const plain = kind.plain(value)
      const words = asWords(plain)

      expect([key, kind.parse(plain, '/')]).toEqual([key, { value }])
      expect([key, kind.parse(kind.fromWords ? kind.fromWords(words) : words, '/')]).toEqual([key, { value }])
    }
  }
})

test('texts are written as TOML strings', () => {
  expect(asToml('a "b"\n\\ \u007f')).toBe('"a \\"b\\"\\n\\\\ \\u007f"')
  expect(asToml(['a', 'b'])).toBe('["a", "b"]')
  expect(asToml(true)).toBe('true')
  expect(asWords([])).toBe('none')
})

test('settings have keys, variables and sentences that are their own', () => {
  const keys = settingList.map(({ key }) => key)
  const variables = settingList.map(({ variable }) => variable)

  expect(new Set(keys).size).toBe(keys.length)
  expect(new Set(variables).size).toBe(variables.length)
  for (const { key, variable, sentence } of settingList) {
    expect(key).toMatch(/^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$/)
    expect(variable).toMatch(/^LOCUS_[A-Z0-9_]+$/)
    expect(sentence).toMatch(/^\S.*\.$/)
  }
})
