import { type Cid, parseCid } from '#repo/cid.ts'
import { InvalidRequestError } from '#std/errors.ts'

/** The CID that a caller wrote. @throws InvalidRequestError when it is not one of a record, a commit or a blob */
export function cidParameter(text: string, name: string): Cid {
  const cid = parseCid(text)
  if (!cid) throw new InvalidRequestError(`${name} is not a CID of this protocol: ${text.slice(0, 100)}`)
  return cid
}

/** The same where the caller may leave it out. */
export function optionalCid(text: string | undefined, name: string): Cid | undefined {
  return text === undefined ? undefined : cidParameter(text, name)
}
