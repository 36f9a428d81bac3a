/** Settings as rows to print: their value as locus.toml would have it, and where it comes from. */
import { usageError } from '#cli/errors.ts'
import type { Plain } from '#config/kinds.ts'
import type { ReadSetting } from '#config/reader.ts'
import { fileKeyOf, type Setting } from '#config/setting.ts'
import { suggestion } from '#config/suggestion.ts'
import { variablesOf } from '#config/template.ts'

/** What is printed instead of a secret. */
export const HIDDEN = '***'

export interface SettingRow {
  readonly key: string
  /** null when it is not set and has no default */
  readonly value: Plain | null
  readonly origin: string
  /** the flag, the variable, or file and line */
  readonly from: string
}

export function settingRow({ setting, value, origin, place }: ReadSetting, showSecrets: boolean): SettingRow {
  return { key: setting.key, value: shownValue(setting, value, showSecrets), origin, from: place }
}

export function shownValue(setting: Setting<unknown>, value: unknown, showSecrets: boolean): Plain | null {
  if (value === null || value === undefined) return null
  return setting.secret && !showSecrets ? HIDDEN : setting.kind.plain(value)
}

/**
 * The setting that a person names by its key, by its key in locus.toml or by one of its variables.
 * @throws CommandError (usage) when there is none
 */
export function namedSetting(read: readonly ReadSetting[], name: string): ReadSetting {
  const found = read.find(({ setting }) =>
    [setting.key, fileKeyOf(setting), ...variablesOf(setting)].includes(name),
  )
  if (found) return found
  const keys = read.map(({ setting }) => setting.key)
  throw usageError(
    `there is no setting ${name}`,
    suggestion(name, keys, 'locus config show lists all settings'),
  )
}
