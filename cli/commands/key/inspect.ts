import { Command, Option } from 'commander'
import { usageError } from '#cli/errors.ts'
import { printOne } from '#cli/output.ts'
import { readSecretFile, readSecretFromStdin } from '#cli/secrets.ts'

interface InspectOptions {
  readonly file?: string
  readonly type: 'k256' | 'p256'
}

export const inspect = new Command('inspect')
  .description('say what a key is, and the public key of a secret one')
  .argument('[key]', 'a public key: did:key:... or z...; - reads a key of any form from stdin')
  .option('--file <file>', 'a file that holds a key of any form')
  .addOption(
    new Option('--type <type>', 'the curve of a secret key in hex').choices(['k256', 'p256']).default('k256'),
  )
  .addHelpText(
    'after',
    '\nExamples:\n  locus key inspect --file recovery.key\n  locus key inspect did:key:z...',
  )
  .action(async (key: string | undefined, { file, type }: InspectOptions, command: Command) => {
    if ((key === undefined) === (file === undefined)) throw usageError('name a key, or a file with --file')
    const text =
      file !== undefined ? readSecretFile(file) : key === '-' ? await readSecretFromStdin() : (key ?? '')
    const { readKey } = await import('#cli/key-text.ts')
    const { did, type: found, ...secret } = await readKey(text.trim(), type)
    const isSecret = 'secretHex' in secret
    if (isSecret && key !== undefined && key !== '-') {
      throw usageError('a secret key does not belong on the command line', 'give it with --file or on stdin')
    }
    await printOne(
      command,
      { type: found, part: isSecret ? 'secret' : 'public', did },
      { id: (row) => row.did, fields: [{ key: 'type' }, { key: 'part' }, { key: 'did', title: 'did:key' }] },
    )
  })
