/** Where the new password of an account comes from: a file, standard input, a generator, or a person who is asked twice. */
import { type Command, Option } from 'commander'
import { requireSecretOutput } from '#cli/output.ts'
import { askNewPassword } from '#cli/prompts.ts'
import { readCredential, readSecretFile, readSecretFromStdin } from '#cli/secrets.ts'
import { base32 } from '#std/base32.ts'
import { randomBytes } from '#std/bytes.ts'

export interface PasswordOptions {
  readonly generate?: true
  readonly passwordStdin?: true
  readonly passwordFile?: string
}

export interface NewPassword {
  readonly text: string
  /** made here, so it must be shown */
  readonly generated: boolean
}

export function addPasswordOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--generate', 'make a password and print it').conflicts(['passwordStdin', 'passwordFile']),
    )
    .addOption(new Option('--password-stdin', 'the first line of standard input').conflicts('passwordFile'))
    .option('--password-file <file>', 'the first line of a file')
}

/** @throws CommandError (usage) when no option says it and nobody can be asked */
export async function newPassword(command: Command, options: PasswordOptions): Promise<NewPassword> {
  if (options.generate) {
    requireSecretOutput(command, 'the generated password')
    return { text: generatedPassword(), generated: true }
  }
  if (options.passwordStdin) return { text: await readSecretFromStdin(), generated: false }
  if (options.passwordFile) return { text: readSecretFile(options.passwordFile), generated: false }
  const credential = readCredential('account-password')
  return { text: credential ?? (await askNewPassword(PASSWORD_OPTIONS)), generated: false }
}

const PASSWORD_OPTIONS = '--generate, --password-stdin or --password-file'

/** 100 bits in groups that are easy to read aloud */
function generatedPassword(): string {
  const letters = base32(randomBytes(13)).slice(0, 20)
  return letters.replace(/(.{5})(?=.)/g, '$1-')
}
