/** What a setting is, and the words to declare one with. */
import { boolean, type Kind } from '#config/kinds.ts'
import type { SecretName } from '#config/layout.ts'

/** A variable of the official PDS, and what its words stand for here; undefined: it sets nothing. */
export interface OfficialName {
  readonly name: string
  readonly fromWords?: (words: string) => unknown
}

export interface SecretSource {
  /** the file below `secrets/` and in `$CREDENTIALS_DIRECTORY` */
  readonly file: SecretName
  /** whether the file below `secrets/` is read without being referred to */
  readonly kept: boolean
  /** whether a value is harmless enough to stand in locus.toml itself */
  readonly allowedInline?: (value: string) => boolean
}

export interface Setting<T> {
  readonly key: string
  readonly kind: Kind<NonNullable<T>>
  readonly sentence: string
  /** the value when nothing sets it; null = there is none */
  readonly fallback: T
  /** the same for a development server, where it differs */
  readonly developmentFallback?: T
  /** how the default follows from other settings, in words */
  readonly follows?: string
  /** its `LOCUS_*` name */
  readonly variable: string
  readonly official: readonly OfficialName[]
  /** the option of `locus serve` */
  readonly flag?: string
  /** whether a running server takes a new value at SIGHUP */
  readonly reloadable: boolean
  readonly secret?: SecretSource
  /** what it is for, while nothing in this version reads it */
  readonly waitsFor?: string
}

type Details<T> = Partial<Omit<Setting<T>, 'key' | 'kind' | 'fallback' | 'sentence' | 'official'>> & {
  readonly official?: string | readonly OfficialName[]
}

/** Declares a setting that always has a value. */
export function setting<T>(
  key: string,
  kind: Kind<NonNullable<T>>,
  fallback: T,
  sentence: string,
  details: Details<T> = {},
): Setting<T> {
  const { official = [], ...rest } = details
  return {
    key,
    kind,
    fallback,
    sentence,
    variable: `LOCUS_${key.replaceAll('.', '_').toUpperCase()}`,
    reloadable: false,
    ...rest,
    official: typeof official === 'string' ? [{ name: official }] : official,
  }
}

/** Declares a setting that may be absent. */
export function optional<T>(
  key: string,
  kind: Kind<T & {}>,
  sentence: string,
  details?: Details<(T & {}) | null>,
) {
  return setting<(T & {}) | null>(key, kind, null, sentence, details)
}

/** Official durations are plain milliseconds. */
export function milliseconds(name: string): readonly OfficialName[] {
  return [{ name, fromWords: (words) => (/^\d+$/.test(words) ? `${words}ms` : words) }]
}

/** An official switch that says the opposite of ours. */
export function inverted(name: string): OfficialName {
  return {
    name,
    fromWords: (words) => {
      const value = boolean.fromWords?.(words)
      return typeof value === 'boolean' ? !value : words
    },
  }
}

/** What PDS_DEV_MODE=true sets; false sets nothing. */
export function officialDevelopmentMode(whenTrue: boolean): OfficialName {
  return {
    name: 'PDS_DEV_MODE',
    fromWords: (words) => {
      const value = boolean.fromWords?.(words)
      if (value === false) return undefined
      return value === true ? whenTrue : words
    },
  }
}

/** Its key in locus.toml: a secret is referred to by the path of its file. */
export function fileKeyOf({ key, secret }: Setting<unknown>): string {
  return secret ? `${key}_file` : key
}

/** The variable with the path of a secret's file. */
export function fileVariableOf({ variable }: Setting<unknown>): string {
  return `${variable}_FILE`
}
