import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigDirectory } from '#tests/support/config.ts'

const PRODUCTION = 'hostname = "pds.example.com"\ncrawlers = ["https://relay.example"]\n'

function dataIn(directory: ConfigDirectory): string {
  return join(directory.path, 'data')
}

test('--dev contradicts a locus.toml that does not say dev = true', () => {
  for (const file of [PRODUCTION, `dev = false\n${PRODUCTION}`, '']) {
    using directory = new ConfigDirectory()
    directory.write('data/locus.toml', file)

    const { faults } = directory.read({}, { data: dataIn(directory), dev: true })

    expect(faults).toMatchObject([{ key: 'dev', place: '--dev' }])
    expect(faults[0]?.problem).toContain('locus.toml')
    expect(faults[0]?.remedy).toContain('--data')
  }
})

test('neither the environment nor another file makes production data those of development', () => {
  using directory = new ConfigDirectory()
  directory.write('data/locus.toml', PRODUCTION)
  const other = directory.write('other.toml', 'dev = true\n')
  const data = dataIn(directory)

  expect(directory.read({ LOCUS_DEV: 'true' }, { data }).faults).toMatchObject([
    { key: 'dev', place: 'LOCUS_DEV' },
  ])
  expect(directory.read({}, { data, config: other }).faults).toMatchObject([{ key: 'dev' }])
})

test('data without a locus.toml are those of a production server', () => {
  using directory = new ConfigDirectory()
  directory.write('data/service.sqlite', '')

  expect(directory.read({}, { data: dataIn(directory), dev: true }).faults).toMatchObject([{ key: 'dev' }])
})

test('a development directory is marked as one, also when its settings come from another file', () => {
  using directory = new ConfigDirectory()
  const config = directory.write('other.toml', 'durability = "relaxed"\n')
  const data = dataIn(directory)

  directory.load({ LOCUS_HOSTNAME: '' }, { data, config, dev: true })
  directory.write('data/service.sqlite', '')

  expect(directory.load({ LOCUS_HOSTNAME: '' }, { data, config, dev: true }).dev).toBe(true)
  expect(directory.load({ LOCUS_HOSTNAME: '' }, { data }).dev).toBe(true)
})

test('a development directory keeps name and ports, but no port that was any free one', () => {
  using directory = new ConfigDirectory()
  const data = dataIn(directory)

  const env = { LOCUS_HOSTNAME: '' }
  directory.load(env, { data, dev: true, port: 36001, plcPort: 0 })
  const again = directory.load(env, { data })
  const moved = directory.load(env, { data, port: 36002 })

  expect(readFileSync(join(data, 'locus.toml'), 'utf8')).not.toContain('plc')
  expect(again.publicUrl).toBe('http://localhost:36001')
  expect(again.warnings).toEqual([])
  expect(moved.publicUrl).toBe('http://localhost:36002')
  expect(moved.warnings).toMatchObject([
    { key: 'port', place: '--port', message: expect.stringContaining('http://localhost:36001') },
  ])
})

test('a development server asks relays elsewhere only on the word of a variable or a flag', () => {
  using directory = new ConfigDirectory()
  const data = dataIn(directory)
  const file = 'dev = true\ncrawlers = ["https://relay.example", "http://localhost:2470"]\n'
  directory.write('data/locus.toml', file)
  const env = { LOCUS_HOSTNAME: '' }

  const byFile = directory.load(env, { data })
  const byVariable = directory.load({ ...env, PDS_CRAWLERS: 'https://relay.example' }, { data })
  const byFlag = directory.load(env, { data, set: { crawlers: 'https://relay.example' } })

  expect(byFile.crawlers).toEqual(['http://localhost:2470'])
  expect(byFile.warnings).toMatchObject([
    { key: 'crawlers', message: expect.stringContaining('LOCUS_CRAWLERS') },
  ])
  expect(byVariable.crawlers).toEqual(['https://relay.example'])
  expect(byFlag.crawlers).toEqual(['https://relay.example'])
})
