/** What a generated descriptor says of one XRPC method. The types of its parameters, input and output go with it. */
import { isNsid, type Nsid } from '#lexicon/strings.ts'

export type MethodKind = 'query' | 'procedure' | 'subscription'

/** The body of a request that is not JSON: its bytes, decoded and counted while they are read. */
export interface InputBody {
  /** the Content-Type, without parameters */
  readonly encoding: string
  readonly stream: ReadableStream<Uint8Array>
}

/** What a caller may give as the body of a request that is not JSON. */
export type RequestBody = Uint8Array | ReadableStream<Uint8Array> | Blob

/** An answer that is not JSON. */
export interface OutputBody {
  readonly encoding: string
  readonly body: Uint8Array | ReadableStream<Uint8Array>
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * One XRPC method. `Params` and `Input` are what its implementation is given: checked, with defaults filled in and
 * identifiers as types of their own. `Output` is what it returns.
 */
export interface Method<Params = unknown, Input = unknown, Output = unknown> {
  readonly nsid: Nsid
  readonly kind: MethodKind
  /** absent when the method takes no body */
  readonly inputEncoding?: string
  /** absent when the method answers without a body */
  readonly outputEncoding?: string
  /** for the compiler only, never set */
  readonly types?: { readonly params: Params; readonly input: Input; readonly output: Output }
}

/** For the generated descriptors. */
export function method<Params, Input, Output>(
  nsid: string,
  kind: MethodKind,
  inputEncoding?: string,
  outputEncoding?: string,
): Method<Params, Input, Output> {
  if (!isNsid(nsid)) throw new TypeError(`${nsid} is not an NSID`)
  return {
    nsid,
    kind,
    ...(inputEncoding === undefined ? {} : { inputEncoding }),
    ...(outputEncoding === undefined ? {} : { outputEncoding }),
  }
}
