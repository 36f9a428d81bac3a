/**
 * Where values come from: flags, the environment, files of variables, files of secrets, locus.toml. `Sources` finds
 * everything that sets a setting, the strongest first, and says of each where it stands. It reads files at most once,
 * so that what was read stays what it was when the configuration is read again.
 *
 * Strength: flags > environment (`LOCUS_*`, then official names) > variables of `--env-file` > credentials of systemd >
 * locus.toml > the files that the data directory keeps.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type EnvFile, parseEnvFile } from '#config/env-file.ts'
import type { ConfigFault } from '#config/errors.ts'
import { DataLayout } from '#config/layout.ts'
import { fileKeyOf, fileVariableOf, type Setting } from '#config/setting.ts'
import { readTomlFile, type TomlFile } from '#config/toml-file.ts'
import { messageOf } from '#std/errors.ts'

/** What the command line says. `set` gives any setting by its key. */
export interface Flags {
  readonly data?: string | undefined
  readonly config?: string | undefined
  readonly envFile?: string | undefined
  readonly dev?: boolean | undefined
  readonly hostname?: string | undefined
  readonly port?: number | string | undefined
  readonly plcPort?: number | string | undefined
  readonly listen?: string | undefined
  readonly set?: Readonly<Record<string, unknown>> | undefined
  /** the flags that gave keys of `set`, where it was not --set */
  readonly setBy?: Readonly<Record<string, string>> | undefined
}

export interface SourceRequest {
  readonly flags: Flags
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
}

export type Origin = 'flag' | 'environment' | 'env-file' | 'secret-file' | 'file' | 'default'

/** Something that sets a setting, before it is parsed. */
export interface Assignment {
  readonly input: unknown
  readonly origin: Origin
  /** the flag, the variable, or file and line */
  readonly place: string
  /** what a relative path starts from */
  readonly directory: string
  /** the file that a secret was read from */
  readonly secretFile?: string
  /** why it cannot be used, when that is known already */
  readonly fault?: { readonly problem: string; readonly remedy: string }
  /** what the operator should know about it */
  readonly caution?: string
}

/** A variable of the environment or of a file. */
export interface Variable {
  readonly words: string
  readonly place: string
  readonly origin: 'environment' | 'env-file'
  readonly directory: string
}

export interface OpenedEnvFile {
  readonly path: string
  /** permissions */
  readonly mode: number
  readonly content: EnvFile
}

type SecretFile = { readonly text: string; readonly mode: number } | { readonly error: string }

export class Sources {
  /** the locus.toml that was read, null when there is none */
  readonly toml: TomlFile | null
  readonly configFile: string | null
  /** the data directory when no setting names one */
  readonly defaultDataDirectory: string
  /** files of variables that were read, by path */
  readonly envFiles: readonly OpenedEnvFile[]
  /** what was wrong with the sources themselves */
  readonly faults: readonly ConfigFault[]

  private readonly secretFiles = new Map<string, SecretFile>()

  constructor(readonly request: SourceRequest) {
    const faults: ConfigFault[] = []
    const { flags, env, cwd } = request
    this.envFiles = openEnvFiles(flags.envFile ?? env.LOCUS_ENV_FILE, cwd, faults)
    const stateDirectory = env.STATE_DIRECTORY?.split(':')[0]
    this.defaultDataDirectory =
      stateDirectory || (existsSync(join(cwd, 'locus.toml')) ? cwd : resolve(cwd, 'locus-data'))

    const named = flags.config ?? env.LOCUS_CONFIG
    const kept = new DataLayout(this.dataDirectoryBesideFile()).configFile
    const file = named ? resolve(cwd, named) : existsSync(kept) ? kept : null
    const toml = file === null ? null : readTomlFile(file)
    this.configFile = file
    this.toml = toml && 'problem' in toml ? null : toml
    if (toml && 'problem' in toml) faults.push(toml)
    this.faults = faults
  }

  /** The data directory as far as it is known before a locus.toml is read. */
  private dataDirectoryBesideFile(): string {
    const { flags, cwd } = this.request
    const variable = this.variable('LOCUS_DATA_DIRECTORY') ?? this.variable('PDS_DATA_DIRECTORY')
    const given = flags.data ?? variable?.words ?? this.defaultDataDirectory
    return resolve(cwd, unquoted(given))
  }

