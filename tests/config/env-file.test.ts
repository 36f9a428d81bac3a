import { describe, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnvFile } from '#config/env-file.ts'
import { ConfigDirectory } from '#tests/support/config.ts'

/** line, value, whose reading it is where docker and a shell differ */
const cases: readonly (readonly [line: string, value: string, taken?: 'docker' | 'shell'])[] = [
  ['A=plain', 'plain'],
  ['A=', ''],
  ['A=https://user.example/path?a=b', 'https://user.example/path?a=b'],
  ['A=a=b=c', 'a=b=c'],
  ['A=a#b', 'a#b'],
  ['A="double quotes"', 'double quotes', 'shell'],
  ["A='single quotes'", 'single quotes', 'shell'],
  ['A="Locus <a@b.example>"', 'Locus <a@b.example>', 'shell'],
  ['A="say \\"hi\\" for \\$5"', 'say "hi" for $5', 'shell'],
  ["A='it'\\''s'", "it's", 'shell'],
  ['A=abc"def"', 'abcdef', 'shell'],
  ['A=value # a comment', 'value', 'shell'],
  ['A="value" # a comment', 'value', 'shell'],
  ['export A=value', 'value', 'shell'],
  ['export A="value"', 'value', 'shell'],
  ['  A=value', 'value'],
  ['A=trailing  ', 'trailing', 'shell'],
  ['A=pa$$word', 'pa$$word', 'docker'],
  ['A=pa$word', 'pa$word', 'docker'],
  ['A=back\\slash', 'back\\slash', 'docker'],
  ['A=a&b', 'a&b', 'docker'],
  ['A=a;b', 'a;b', 'docker'],
  ['A=two words', 'two words', 'docker'],
  ['A=$(reboot)', '$(reboot)', 'docker'],
  ['A=`reboot`', '`reboot`', 'docker'],
  ['A="$(reboot)"', '"$(reboot)"', 'docker'],
  ['A="never closed', '"never closed', 'docker'],
]

test.each(cases.map(([line, value, taken]) => ({ line, value, taken })))(
  'reads $line',
  ({ line, value, taken }) => {
    const { variables, differences, unreadable } = parseEnvFile(line)

    expect(variables).toEqual([{ name: 'A', value, line: 1 }])
    expect(differences.map((difference) => difference.taken)).toEqual(taken ? [taken] : [])
    expect(unreadable).toEqual([])
  },
)

test('fills in variables that stand above, as a shell does', () => {
  const { variables, differences } = parseEnvFile('A=/pds\nB=$' + '{A}/blocks\nC="$A/actors"')

  expect(variables.map(({ value }) => value)).toEqual(['/pds', '/pds/blocks', '/pds/actors'])
  expect(differences.map(({ line, taken }) => [line, taken])).toEqual([
    [2, 'shell'],
    [3, 'shell'],
  ])
})

test('skips comments and empty lines, takes CRLF and a byte order mark, and reports lines that set nothing', () => {
  const { variables, unreadable } = parseEnvFile(
    '\ufeffA=1\r\n\r\n# B=2\r\n  # C=3\r\nwhat is this\r\nD=4\r\n',
  )

  expect(variables).toEqual([
    { name: 'A', value: '1', line: 1 },
    { name: 'D', value: '4', line: 6 },
  ])
  expect(unreadable).toEqual([5])
})

describe('what is called the reading of a shell', () => {
  const plain = cases.filter(
    ([line, , taken]) => taken === 'shell' || (taken === undefined && !line.startsWith(' ')),
  )
  const shell = Bun.which('bash')

  test.skipIf(shell === null)('is what bash reads', async () => {
    using directory = new ConfigDirectory()
    for (const [line, value] of plain) {
      const path = join(directory.path, 'one.env')
      writeFileSync(path, `${line}\n`)

      const read = await Bun.$`bash -c 'set -a; . "$0"; printf %s "$A"' ${path}`.quiet().text()

      expect(`${line} -> ${read}`).toBe(`${line} -> ${value}`)
    }
  })
})

test("the installer's pds.env gives a server, and lines that differ are reported", () => {
  using directory = new ConfigDirectory()
  const path = directory.write(
    'pds.env',
    `PDS_HOSTNAME=pds.example.com
PDS_JWT_SECRET=0123456789abcdef0123456789abcdef
PDS_ADMIN_PASSWORD=0123456789abcdef0123456789abcdef
PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX=${'22'.repeat(32)}
PDS_DATA_DIRECTORY=/pds
PDS_BLOBSTORE_DISK_LOCATION=/pds/blocks
PDS_BLOB_UPLOAD_LIMIT=104857600
PDS_DID_PLC_URL=https://plc.directory
PDS_BSKY_APP_VIEW_URL=https://api.bsky.app
PDS_BSKY_APP_VIEW_DID=did:web:api.bsky.app
PDS_REPORT_SERVICE_URL=https://mod.bsky.app
PDS_REPORT_SERVICE_DID=did:plc:ar7c4by46qjdydhdevvrndac
PDS_CRAWLERS=https://bsky.network
LOG_ENABLED=true
PDS_EMAIL_SMTP_URL="smtps://resend:secret@smtp.resend.com:465/"
PDS_EMAIL_FROM_ADDRESS="Our PDS <admin@example.com>"
`,
  )

  const { config, warnings } = directory.loadReading(
    {
      LOCUS_HOSTNAME: '',
      PDS_JWT_SECRET: '',
      PDS_ADMIN_PASSWORD: '',
      PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: '',
    },
    { envFile: path },
  )

  expect(config).toMatchObject({
    hostname: 'pds.example.com',
    dataDirectory: '/pds',
    elsewhere: { blobs: '/pds/blocks' },
    blobUploadLimit: 104857600,
    plcUrl: 'https://plc.directory',
    appView: { url: 'https://api.bsky.app', did: 'did:web:api.bsky.app' },
    reportService: { url: 'https://mod.bsky.app', did: 'did:plc:ar7c4by46qjdydhdevvrndac' },
    crawlers: ['https://bsky.network'],
    email: { smtpUrl: 'smtps://resend:secret@smtp.resend.com:465/', from: 'Our PDS <admin@example.com>' },
    log: { level: 'info' },
  })
  const quoting = warnings.filter(({ message }) => message.includes('docker'))
  expect(quoting.map(({ key, place }) => `${key} ${place}`)).toEqual([
    `PDS_EMAIL_SMTP_URL ${path}:15`,
    `PDS_EMAIL_FROM_ADDRESS ${path}:16`,
  ])
  expect(JSON.stringify(warnings)).not.toContain('secret@')
})

test('quotes that docker left around a variable are taken away, but belong to a secret', () => {
  using directory = new ConfigDirectory()

  const { config, warnings } = directory.loadReading({
    LOCUS_HOSTNAME: '',
    PDS_HOSTNAME: '"pds.example.com"',
    PDS_ADMIN_PASSWORD: "'a long password'",
  })

  expect(config.hostname).toBe('pds.example.com')
  expect(config.secrets.adminPassword).toBe("'a long password'")
  expect(warnings.map(({ place }) => place).sort()).toEqual(['PDS_ADMIN_PASSWORD', 'PDS_HOSTNAME'])
})

test('a file of variables that is not there stops the start', () => {
  using directory = new ConfigDirectory()

  const { faults } = directory.read({ LOCUS_HOSTNAME: 'a.example' }, { envFile: 'none.env' })

  expect(faults).toMatchObject([{ key: 'env-file', place: join(directory.path, 'none.env') }])
})
