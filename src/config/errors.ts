import { DomainError } from '#std/errors.ts'

/** One thing that is wrong with the configuration: which setting, where it was set, what is wrong, what to do. */
export interface ConfigFault {
  /** the setting's key, or the name of the variable */
  readonly key: string
  /** where it was set: `--port`, `PDS_HOSTNAME`, `/etc/locus.toml:3` */
  readonly place: string
  readonly problem: string
  readonly remedy: string
}

/** The configuration cannot be used. It tells of every fault at once, so that nobody mends them start by start. */
export class ConfigError extends DomainError {
  override readonly name = 'ConfigError'
  readonly kind = 'invalid'
  readonly code = 'InvalidConfig'
  override readonly hint =
    '`locus config validate` checks again, `locus config show --origin` tells what comes from where'

  constructor(readonly faults: readonly ConfigFault[]) {
    const count = faults.length === 1 ? 'a fault' : `${faults.length} faults`
    super([`the configuration has ${count}`, ...faults.map(faultText)].join('\n'))
  }
}

/** Two lines for people: what is wrong where, and what to do. */
export function faultText({ key, place, problem, remedy }: ConfigFault): string {
  const where = place === key ? key : `${key} (${place})`
  return `  ${where}: ${problem}\n      ${remedy}`
}

/** A place for a new data directory that holds something already. */
export class DataDirectoryExistsError extends DomainError {
  override readonly name = 'DataDirectoryExistsError'
  readonly kind = 'conflict'
  readonly code = 'DataDirectoryExists'
  override readonly hint = 'nothing was written; name another directory'
  constructor(directory: string, isOurs: boolean) {
    super(isOurs ? `${directory} is the data directory of a server` : `${directory} is not empty`)
  }
}
