/** What `locus init` needs to know: from options and the environment, or, of who sits at a terminal, by asking. */
import type { Command } from 'commander'
import { usageError } from '#cli/errors.ts'
import { globalOptionsOf } from '#cli/options.ts'
import { askChoice, askText, isInteractive } from '#cli/prompts.ts'
import type { ConfigReading } from '#config/load.ts'
import type { Setting } from '#config/setting.ts'
import { settings } from '#config/settings.ts'

export interface InitOptions {
  readonly email?: string
  readonly handleDomain?: readonly string[]
  readonly relay?: readonly string[]
  readonly openRegistration?: true
  readonly recoveryKey?: string
  readonly account?: string
  readonly accountEmail?: string
}

/** Whom the network hears of a new server through, unless the operator says otherwise. */
const DEFAULT_RELAY = 'https://bsky.network'

/** Values of settings by their keys, and what else is to be done. */
export interface InitAnswers {
  readonly set: Readonly<Record<string, unknown>>
  /** the options that gave them, for messages */
  readonly setBy: Readonly<Record<string, string>>
  /** a recovery key is to be made */
  readonly makesRecoveryKey: boolean
  readonly account: { readonly handle: string; readonly email: string } | null
}

const OPTIONS: Readonly<Record<string, string>> = {
  'handles.domains': '--handle-domain',
  'service.contact_email': '--email',
  'invites.required': '--open-registration',
  crawlers: '--relay',
  'plc.recovery_did_key': '--recovery-key',
}

/**
 * @param before what is known without asking
 * @throws CommandError (usage) when something is lacking and nobody can be asked
 */
export async function initAnswers(
  command: Command,
  options: InitOptions,
  before: ConfigReading,
): Promise<InitAnswers> {
  const asks = isInteractive() && globalOptionsOf(command).yes !== true
  const known = (setting: Setting<unknown>) =>
    before.settings.some((read) => read.setting === setting && read.origin !== 'default')
  const set: Record<string, unknown> = {}

  if (!known(settings.hostname) && !before.dev) set.hostname = await askHostname()
  const hostname = set.hostname ?? before.settings.find(({ setting }) => setting === settings.hostname)?.value
  const { handleDomain, email, relay, openRegistration } = options
  if (handleDomain) set['handles.domains'] = handleDomain
  else if (asks && !known(settings.handleDomains)) {
    const domain = await askHandleDomain(before.dev ? '.test' : `.${hostname}`)
    set['handles.domains'] = [domain]
  }
  if (email) set['service.contact_email'] = email
  else if (asks && !known(settings.contactEmail)) {
    const address = await askOptional(
      settings.contactEmail,
      'Where can people reach you, by e-mail?',
      '--email',
    )
    if (address) set['service.contact_email'] = address
  }
  if (openRegistration) set['invites.required'] = false
  else if (!known(settings.inviteRequired)) set['invites.required'] = asks ? await askInvites() : !before.dev
  if (relay) set.crawlers = relay.includes('none') ? [] : relay
  else if (!known(settings.crawlers) && !before.dev) set.crawlers = asks ? await askRelay() : [DEFAULT_RELAY]

  const recoveryKey = known(settings.recoveryDidKey)
    ? 'none'
    : (options.recoveryKey ?? (asks ? await askRecoveryKey() : 'none'))
  if (recoveryKey !== 'none' && recoveryKey !== 'generate') set['plc.recovery_did_key'] = recoveryKey
  const account = await firstAccount(options, asks, String(hostname), before.dev)
  return { set, setBy: OPTIONS, makesRecoveryKey: recoveryKey === 'generate', account }
}

async function askHostname(): Promise<string> {
  return await askText({
    message: 'What is the public DNS name of this server?',
    option: '--hostname',
    placeholder: 'pds.example.com',
    validate: (answer) => problemOf(settings.hostname, answer),
  })
}

async function askHandleDomain(initialValue: string): Promise<string> {
  return await askText({
    message: 'Below which domain do accounts get their handles?',
    option: '--handle-domain',
    initialValue,
    validate: (answer) => problemOf(settings.handleDomains, [answer]),
  })
}

async function askOptional(setting: Setting<unknown>, message: string, option: string): Promise<string> {
  return await askText({
    message: `${message} (empty: not said)`,
    option,
    validate: (answer) => (answer === '' ? undefined : problemOf(setting, answer)),
  })
}

async function askInvites(): Promise<boolean> {
  const answer = await askChoice({
    message: 'Who may create an account?',
    option: '--open-registration',
    choices: [
      { value: 'invited', label: 'Only people with an invite code of yours' },
      { value: 'anyone', label: 'Anyone who finds the server' },
    ],
  })
  return answer === 'invited'
}

async function askRelay(): Promise<readonly string[]> {
  const answer = await askChoice({
    message: 'May a relay carry what is posted here to the network?',
    option: '--relay',
    choices: [
      { value: 'bluesky', label: `Yes, ${DEFAULT_RELAY}` },
      { value: 'none', label: 'Not yet', hint: 'nobody elsewhere sees the posts' },
    ],
  })
  return answer === 'bluesky' ? [DEFAULT_RELAY] : []
}

async function askRecoveryKey(): Promise<string> {
  const answer = await askChoice({
    message: 'A recovery key takes accounts back when this server is lost or stolen. Which one?',
    option: '--recovery-key',
    choices: [
      { value: 'generate', label: 'Make one', hint: 'its secret part is shown once, and kept nowhere' },
      { value: 'own', label: 'I have one' },
      { value: 'none', label: 'None' },
    ],
  })
  if (answer !== 'own') return answer
  return await askText({
    message: 'Its public part',
    option: '--recovery-key',
    placeholder: 'did:key:zQ3sh...',
    validate: (text) => problemOf(settings.recoveryDidKey, text),
  })
}

async function firstAccount(
  { account, accountEmail }: InitOptions,
  asks: boolean,
  hostname: string,
  dev: boolean,
): Promise<InitAnswers['account']> {
  const name =
    account ??
    (asks
      ? await askText({
          message: 'The handle of the first account (empty: later)',
          option: '--account',
          placeholder: dev ? 'alice.test' : `alice.${hostname}`,
        })
      : '')
  const handle = name.replace(/^@/, '').trim()
  if (handle === '') {
    if (accountEmail) throw usageError('--account-email is of no use without --account')
    return null
  }
  const email =
    accountEmail ?? (await askText({ message: `The e-mail address of ${handle}`, option: '--account-email' }))
  return { handle, email }
}

function problemOf(setting: Setting<unknown>, value: unknown): string | undefined {
  const parsed = setting.kind.parse(value, process.cwd())
  return 'problem' in parsed ? `${parsed.problem}: ${parsed.remedy}` : undefined
}
