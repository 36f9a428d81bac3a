/**
 * The network's schemas and our own: descriptors of all methods as trees (`com.atproto.server.createSession`), and the
 * types that go with them. Everything here is generated from the lexicons by `scripts/lexgen.ts`.
 */
import type { MethodByNsid } from '#lexicon/generated/methods.ts'

export type { DefinitionByRef, MethodByNsid } from '#lexicon/generated/methods.ts'
export { app, chat, com, host, tools } from '#lexicon/generated/methods.ts'

export type MethodNsid = keyof MethodByNsid
export type ParamsOf<N extends MethodNsid> = MethodByNsid[N]['params']
export type InputOf<N extends MethodNsid> = MethodByNsid[N]['input']
export type OutputOf<N extends MethodNsid> = MethodByNsid[N]['output']
/** What a call is mainly about: the parameters of a query, the input of a procedure. */
export type ArgumentOf<N extends MethodNsid> = MethodByNsid[N]['kind'] extends 'procedure'
  ? InputOf<N>
  : ParamsOf<N>