  /** The value of a variable that is set and not empty: of the environment, else of a file. */
  variable(name: string): Variable | null {
    const { env, cwd } = this.request
    const own = env[name]
    if (own) return { words: own, place: name, origin: 'environment', directory: cwd }
    for (const { path, content } of this.envFiles) {
      const found = content.variables.findLast((variable) => variable.name === name)
      if (!found?.value) continue
      const place = `${name} in ${path}:${found.line}`
      return { words: found.value, place, origin: 'env-file', directory: dirname(path) }
    }
    return null
  }

  /** The names of all variables that are set and not empty. */
  variableNames(): ReadonlySet<string> {
    const names = new Set<string>()
    for (const [name, words] of Object.entries(this.request.env)) if (words) names.add(name)
    for (const { content } of this.envFiles) {
      for (const { name, value } of content.variables) if (value) names.add(name)
    }
    return names
  }

  /** Everything that sets `setting`, the strongest first. */
  assignmentsOf(setting: Setting<unknown>, dataDirectory: string): Assignment[] {
    const variables = this.assignmentsByVariable(setting)
    return [
      ...this.assignmentsByFlag(setting),
      ...variables.filter(({ origin }) => origin !== 'env-file'),
      ...variables.filter(({ origin }) => origin === 'env-file'),
      ...this.assignmentsByCredential(setting),
      ...this.assignmentsByToml(setting),
      ...this.assignmentsByKeptFile(setting, dataDirectory),
    ]
  }

  private assignmentsByFlag(setting: Setting<unknown>): Assignment[] {
    const { flags, cwd } = this.request
    const byFlag: Record<string, unknown> = {
      '--data': flags.data,
      '--dev': flags.dev,
      '--hostname': flags.hostname,
      '--port': flags.port,
      '--plc-port': flags.plcPort,
      '--listen': flags.listen,
    }
    const given = setting.flag === undefined ? undefined : byFlag[setting.flag]
    const named = given === undefined ? flags.set?.[setting.key] : given
    if (named === undefined) return []
    const place =
      given === undefined
        ? (flags.setBy?.[setting.key] ?? `--set ${setting.key}`)
        : (setting.flag ?? setting.key)
    const input = typeof named === 'string' ? fromWords(setting, named) : named
    const assignment: Assignment = { input, origin: 'flag', place, directory: cwd }
    if (!setting.secret) return [assignment]
    const problem = 'a secret on the command line can be read by every user of this machine'
    return [
      {
        ...assignment,
        fault: { problem, remedy: `set ${setting.variable} or ${fileVariableOf(setting)} instead` },
      },
    ]
  }

  private assignmentsByVariable(setting: Setting<unknown>): Assignment[] {
    const found: Assignment[] = []
    const own = this.variable(setting.variable)
    if (own) found.push(assignmentOf(setting, own, (words) => fromWords(setting, words)))
    if (setting.secret) {
      const file = this.variable(fileVariableOf(setting))
      if (file)
        found.push(this.secretAt(resolve(file.directory, unquoted(file.words)), file.place, file.origin))
    }
    for (const { name, fromWords: official } of setting.official) {
      const variable = this.variable(name)
      if (!variable) continue
      const assignment = assignmentOf(setting, variable, (words) =>
        official ? official(words) : fromWords(setting, words),
      )
      if (assignment.input !== undefined) found.push(assignment)
    }
    return found
  }

  /** systemd's LoadCredential= puts secrets into files of a directory that only the service can read. */
  private assignmentsByCredential({ secret }: Setting<unknown>): Assignment[] {
    const directory = this.request.env.CREDENTIALS_DIRECTORY
    if (!secret || !directory) return []
    const path = join(directory, secret.file)
    return this.isThere(path) ? [this.secretAt(path, path, 'secret-file')] : []
  }

