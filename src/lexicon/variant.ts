import type { DefinitionByRef } from '#lexicon/generated/methods.ts'

/** A member of a union, named by its `$type`. */
export type Variant<Ref extends string, Fields> = Fields & { readonly $type: Ref }

/** A member of an open union that its lexicon does not list. */
export interface UnknownVariant {
  readonly $type: string
  readonly [name: string]: unknown
}

/** Whether a checked value is the object of the lexicons that `ref` names, by its `$type`. */
export function isVariant<Ref extends keyof DefinitionByRef>(
  value: object,
  ref: Ref,
): value is Variant<Ref, DefinitionByRef[Ref]> {
  return '$type' in value && value.$type === ref
}
