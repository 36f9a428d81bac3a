import { expect, test } from 'bun:test'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { withPorts } from '#config/config.ts'
import { ConfigError } from '#config/errors.ts'
import { reloadConfig } from '#config/load.ts'
import { ConfigDirectory } from '#tests/support/config.ts'

test('a reload takes what can change while a server runs, and tells what waits for the next start', () => {
  using directory = new ConfigDirectory()
  directory.write(
    'locus.toml',
    'port = 1001\n[log]\nlevel = "info"\n[service]\ncontact_email = "a@b.example"\n',
  )
  const current = directory.loadReading()
  directory.write('locus.toml', 'port = 1002\n[log]\nlevel = "debug"\n')

  const { loaded, changed } = reloadConfig(current)

  expect(loaded.config).toMatchObject({ port: 1001, log: { level: 'debug' }, contactEmail: null })
  expect(changed).toEqual([
    { key: 'port', applied: false },
    { key: 'service.contact_email', applied: true },
    { key: 'log.level', applied: true },
  ])
  expect(current.config.log.level).toBe('info')
})

test('what waits for the next start is told at each reload until then', () => {
  using directory = new ConfigDirectory()
  directory.write('locus.toml', 'port = 1001\n')
  const current = directory.loadReading()
  directory.write('locus.toml', 'port = 1002\n')

  const first = reloadConfig(current)
  const second = reloadConfig(first.loaded)

  expect(second.loaded.config.port).toBe(1001)
  expect(second.changed).toEqual([{ key: 'port', applied: false }])
})

test('a reload without a change changes nothing', () => {
  using directory = new ConfigDirectory()
  directory.write('locus.toml', 'port = 1001\n')
  const current = directory.loadReading()

  const { loaded, changed } = reloadConfig(current)

  expect(changed).toEqual([])
  expect(loaded.config).toEqual(current.config)
})

test('a reload with a fault is refused, and leaves the configuration in use as it is', () => {
  using directory = new ConfigDirectory()
  directory.write('locus.toml', 'port = 1001\n')
  const current = directory.loadReading()
  directory.write('locus.toml', 'port = 1002\n[log]\nlevel = "loud"\n')

  expect(() => reloadConfig(current)).toThrow(ConfigError)
  expect(current.config.port).toBe(1001)
})

test('a secret that is not reloadable survives the loss of its file while the server runs', () => {
  using directory = new ConfigDirectory()
  const path = directory.write('secrets/dpop-secret', 'ab'.repeat(32))
  directory.write('locus.toml', '')
  const current = directory.loadReading()
  rmSync(path)

  const { loaded, changed } = reloadConfig(current)

  expect(loaded.config.secrets.dpopSecret).toBe('ab'.repeat(32))
  expect(changed).toEqual([{ key: 'secrets.dpop_secret', applied: false }])
})

test('URLs follow the ports that were found free', () => {
  using directory = new ConfigDirectory()
  const config = directory.load(
    { LOCUS_HOSTNAME: '' },
    { dev: true, port: 0, plcPort: 0, data: join(directory.path, 'd') },
  )

  const listening = withPorts(config, { port: 4001, plcPort: 4002 })

  expect(listening).toMatchObject({
    port: 4001,
    publicUrl: 'http://localhost:4001',
    plcUrl: 'http://localhost:4002',
    embeddedPlc: { port: 4002 },
  })
})

test('the public URL of a server with a name does not depend on its port', () => {
  using directory = new ConfigDirectory()

  const listening = withPorts(directory.load(), { port: 4001, plcPort: 4002 })

  expect(listening).toMatchObject({
    publicUrl: 'https://pds.example.com',
    plcUrl: 'https://plc.directory',
    embeddedPlc: null,
  })
})