  private assignmentsByToml(setting: Setting<unknown>): Assignment[] {
    if (!this.toml) return []
    const { path: file, entries } = this.toml
    const directory = dirname(file)
    const entry = entries.get(setting.key)
    const referred = setting.secret ? entries.get(fileKeyOf(setting)) : undefined
    const found: Assignment[] = []
    if (referred) {
      const place = placeOf(file, referred.line, fileKeyOf(setting))
      if (typeof referred.value === 'string')
        found.push(this.secretAt(resolve(directory, referred.value), place, 'file'))
      else found.push({ input: null, origin: 'file', place, directory, fault: NO_PATH })
    }
    if (entry) {
      const place = placeOf(file, entry.line, setting.key)
      const assignment: Assignment = { input: entry.value, origin: 'file', place, directory }
      const inline = setting.secret?.allowedInline
      const harmless = !setting.secret || (typeof entry.value === 'string' && inline?.(entry.value) === true)
      found.push(harmless ? assignment : { ...assignment, fault: secretInToml(setting) })
    }
    return found
  }

  private assignmentsByKeptFile({ secret }: Setting<unknown>, dataDirectory: string): Assignment[] {
    if (!secret?.kept) return []
    const path = new DataLayout(dataDirectory).secret(secret.file)
    return this.isThere(path) ? [this.secretAt(path, path, 'secret-file')] : []
  }

  private isThere(path: string): boolean {
    return this.secretFiles.has(path) || existsSync(path)
  }

  private secretAt(path: string, place: string, origin: Origin): Assignment {
    const read = this.secretFile(path)
    const base = {
      origin,
      place: place === path ? path : `${place}: ${path}`,
      directory: dirname(path),
      secretFile: path,
    }
    if ('error' in read) {
      const remedy = `make it with the secret in it, readable by the user that runs locus: chmod 600 ${path}`
      return { ...base, input: null, fault: { problem: read.error, remedy } }
    }
    if ((read.mode & 0o077) === 0) return { ...base, input: read.text }
    return { ...base, input: read.text, caution: `${path} can be read by others; run: chmod 600 ${path}` }
  }

  private secretFile(path: string): SecretFile {
    const known = this.secretFiles.get(path)
    if (known) return known
    const read = readSecretFile(path)
    this.secretFiles.set(path, read)
    return read
  }
}

const NO_PATH = { problem: 'it is not a path', remedy: 'put the path of the file in quotes' }

function secretInToml(setting: Setting<unknown>) {
  return {
    problem: 'a secret does not belong in locus.toml',
    remedy: `put it in a file of mode 0600 and refer to it: ${fileKeyOf(setting).split('.').at(-1)} = "secrets/${setting.secret?.file}"`,
  }
}

function assignmentOf(
  setting: Setting<unknown>,
  variable: Variable,
  read: (words: string) => unknown,
): Assignment {
  const { words, place, origin, directory } = variable
  const bare = unquoted(words)
  if (bare === words) return { input: read(words), origin, place, directory }
  if (setting.secret) {
    const caution = 'it begins and ends with a quote, which is taken for a part of the secret'
    return { input: read(words), origin, place, directory, caution }
  }
  const caution = 'the quotes around it were taken away; docker env files have no quoting'
  return { input: read(bare), origin, place, directory, caution }
}

function fromWords({ kind }: Setting<unknown>, words: string): unknown {
  return kind.fromWords ? kind.fromWords(words.trim()) : words
}

/** Text without the quotes around it. */
function unquoted(text: string): string {
  return /^(["'])(.*)\1$/s.exec(text.trim())?.[2] ?? text
}

export function placeOf(file: string, line: number | null, key: string): string {
  return line === null ? `${key} in ${file}` : `${file}:${line}`
}

function openEnvFiles(given: string | undefined, cwd: string, faults: ConfigFault[]): OpenedEnvFile[] {
  if (!given) return []
  const path = resolve(cwd, given)
  try {
    return [{ path, mode: statSync(path).mode, content: parseEnvFile(readFileSync(path, 'utf8')) }]
  } catch (error) {
    const problem = `it cannot be read: ${messageOf(error)}`
    faults.push({ key: 'env-file', place: path, problem, remedy: 'check its path and its permissions' })
    return []
  }
}

/** A secret is the content of its file, less the line end that editors put there. */
function readSecretFile(path: string): SecretFile {
  try {
    return { text: readFileSync(path, 'utf8').replace(/\r?\n$/, ''), mode: statSync(path).mode }
  } catch (error) {
    return { error: `${path} cannot be read: ${messageOf(error)}` }
  }
}
