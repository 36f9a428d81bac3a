import { expect, test } from 'bun:test'
import { fileKeyOf } from '#config/setting.ts'
import { settingList } from '#config/settings.ts'
import { configTemplate } from '#config/template.ts'
import { parseTomlFile } from '#config/toml-file.ts'
import { ConfigDirectory } from '#tests/support/config.ts'

test('the template sets nothing', () => {
  using directory = new ConfigDirectory()
  const { configFile: _, ...before } = directory.load()
  directory.write('locus.toml', configTemplate())

  const { configFile, ...after } = directory.load()

  expect(configFile).not.toBeNull()
  expect({ ...after, dataDirectory: before.dataDirectory }).toEqual(before)
})

test('the template names every setting, in its table, and stays TOML when it is uncommented', () => {
  const uncommented = configTemplate().replaceAll(/^#([a-z0-9_]+ = )/gm, '$1')

  const parsed = parseTomlFile('template', uncommented)

  expect('entries' in parsed ? [...parsed.entries.keys()] : parsed).toEqual(settingList.map(fileKeyOf))
})

test('defaults and examples of the template are values that the settings take', () => {
  using directory = new ConfigDirectory()
  const uncommented = configTemplate()
    .replaceAll(/^#([a-z0-9_]+ = )/gm, '$1')
    .replaceAll(/^(recovery_did_key|did|bucket|\w+_file) = .*$/gm, '')
  directory.write('locus.toml', uncommented)

  const { faults } = directory.read()

  expect(faults.map(({ key, problem }) => `${key}: ${problem}`)).toEqual([
    'email.from_address: email.smtp_url is not set',
    'email.moderation_address: email.moderation_smtp_url is not set',
    'app_view.url: app_view.did is not set',
    'mod_service.url: mod_service.did is not set',
    'report_service.url: report_service.did is not set',
  ])
})
