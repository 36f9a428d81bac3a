import { Command } from 'commander'
import { connect } from '#cli/context.ts'
import { createAccount } from '#cli/new-account.ts'
import { addPasswordOptions, newPassword, type PasswordOptions } from '#cli/new-password.ts'
import { printOne } from '#cli/output.ts'
import { askText } from '#cli/prompts.ts'

interface CreateOptions extends PasswordOptions {
  readonly email?: string
  readonly did?: string
  readonly recoveryKey?: string
}

export const create = addPasswordOptions(
  new Command('create')
    .description('create an account; it needs no invite')
    .argument('[handle]', 'its name, such as alice.example.com; asked for on a terminal')
    .option('--email <address>', 'its e-mail address'),
)
  .option('--did <did>', 'an identity that exists already; the account starts deactivated')
  .option('--recovery-key <did:key>', "a key of the owner's own that can take the DID back")
  .addHelpText(
    'after',
    `
Examples:
  locus account create alice.test --email alice@example.com --generate
  pass show alice | locus account create alice.test --email alice@example.com --password-stdin`,
  )
  .action(async (named: string | undefined, options: CreateOptions, command: Command) => {
    const handle = named ?? (await askText({ message: 'Handle', option: 'a handle', validate: isLacking }))
    const email = options.email ?? (await askText({ message: 'E-mail address', option: '--email' }))
    const password = await newPassword(command, options)
    await using pds = await connect(command)
    const created = await createAccount(pds, {
      handle: handle.trim().replace(/^@/, ''),
      email,
      password: password.text,
      did: options.did,
      recoveryKey: options.recoveryKey,
    })
    await printOne(
      command,
      { ...created, ...(password.generated ? { password: password.text } : {}) },
      {
        id: (row) => row.did,
        fields: [
          { key: 'did', title: 'DID' },
          { key: 'handle' },
          ...(password.generated ? [{ key: 'password', kind: 'secret' } as const] : []),
        ],
      },
    )
  })

function isLacking(answer: string): string | undefined {
  return answer.trim() === '' ? 'The account needs one.' : undefined
}
