import { writeFile } from 'node:fs/promises'
import { Command, Option } from 'commander'
import { CommandError, exitCodes } from '#cli/errors.ts'
import { printOne, requireSecretOutput } from '#cli/output.ts'

export const generate = new Command('generate')
  .description('make a key pair, for example a recovery key')
  .addOption(new Option('--type <type>', 'the curve').choices(['k256', 'p256']).default('k256'))
  .option('-o, --output <file>', 'write the secret key there, as hex digits, instead of printing it')
  .addHelpText(
    'after',
    '\nExamples:\n  locus key generate -o recovery.key\n  locus account create ... --recovery-key did:key:...',
  )
  .action(async ({ type, output }: { type: 'k256' | 'p256'; output?: string }, command: Command) => {
    if (output === undefined) requireSecretOutput(command, 'the secret key')
    const { generateKey } = await import('#cli/key-text.ts')
    const key = await generateKey(type)
    if (output !== undefined) {
      await writeNew(output, `${key.secretHex}\n`)
      const { secretHex, secretMultikey, ...publicKey } = key
      const fields = [{ key: 'type' }, { key: 'did', title: 'did:key' }, { key: 'file' }] as const
      return await printOne(command, { ...publicKey, file: output }, { id: (row) => row.did, fields })
    }
    await printOne(command, key, {
      id: (row) => row.did,
      fields: [
        { key: 'type' },
        { key: 'did', title: 'did:key' },
        { key: 'secretHex', title: 'secret (hex)', kind: 'secret' },
        { key: 'secretMultikey', title: 'secret (multikey)', kind: 'secret' },
      ],
    })
  })

/** @throws CommandError (conflict) when the file exists: a key that is written over is lost */
async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { mode: 0o600, flag: 'wx', flush: true })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      throw new CommandError(
        `${file} exists already`,
        exitCodes.conflict,
        'choose another name; nothing was written',
      )
    }
    throw error
  }
}
