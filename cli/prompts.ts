/**
 * Questions to a person. They are asked only on a terminal, on stderr, and each has an option that answers it beforehand;
 * elsewhere a missing value is a usage error and a missing confirmation ends the command with nothing done.
 */
import type { Command } from 'commander'
import { CommandError, exitCodes, usageError } from '#cli/errors.ts'
import { globalOptionsOf } from '#cli/options.ts'

/** True when there is somebody to ask. */
export function isInteractive(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true
}

interface Question {
  readonly message: string
  /** the option that makes the question unnecessary, for who cannot be asked */
  readonly option: string
  readonly placeholder?: string
  readonly initialValue?: string
  /** what is wrong with the answer, or undefined */
  readonly validate?: (answer: string) => string | undefined
}

/** @throws CommandError (usage) when there is nobody to ask */
export async function askText(question: Question): Promise<string> {
  const { text } = await prompts(question.option)
  const { message, placeholder, initialValue, validate } = question
  return answered(
    await text({
      message,
      output: process.stderr,
      ...(placeholder === undefined ? {} : { placeholder }),
      ...(initialValue === undefined ? {} : { initialValue }),
      ...(validate ? { validate: (value: string | undefined) => validate(value ?? '') } : {}),
    }),
  )
}

/** Asks twice for a password that is to be set. @throws CommandError (usage) when there is nobody to ask */
export async function askNewPassword(option: string): Promise<string> {
  const { password } = await prompts(option)
  const { MIN_PASSWORD_LENGTH } = await import('#account/passwords.ts')
  const tooShort = `It needs at least ${MIN_PASSWORD_LENGTH} characters.`
  const first = answered(
    await password({
      message: 'New password',
      output: process.stderr,
      validate: (text) => ((text ?? '').length < MIN_PASSWORD_LENGTH ? tooShort : undefined),
    }),
  )
  await password({
    message: 'Once more',
    output: process.stderr,
    validate: (again) => (again === first ? undefined : 'The two are not the same.'),
  }).then(answered)
  return first
}

/** @throws CommandError (usage) when there is nobody to ask */
export async function askChoice<Value extends string>(question: {
  readonly message: string
  readonly option: string
  readonly choices: readonly { readonly value: Value; readonly label: string; readonly hint?: string }[]
}): Promise<Value> {
  const { select } = await prompts(question.option)
  const options: { value: string; label: string; hint?: string }[] = [...question.choices]
  const answer = answered(await select({ message: question.message, options, output: process.stderr }))
  const chosen = question.choices.find(({ value }) => value === answer)
  if (!chosen) throw interrupted()
  return chosen.value
}

/** A question that yes or no answers, with yes before the cursor. `--yes` answers it. */
export async function confirm(command: Command, message: string): Promise<void> {
  if (globalOptionsOf(command).yes) return
  refuseUnlessInteractive(message)
  const { confirm: ask } = await import('@clack/prompts')
  const answer = await ask({ message, initialValue: true, output: process.stderr })
  if (answer !== true) throw interrupted()
}

/** A destructive step: the name of what is lost must be typed. `--yes` answers it. */
export async function confirmByName(command: Command, message: string, name: string): Promise<void> {
  if (globalOptionsOf(command).yes) return
  refuseUnlessInteractive(message)
  const { text } = await import('@clack/prompts')
  answered(
    await text({
      message: `${message} Type ${name} to go on.`,
      output: process.stderr,
      validate: (answer) => (answer === name ? undefined : `That is not ${name}. Ctrl-C stops.`),
    }),
  )
}

function refuseUnlessInteractive(message: string): void {
  if (isInteractive()) return
  throw new CommandError(
    `this needs a confirmation: ${message}`,
    exitCodes.confirmationNeeded,
    'nothing was done; add --yes to confirm',
  )
}

async function prompts(option: string) {
  if (!isInteractive()) throw usageError(`${option} is needed`, 'there is no terminal to ask on')
  return await import('@clack/prompts')
}

function answered(answer: string | symbol): string {
  if (typeof answer === 'symbol') throw interrupted()
  return answer
}

function interrupted(): CommandError {
  return new CommandError('stopped; nothing was done', exitCodes.interrupted)
}
