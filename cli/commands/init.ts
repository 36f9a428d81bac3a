import { Command } from 'commander'
import { addConfigOptions, readConfigOf } from '#cli/config-options.ts'
import { connect, flagsOf } from '#cli/context.ts'
import { usageError } from '#cli/errors.ts'
import { type InitOptions, initAnswers } from '#cli/init-questions.ts'
import { printPlan, printResult } from '#cli/init-report.ts'
import { createAccount } from '#cli/new-account.ts'
import { addPasswordOptions, type NewPassword, newPassword, type PasswordOptions } from '#cli/new-password.ts'
import { collect, globalOptionsOf, portNumber } from '#cli/options.ts'
import { note, requireSecretOutput } from '#cli/output.ts'
import { ownName, wordForShell } from '#cli/own-name.ts'
import { confirm, isInteractive } from '#cli/prompts.ts'

type Options = InitOptions & PasswordOptions & { readonly printOnly?: true }

export const init = addPasswordOptions(
  addConfigOptions(
    new Command('init')
      .description('make the data directory of a new server: configuration, secrets, first account')
      .argument('[dir]', 'where; nothing may be there yet'),
  )
    .option('--hostname <name>', 'the public DNS name of the server')
    .option('--email <address>', 'where people reach you')
    .option(
      '--handle-domain <.domain>',
      'a domain of handles, with its dot; may be given several times',
      collect,
    )
    .option('-p, --port <port>', 'the port to listen on', portNumber)
    .option('--listen <address>', 'the address to listen on, or unix:PATH')
    .option('--relay <url>', 'a relay to be crawled by, or none; may be given several times', collect)
    .option('--open-registration', 'anyone may create an account, without an invite')
    .option('--recovery-key <key>', 'a did:key that can take accounts back, or generate, or none')
    .option('--account <handle>', 'the first account')
    .option('--account-email <address>', 'its e-mail address'),
)
  .option('--print-only', 'only print what would be written, secrets as ***')
  .addHelpText(
    'after',
    `
On a terminal it asks for what the options leave open; --yes takes the defaults.

Examples:
  locus init /srv/pds
  locus init /srv/pds --hostname pds.example.com --email admin@example.com --yes
  locus init /srv/pds --hostname pds.example.com --account alice.pds.example.com \\
    --account-email alice@example.com --password-file alice.txt --yes
  locus init /srv/pds --env-file old.env --print-only`,
  )
  .action(async (dir: string | undefined, options: Options, command: Command) => {
    nameDirectory(dir, command)
    const before = await readConfigOf(command)
    const { planDirectory, makeDirectory, refuseUsedDirectory } = await import('#config/new-directory.ts')
    const { DataLayout } = await import('#config/layout.ts')
    refuseUsedDirectory(new DataLayout(before.dataDirectory))

    const answers = await initAnswers(command, options, before)
    if (answers.makesRecoveryKey && !options.printOnly) requireSecretOutput(command, 'the recovery key')
    const recoveryKey = answers.makesRecoveryKey ? await generateKey() : null
    const generated = recoveryKey ? { 'plc.recovery_did_key': recoveryKey.did } : {}
    const set = { ...flagsOf(command).set, ...answers.set, ...generated }
    const plan = planDirectory(await readConfigOf(command, { set, setBy: answers.setBy }))
    if (options.printOnly) return printPlan(command, plan, recoveryKey)

    const password = answers.account ? await newPassword(command, options) : null
    if (isInteractive()) await confirm(command, `Make ${plan.layout.root}?`)
    makeDirectory(plan)
    const { loadConfigReading } = await import('#config/load.ts')
    const { config } = loadConfigReading({ flags: flagsOf(command) })
    const made = { plan, config, recoveryKey }
    if (!answers.account || !password) return await printResult(command, made)
    const account = await firstAccount(command, answers.account, password).catch(async (error: unknown) => {
      await printResult(command, made)
      const retry = `${ownName()} account create ${answers.account?.handle} --data ${wordForShell(plan.layout.root)}`
      note(`The directory is ready, but the account was not created. To try again: ${retry}`)
      throw error
    })
    await printResult(command, { ...made, account, password: password.generated ? password.text : null })
  })

/** The directory can be named as an argument, as everywhere by --data, or by the environment. */
function nameDirectory(dir: string | undefined, command: Command): void {
  const { data } = globalOptionsOf(command)
  if (dir === undefined) return
  if (data !== undefined && data !== dir)
    throw usageError(`is it ${dir} or ${data}?`, 'name the directory once')
  command.setOptionValue('data', dir)
}

async function generateKey() {
  const { generateKey: generate } = await import('#cli/key-text.ts')
  return await generate('k256')
}

/** Through the door of every command: as no server runs there, the new directory is opened in this process. */
async function firstAccount(
  command: Command,
  { handle, email }: { handle: string; email: string },
  password: NewPassword,
) {
  await using pds = await connect(command)
  return await createAccount(pds, { handle, email, password: password.text })
}
