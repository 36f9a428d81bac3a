/** What methods are given and give back, held against their lexicons. */
import { lexParse } from '@atproto/lex-json'
import { l } from '@atproto/lex-schema'
import { InvalidInputError, InvalidParamsError } from '#lexicon/errors.ts'
import { schemas } from '#lexicon/schemas.ts'

const NO_PARAMS: object = Object.freeze({})

/**
 * The parameters of a call from its query string (without `?`): coerced to their types, with defaults filled in.
 * Parameters that the lexicon does not name stay strings.
 * @throws InvalidParamsError
 */
export function parseParams(nsid: string, query: string): object {
  const { params } = schemas.method(nsid)
  if (query === '' && !params) return NO_PARAMS
  const pairs = new URLSearchParams(query)
  if (pairs.has('__proto__')) throw new InvalidParamsError(`Invalid ${nsid} params: Invalid key: __proto__`)
  if (!params) return NO_PARAMS
  try {
    return params.fromURLSearchParams(pairs)
  } catch (error) {
    if (!(error instanceof l.LexValidationError)) throw error
    const reasons = error.issues.map((issue) => issue.message).join(', ')
    throw new InvalidParamsError(`Invalid ${nsid} params: ${reasons}`)
  }
}

/**
 * The JSON body of a call with defaults filled in.
 * @throws InvalidInputError
 */
export function parseInput(nsid: string, body: unknown): unknown {
  const { input } = schemas.method(nsid)
  if (!input) return body
  const result = l.ValidationContext.validate(body, input, { mode: 'parse' })
  if (!result.success) throw new InvalidInputError(result.reason.message)
  return result.value
}

/** What is wrong with the answer of a method, or null when it is as its lexicon says. */
export function faultOfOutput(nsid: string, json: string): string | null {
  const { output } = schemas.method(nsid)
  if (!output) return null
  const result = l.ValidationContext.validate(lexParse(json), output, { mode: 'validate' })
  return result.success ? null : result.reason.message
}
