/** What the methods that write records have in common. */
import type { Did } from '#lexicon/strings.ts'
import type { WriteResult, WrittenRecord } from '#records/write.ts'
import { formatCid } from '#repo/cid.ts'

/** The commit, where one was made. */
export function commitMeta({ commit }: WriteResult): { commit?: { cid: string; rev: string } } {
  return commit ? { commit: { cid: formatCid(commit.cid), rev: commit.rev } } : {}
}

/** A record of `did` that was created or updated. */
export function recordMeta(did: Did, { path, cid, validationStatus }: WrittenRecord) {
  return { uri: `at://${did}/${path}`, cid: formatCid(cid), ...(validationStatus && { validationStatus }) }
}
