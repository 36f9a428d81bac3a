import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { settingList } from '#config/settings.ts'
import { ConfigDirectory } from '#tests/support/config.ts'

test('a flag wins over LOCUS_ variables, these over PDS_ variables, these over locus.toml, this over the default', () => {
  using directory = new ConfigDirectory()
  const origins: string[] = []
  function portOf(env: Record<string, string>, flags = {}): number {
    const { config, settings } = directory.loadReading(env, flags)
    const read = settings.find(({ setting }) => setting.key === 'port')
    origins.push(`${read?.origin} ${read?.place}`)
    return config.port
  }

  const byDefault = portOf({})
  const file = directory.write('locus.toml', '# a server\nport = 1001\n')
  const byFile = portOf({})
  const byOfficial = portOf({ PDS_PORT: '1002' })
  const byVariable = portOf({ PDS_PORT: '1002', LOCUS_PORT: '1003' })
  const bySet = portOf({ PDS_PORT: '1002', LOCUS_PORT: '1003' }, { set: { port: '1004' } })
  const byFlag = portOf({ PDS_PORT: '1002', LOCUS_PORT: '1003' }, { port: 1005, set: { port: '1004' } })

  expect([byDefault, byFile, byOfficial, byVariable, bySet, byFlag]).toEqual([
    2583, 1001, 1002, 1003, 1004, 1005,
  ])
  expect(origins).toEqual([
    'default default',
    `file ${file}:2`,
    'environment PDS_PORT',
    'environment LOCUS_PORT',
    'flag --set port',
    'flag --port',
  ])
})

test('the environment wins over --env-file, which wins over locus.toml', () => {
  using directory = new ConfigDirectory()
  directory.write('locus.toml', 'port = 1001\n')
  directory.write('pds.env', 'PDS_PORT=1002\nPDS_SERVICE_NAME=Ours\n')

  const fromFile = directory.loadReading({}, { envFile: 'pds.env' })
  const fromEnvironment = directory.loadReading({ PDS_PORT: '1003' }, { envFile: 'pds.env' })

  expect([fromFile.config.port, fromEnvironment.config.port]).toEqual([1002, 1003])
  expect(fromEnvironment.config.serviceName).toBe('Ours')
  const read = fromFile.settings.find(({ setting }) => setting.key === 'port')
  expect(read?.place).toBe(`PDS_PORT in ${join(directory.path, 'pds.env')}:1`)
})

test('an empty variable sets nothing', () => {
  using directory = new ConfigDirectory()

  const config = directory.load({
    LOCUS_PORT: '',
    PDS_PORT: '',
    PDS_CRAWLERS: '',
    PDS_HANDLE_BACKUP_NAMESERVERS: '',
  })

  expect(config).toMatchObject({ port: 2583, crawlers: [], identity: { handleBackupNameservers: [] } })
})

test('two variables that disagree are warned of', () => {
  using directory = new ConfigDirectory()

  const { config, warnings } = directory.loadReading({ LOCUS_PORT: '1', PDS_PORT: '2' })
  const agreeing = directory.loadReading({ LOCUS_PORT: '1', PDS_PORT: '1' })

  expect(config.port).toBe(1)
  expect(warnings).toEqual([
    { key: 'port', place: 'PDS_PORT', message: 'it is not used: LOCUS_PORT sets something else' },
  ])
  expect(agreeing.warnings).toEqual([])
})

test('the data directory is the one named, else that of systemd, else the current one with a locus.toml, else ./locus-data', () => {
  using directory = new ConfigDirectory()
  function found(env: Record<string, string>, flags = {}): string {
    return directory.read({ LOCUS_HOSTNAME: 'a.example', ...env }, flags).dataDirectory
  }

  const fresh = found({})
  const bySystemd = found({ STATE_DIRECTORY: '/var/lib/locus:/var/lib/other' })
  directory.write('locus.toml', '')
  const here = found({})
  const official = found({ PDS_DATA_DIRECTORY: 'elsewhere' })
  const byFlag = found({ PDS_DATA_DIRECTORY: 'elsewhere' }, { data: '/srv/pds' })

  expect([fresh, bySystemd, here, official, byFlag]).toEqual([
    join(directory.path, 'locus-data'),
    '/var/lib/locus',
    directory.path,
    join(directory.path, 'elsewhere'),
    '/srv/pds',
  ])
})

test('a locus.toml elsewhere names the data directory and its paths from where it lies', () => {
  using directory = new ConfigDirectory()
  const file = directory.write('etc/locus.toml', 'data_directory = "../data"\n[blobs]\ndirectory = "blobs"\n')

  const config = directory.load({}, { config: 'etc/locus.toml' })

  expect(config.configFile).toBe(file)
  expect(config.dataDirectory).toBe(join(directory.path, 'data'))
  expect(config.elsewhere.blobs).toBe(join(directory.path, 'etc/blobs'))
})

test('a configuration cannot be changed', () => {
  using directory = new ConfigDirectory()

  const config = directory.load()

  expect(() => Object.assign(config.rateLimits, { enabled: false })).toThrow(TypeError)
  expect(() => Object.assign(config, { port: 1 })).toThrow(TypeError)
})

test('every setting is read, once', () => {
  using directory = new ConfigDirectory()

  const { settings } = directory.loadReading()

  expect(settings.map(({ setting }) => setting.key)).toEqual(settingList.map(({ key }) => key))
})
