import { formatCid } from '#repo/cid.ts'
import { decodeFrame, type RepoOp } from '#repo/events.ts'
import type { LoggedEvent } from '#sequencer/sequencer.ts'

/** An event as JSON: what consumers get, without its blocks. Fields that it does not have are absent. */
export function eventView({ seq, did, kind, frame }: LoggedEvent, withOps: boolean): object {
  const event = decodeFrame(frame)
  if (event.type === 'commit') {
    const { time, rev, since, commit, prevData, ops } = event
    return {
      ...{ seq, time, kind, did, rev, since, commit: formatCid(commit) },
      ...(prevData && { prevData: formatCid(prevData) }),
      ...(withOps ? { ops: ops.map(opView) } : { opCount: ops.length }),
      bytes: frame.length,
    }
  }
  if (event.type === 'sync') {
    const { time, rev } = event
    return { seq, time, kind, did, rev, bytes: frame.length }
  }
  if (event.type === 'identity') {
    const { time, handle } = event
    return { seq, time, kind, did, ...(handle !== undefined && { handle }), bytes: frame.length }
  }
  if (event.type === 'account') {
    const { time, active, status } = event
    return { seq, time, kind, did, active, ...(status !== undefined && { status }), bytes: frame.length }
  }
  throw new Error(`event ${seq} of the log is none`)
}

function opView({ action, path, cid, prev }: RepoOp): object {
  return { action, path, ...(cid && { cid: formatCid(cid) }), ...(prev && { prev: formatCid(prev) }) }
}
