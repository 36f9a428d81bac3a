import { expect, test } from 'bun:test'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Secp256k1Keypair } from '@atproto/crypto'
import { TemporaryDirectory } from '#tests/support/directory.ts'
import { locus, locusOnTerminal } from '#tests/support/locus.ts'

test('key generate makes a key that @atproto/crypto takes for the same did:key', async () => {
  const { stdout } = await locus(['key', 'generate', '--json', '--show-secret'])

  const { did, secretHex } = JSON.parse(stdout)
  const pair = await Secp256k1Keypair.import(secretHex)
  expect(pair.did()).toBe(did)
})

test('key generate prints no secret into a pipe unless told to', async () => {
  const { exitCode, stdout, stderr } = await locus(['key', 'generate'])

  expect(exitCode).toBe(2)
  expect(stdout).toBe('')
  expect(stderr).toContain('--show-secret')
})

test('key generate shows the secret on a terminal', async () => {
  const { exitCode, screen } = await locusOnTerminal(['key', 'generate'])

  expect(exitCode).toBe(0)
  expect(screen).toMatch(/secret \(hex\).*[0-9a-f]{64}/)
})

test('key generate writes a file that only its owner can read, and never over another', async () => {
  using directory = new TemporaryDirectory()
  const file = join(directory.path, 'recovery.key')

  const first = await locus(['key', 'generate', '-o', file, '-q'])
  const written = readFileSync(file, 'utf8')
  const second = await locus(['key', 'generate', '-o', file])

  expect(first).toMatchObject({ exitCode: 0, stderr: '' })
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(second.exitCode).toBe(5)
  expect(readFileSync(file, 'utf8')).toBe(written)
  expect((await locus(['key', 'inspect', '--file', file, '-q'])).stdout).toBe(first.stdout)
})

for (const type of ['k256', 'p256']) {
  test(`key inspect reads every form of a ${type} key`, async () => {
    const { stdout } = await locus(['key', 'generate', '--type', type, '--json', '--show-secret'])
    const { did, secretHex, secretMultikey } = JSON.parse(stdout)

    const byHex = await locus(['key', 'inspect', '-', '--type', type], { stdin: secretHex })
    const byMultikey = await locus(['key', 'inspect', '-'], { stdin: secretMultikey })
    const byDid = await locus(['key', 'inspect', did])
    const byPublicMultikey = await locus(['key', 'inspect', did.slice('did:key:'.length)])

    expect(byHex.stdout).toBe(`type\t${type}\npart\tsecret\ndid\t${did}\n`)
    expect(byMultikey.stdout).toBe(byHex.stdout)
    expect(byDid.stdout).toBe(`type\t${type}\npart\tpublic\ndid\t${did}\n`)
    expect(byPublicMultikey.stdout).toBe(byDid.stdout)
  })
}

test('key inspect refuses a secret key among the arguments, where every process can read it', async () => {
  const { exitCode, stderr } = await locus(['key', 'inspect', 'ab'.repeat(32)])

  expect(exitCode).toBe(2)
  expect(stderr).toContain('--file')
})

test('key inspect calls nonsense no key', async () => {
  using directory = new TemporaryDirectory()
  const empty = join(directory.path, 'empty')
  writeFileSync(empty, '')

  for (const nonsense of ['zzzz', 'did:key:zFoo', 'did:plc:abc', '0'.repeat(64), '\u0000']) {
    const { exitCode, stderr } = await locus(['key', 'inspect', '-'], { stdin: nonsense })
    expect({ nonsense, exitCode }).toEqual({ nonsense, exitCode: 2 })
    expect(stderr).toContain('not a key')
  }
  expect((await locus(['key', 'inspect', '--file', empty])).exitCode).toBe(2)
  expect((await locus(['key', 'inspect', '--file', join(directory.path, 'none')])).exitCode).toBe(4)
})
