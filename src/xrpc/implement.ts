/**
 * The shape of a method's implementation: its policy, its limits, and one function that calls into a room. Parameters
 * and input come typed, checked and with defaults filled in; what it returns is checked as well where the settings
 * ask for it. It throws domain errors and knows nothing of HTTP.
 */
import type { App } from '#app.ts'
import type { Policy } from '#auth/policies.ts'
import type { Principal } from '#auth/principal.ts'
import type { Config } from '#config/config.ts'
import type { Method } from '#lexicon/method.ts'
import type { LimitName } from '#ratelimit/limits.ts'
import type { Caller } from '#xrpc/caller.ts'

/** One call of a method, all checks passed. */
export interface Call<Params, Input, P extends Principal> {
  readonly app: App
  readonly principal: P
  readonly params: Params
  readonly input: Input
  readonly request: Caller
}

/** Written as a method so that implementations of different methods fit in one table. */
type Price<Params, Input> = { of(call: { readonly params: Params; readonly input: Input }): number }['of']

/** A named limit of `ratelimit/limits.ts`, and what one call costs of it. */
export interface Charge<Params, Input> {
  readonly limit: LimitName
  readonly points: number | Price<Params, Input>
}

export interface MethodParts<Params, Input, Output, P extends Principal> {
  readonly auth: Policy<P>
  /** a name alone costs one point per call */
  readonly rateLimit?: LimitName | Charge<Params, Input>
  /** bytes of the body after decompression, where the default for its kind of body does not do */
  readonly bodyLimit?: number | ((config: Config) => number)
  handle(call: Call<Params, Input, P>): Output | Promise<Output>
}

/** A method and how it is done. */
export interface Implementation<
  Params = unknown,
  Input = unknown,
  Output = unknown,
  P extends Principal = Principal,
> extends MethodParts<Params, Input, Output, P> {
  readonly method: Method<Params, Input, Output>
}

type TypesOf<M extends Method> = NonNullable<M['types']>

/** Declares how `method` is done. */
export function implement<M extends Method, P extends Principal>(
  method: M,
  parts: MethodParts<TypesOf<M>['params'], TypesOf<M>['input'], TypesOf<M>['output'], P>,
): Implementation<TypesOf<M>['params'], TypesOf<M>['input'], TypesOf<M>['output'], P> {
  return { method, ...parts }
}
