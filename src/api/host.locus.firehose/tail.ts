import { operator } from '#auth/policies.ts'
import { host } from '#lexicon/index.ts'
import { FutureCursorError } from '#sequencer/errors.ts'
import type { LoggedEvent } from '#sequencer/sequencer.ts'
import { implement } from '#xrpc/implement.ts'
import { eventView } from './event-view.ts'

export const tail = implement(host.locus.firehose.tail, {
  auth: operator,
  handle({ app, params: { cursor, limit, ops } }) {
    const { firehose, sequencer } = app
    if (cursor !== undefined && cursor > sequencer.lastSeq)
      throw new FutureCursorError(cursor, sequencer.lastSeq)
    const isOutdated = cursor !== undefined && cursor < sequencer.prunedThrough
    const lines = linesOf(firehose.follow(cursor ?? null), { isOutdated, limit, ops })
    return { encoding: 'application/x-ndjson', body: streamOf(lines) }
  },
})

/** Some lines at a time; an empty one says no more than that the connection is alive. */
async function* linesOf(
  pages: AsyncIterable<readonly LoggedEvent[]>,
  { isOutdated, limit, ops }: { isOutdated: boolean; limit?: number | undefined; ops: boolean },
): AsyncGenerator<string, void> {
  if (isOutdated) yield `${JSON.stringify({ kind: 'info', name: 'OutdatedCursor' })}\n`
  let left = limit ?? Number.POSITIVE_INFINITY
  for await (const page of pages) {
    const events = page.slice(0, left)
    left -= events.length
    yield events.length === 0
      ? '\n'
      : events.map((event) => `${JSON.stringify(eventView(event, ops))}\n`).join('')
    if (left === 0) return
  }
}

function streamOf(lines: AsyncGenerator<string, void>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream({
    async pull(controller) {
      const next = await lines.next()
      if (next.done) controller.close()
      else controller.enqueue(encoder.encode(next.value))
    },
    cancel: () => void lines.return(),
  })
}
