/**
 * Reads settings one by one, each with its own type, and keeps what was found: the values with their origins, the
 * faults and the warnings. A faulty setting reads as its default, so that all others can be checked as well.
 */
import type { ConfigFault } from '#config/errors.ts'
import type { SecretName } from '#config/layout.ts'
import type { Setting } from '#config/setting.ts'
import type { Assignment, Origin, Sources } from '#config/sources.ts'

/** A setting that was understood, with something to say about it. */
export interface ConfigWarning {
  /** the setting's key, or the name of the variable */
  readonly key: string
  /** where it was set: `--port`, `PDS_HOSTNAME`, `/etc/locus.toml:3` */
  readonly place: string
  readonly message: string
}

/** What a setting was found to be. The value may be a secret. */
export interface ReadSetting {
  readonly setting: Setting<unknown>
  readonly value: unknown
  readonly origin: Origin
  readonly place: string
  /** the file that a secret was read from */
  readonly secretFile: string | null
}

/** A secret without which no server runs and that nothing gives: in production a fault, in development soon made. */
export interface MissingSecret {
  readonly name: SecretName
  readonly fault: ConfigFault
}

export class SettingReader {
  readonly settings: ReadSetting[] = []
  readonly faults: ConfigFault[] = []
  readonly warnings: ConfigWarning[] = []
  readonly missingSecrets: MissingSecret[] = []
  /** whether defaults are those of a development server */
  development = false
  /** where secrets are looked for; the setting of that name is read before them */
  dataDirectory = ''

  /** @param sourcesOf the sources that count for a setting */
  constructor(private readonly sourcesOf: (setting: Setting<unknown>) => Sources) {}

  /**
   * The value of `setting`; each is read once.
   * @param follows the default, where it follows from other settings
   */
  read<T>(setting: Setting<T>, follows?: T): T {
    const fallback =
      follows ?? (this.development ? setting.developmentFallback : undefined) ?? setting.fallback
    const [strongest, ...others] = this.sourcesOf(setting).assignmentsOf(setting, this.dataDirectory)
    if (!strongest) {
      this.settings.push({ setting, value: fallback, origin: 'default', place: 'default', secretFile: null })
      return fallback
    }
    const { origin, place, secretFile = null } = strongest
    const value = this.parsed(setting, strongest) ?? fallback
    this.settings.push({ setting, value, origin, place, secretFile })
    this.warnOfRivals(setting, value, strongest, others)
    if (strongest.caution) this.warnings.push({ key: setting.key, place, message: strongest.caution })
    if (setting.waitsFor) {
      const message = `it has no effect in this version, which lacks ${setting.waitsFor}`
      this.warnings.push({ key: setting.key, place, message })
    }
    return value
  }

  private parsed<T>(setting: Setting<T>, assignment: Assignment): NonNullable<T> | null {
    const parsed = assignment.fault ?? setting.kind.parse(assignment.input, assignment.directory)
    if (!('problem' in parsed)) return parsed.value
    this.faults.push({
      key: setting.key,
      place: assignment.place,
      problem: parsed.problem,
      remedy: parsed.remedy,
    })
    return null
  }

  /** Two variables that say different things are more likely a mistake than an override. */
  private warnOfRivals<T>(
    setting: Setting<T>,
    value: T,
    winner: Assignment,
    others: readonly Assignment[],
  ): void {
    if (winner.origin !== 'environment' && winner.origin !== 'env-file') return
    for (const { origin, input, directory, place, fault } of others) {
      if (origin !== winner.origin || fault) continue
      const parsed = setting.kind.parse(input, directory)
      if ('problem' in parsed || Bun.deepEquals(parsed.value, value)) continue
      const message = `it is not used: ${winner.place} sets something else`
      this.warnings.push({ key: setting.key, place, message })
    }
  }

  /** Where `setting`, which was read, comes from. */
  placeOf(setting: Setting<unknown>): string {
    return this.settings.find((read) => read.setting === setting)?.place ?? 'default'
  }

  /** What the locus.toml that was read has for `setting`, also when something else won; undefined when nothing. */
  inFile(setting: Setting<unknown>): unknown {
    const assignments = this.sourcesOf(setting).assignmentsOf(setting, this.dataDirectory)
    return assignments.find(({ origin }) => origin === 'file')?.input
  }

  /** Whether something other than its default set `setting`, which was read. */
  isSet(setting: Setting<unknown>): boolean {
    return this.settings.find((read) => read.setting === setting)?.origin !== 'default'
  }

  fault(setting: Setting<unknown>, problem: string, remedy: string): void {
    this.faults.push({ key: setting.key, place: this.placeOf(setting), problem, remedy })
  }

  warn(setting: Setting<unknown>, message: string): void {
    this.warnings.push({ key: setting.key, place: this.placeOf(setting), message })
  }
}
