/** What `locus init` prints: what it would write, what it made, and what is left to do. */
import type { Command } from 'commander'
import { nextSteps } from '#cli/init-next-steps.ts'
import type { SecretKey } from '#cli/key-text.ts'
import { type GlobalOptions, globalOptionsOf } from '#cli/options.ts'
import { note, printOne, printText } from '#cli/output.ts'
import { ownName, wordForShell } from '#cli/own-name.ts'
import { isInteractive } from '#cli/prompts.ts'
import { HIDDEN } from '#cli/setting-rows.ts'
import type { Config } from '#config/config.ts'
import type { NewDirectory } from '#config/new-directory.ts'

interface PlannedFile {
  readonly path: string
  readonly mode: string
  /** null for a directory */
  readonly content: string | null
}

function plannedFiles(
  { layout, configFile, secrets }: NewDirectory,
  recoveryKey: SecretKey | null,
): PlannedFile[] {
  const text = recoveryKey
    ? configFile.replace(recoveryKey.did, 'did:key:(made when it is written)')
    : configFile
  return [
    { path: layout.root, mode: '0700', content: null },
    { path: layout.secrets, mode: '0700', content: null },
    ...[...secrets.keys()].map((name) => ({ path: layout.secret(name), mode: '0600', content: HIDDEN })),
    { path: layout.configFile, mode: '0600', content: text },
  ]
}

/**
 * Prints what would be written. Secrets do not exist yet, and of a recovery key that is to be made there will be another.
 */
export function printPlan(command: Command, plan: NewDirectory, recoveryKey: SecretKey | null): void {
  const files = plannedFiles(plan, recoveryKey)
  printText(planText(files, globalOptionsOf(command)))
}

function planText(files: readonly PlannedFile[], { json, jsonl, quiet }: GlobalOptions): string {
  if (json) return JSON.stringify(files, null, 2)
  if (jsonl) return files.map((file) => JSON.stringify(file)).join('\n')
  if (quiet) return files.map(({ path }) => path).join('\n')
  return files.map(plannedText).join('\n')
}

function plannedText({ path, mode, content }: PlannedFile): string {
  if (content === null) return `${path}/  ${mode}`
  const lines = content.trimEnd().split('\n')
  return lines.length === 1 ? `${path}  ${mode}: ${content}` : `${path}  ${mode}:\n\n${content.trimEnd()}\n`
}

export interface InitResult {
  readonly plan: NewDirectory
  readonly config: Config
  readonly recoveryKey: SecretKey | null
  readonly account?: { readonly did: string; readonly handle: string }
  /** of the account, when it was made here */
  readonly password?: string | null
}

/** Prints what was made. Secrets that are shown here are kept nowhere. */
export async function printResult(command: Command, result: InitResult): Promise<void> {
  const { plan, config, recoveryKey, account, password = null } = result
  const row = {
    dataDirectory: plan.layout.root,
    configFile: plan.layout.configFile,
    adminPasswordFile: plan.layout.secret('admin-password'),
    url: config.publicUrl,
    recoveryKey: config.recoveryDidKey,
    recoverySecretHex: recoveryKey?.secretHex ?? null,
    recoverySecretMultikey: recoveryKey?.secretMultikey ?? null,
    account: account?.did ?? null,
    handle: account?.handle ?? null,
    password,
  }
  await printOne(command, row, {
    id: ({ dataDirectory }) => dataDirectory,
    fields: [
      { key: 'dataDirectory' },
      { key: 'configFile', title: 'configuration' },
      { key: 'adminPasswordFile', title: 'admin password' },
      { key: 'url', title: 'URL' },
      { key: 'recoveryKey' },
      { key: 'recoverySecretHex', title: 'recovery secret (hex)', kind: 'secret' },
      { key: 'recoverySecretMultikey', title: 'recovery secret (multikey)', kind: 'secret' },
      { key: 'account' },
      { key: 'handle' },
      { key: 'password', kind: 'secret' },
    ],
  })
  for (const { key, message } of config.warnings) note(`\nwarning: ${key}: ${message}`)
  if (recoveryKey)
    note('\nWrite the recovery secret down and keep it away from this machine. It is kept nowhere here.')
  note(`\n${await nextSteps(config, serveCommand(plan), isInteractive())}`)
}

function serveCommand({ layout }: NewDirectory): string {
  return `${ownName()} serve --data ${wordForShell(layout.root)}`
}
