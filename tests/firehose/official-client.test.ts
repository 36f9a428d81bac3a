/** The network's own client of the firehose, which checks commits as AppViews do, against this server. */
import { expect, test } from 'bun:test'
import { type CommitEvt, type Event, Firehose } from '@atproto/sync'
import { signingKeyOf } from '#tests/support/independent/did-document.ts'
import { type Pds, startPds } from '#tests/support/pds.ts'
import { until } from '#tests/support/until.ts'

const POST = 'app.bsky.feed.post'

test('the official client takes every event, and finds nothing wrong with commits', async () => {
  await using pds = await startPds()
  await using client = await listen(pds, 0)
  const alice = await pds.createAccount('alice')
  const record = (text: string) => ({ $type: POST, text, createdAt: new Date().toISOString() })
  const repo = alice.did
  const { uri } = await alice.call('com.atproto.repo.createRecord', {
    repo,
    collection: POST,
    record: record('one'),
  })
  const rkey = uri.split('/').at(-1) ?? ''
  await alice.call('com.atproto.repo.putRecord', { repo, collection: POST, rkey, record: record('two') })
  const writes = Array.from({ length: 20 }, (_, i) => ({
    $type: 'com.atproto.repo.applyWrites#create' as const,
    collection: POST,
    value: record(`one of many ${i}`),
  }))
  await alice.call('com.atproto.repo.applyWrites', { repo, writes })
  await alice.call('com.atproto.repo.deleteRecord', { repo, collection: POST, rkey })
  await pds.admin.call('com.atproto.admin.deleteAccount', { did: repo })
  await until(() =>
    client.events.some(({ event, did }) => event === 'account' && did === repo && client.events.length > 25),
  )

  expect(client.errors).toEqual([])
  expect(client.events.map(({ event }) => event)).toEqual([
    'identity',
    'account',
    'sync',
    'create',
    'update',
    ...Array<'create'>(20).fill('create'),
    'delete',
    'account',
  ])
  expect(client.events[0]).toMatchObject({ did: repo, handle: 'alice.test' })
  expect(client.events.at(-1)).toMatchObject({ active: false, status: 'deleted' })
  const texts = client.events.flatMap((event) => (isWrite(event) ? [event.record.text] : []))
  expect(texts.slice(0, 2)).toEqual(['one', 'two'])
})

function isWrite(event: Event): event is Extract<CommitEvt, { event: 'create' | 'update' }> {
  return event.event === 'create' || event.event === 'update'
}

async function listen(pds: Pds, cursor: number) {
  const events: Event[] = []
  const errors: Error[] = []
  const firehose = new Firehose({
    service: pds.url.replace('http', 'ws'),
    getCursor: () => cursor,
    handleEvent: (event) => void events.push(event),
    onError: (error) => void errors.push(error),
    idResolver: resolver(pds) as never,
  })
  void firehose.start()
  return { events, errors, [Symbol.asyncDispose]: () => firehose.destroy() }
}

/** What the client asks of its resolver, answered by the directory and by this server. */
function resolver(pds: Pds) {
  const plcUrl = `http://localhost:${pds.server.plcPort}`
  return {
    did: {
      resolve: async (did: string) => await (await fetch(`${plcUrl}/${did}`)).json(),
      resolveAtprotoKey: (did: string) => signingKeyOf(plcUrl, did),
    },
    handle: {
      resolve: async (handle: string) =>
        (await pds.call('com.atproto.identity.resolveHandle', { handle })).did,
    },
  }
}
