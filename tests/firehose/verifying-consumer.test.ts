import { describe, expect, test } from 'bun:test'
import { Secp256k1Keypair } from '@atproto/crypto'
import { consume, type FaultKind, type FirehoseConsumer } from '#tests/support/firehose-consumer.ts'
import { readCar, writeCar } from '#tests/support/independent/car.ts'
import { type CborMap, decode, encode, type Link } from '#tests/support/independent/cbor.ts'
import { cidOf } from '#tests/support/independent/cid.ts'
import {
  framesOf,
  type ScriptedEvent,
  ScriptedHost,
  ScriptedRepo,
  type Write,
} from '#tests/support/scripted-host.ts'

const DID = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
const post = (n: number) => `app.bsky.feed.post/3k${String(n).padStart(11, '2')}`

/** The events of an account that writes a good number of records and ends with three commits worth falsifying. */
async function history(): Promise<{ repo: ScriptedRepo; events: ScriptedEvent[] }> {
  const { repo, first } = await ScriptedRepo.create(DID)
  const events = [first]
  const many: Write[] = Array.from({ length: 150 }, (_, i) => ['create', post(i + 222), `post ${i}`])
  events.push(await repo.commit(many))
  events.push(await repo.commit([['create', post(555), 'one more']]))
  events.push(await repo.commit([['update', post(333), 'changed']]))
  events.push(await repo.commit([['delete', post(225)]]))
  return { repo, events }
}

/** What a consumer from the beginning makes of the events. */
async function listen(events: readonly ScriptedEvent[], key: string): Promise<FirehoseConsumer> {
  return await listenTo(framesOf(events), key)
}

async function listenTo(frames: readonly Uint8Array[], key: string): Promise<FirehoseConsumer> {
  await using host = new ScriptedHost(frames, { [DID]: key })
  await using consumer = await consume(host.url, { plcUrl: host.url, fromGenesis: true })
  await consumer.waitForFrames(frames.length)
  return consumer
}

test('a consumer finds no fault with the events of the official implementation', async () => {
  const { repo, events } = await history()

  const consumer = await listen(events, repo.key.did())

  expect(consumer.faults).toEqual([])
  expect(consumer.events.map((event) => event.type)).toEqual(Array(5).fill('commit'))
})

test('a consumer finds no fault with many random changes of many records at a time', async () => {
  const { repo, first } = await ScriptedRepo.create(DID)
  const events = [first]
  const there = new Set<string>()
  for (let round = 0; round < 40; round++) {
    const writes = new Map<string, Write>()
    for (let i = 0; i < 1 + ((round * 7) % 60); i++) {
      const path = post(222 + Math.floor(Math.random() * 400))
      const action = !there.has(path) ? 'create' : Math.random() < 0.6 ? 'delete' : 'update'
      writes.set(path, action === 'delete' ? ['delete', path] : [action, path, crypto.randomUUID()])
    }
    for (const [path, [action]] of writes) {
      if (action === 'delete') there.delete(path)
      else there.add(path)
    }
    events.push(await repo.commit([...writes.values()]))
  }

  const consumer = await listen(events, repo.key.did())

  expect(consumer.faults).toEqual([])
})

describe('a consumer reports', () => {
  /** Falsifies the event at `at` (from the end) and expects a fault of this kind, in it. */
  async function expectFault(
    kind: FaultKind,
    at: number,
    falsify: (event: ScriptedEvent, repo: ScriptedRepo) => void,
  ) {
    const { repo, events } = await history()
    falsify(events.at(at)!, repo)

    const consumer = await listen(events, repo.key.did())

    expect(consumer.faults.map((fault) => fault.kind)).toContain(kind)
  }

  test('fields that are missing, superfluous or of a wrong value', async () => {
    await expectFault('frame', -1, ({ fields }) => fields.delete('blobs'))
    await expectFault('frame', -1, ({ fields }) => fields.set('extra', null))
    await expectFault('frame', -1, ({ fields }) => fields.set('tooBig', true))
    await expectFault('frame', -1, ({ fields }) => fields.set('time', 'yesterday'))
    await expectFault('frame', -1, ({ fields }) => fields.set('seq', 0))
    await expectFault('frame', -1, ({ fields }) => fields.delete('since'))
  })

  test('operations of a wrong form', async () => {
    const op = ({ fields }: ScriptedEvent) => (fields.get('ops') as CborMap[])[0]!
    await expectFault('frame', -3, (event) => op(event).set('prev', op(event).get('cid')!))
    await expectFault('frame', -2, (event) => op(event).delete('prev'))
    await expectFault('frame', -1, (event) => op(event).delete('cid'))
    await expectFault('frame', -2, (event) => op(event).set('path', 'nothing'))
    await expectFault('frame', -2, ({ fields }) => {
      const ops = fields.get('ops') as CborMap[]
      fields.set('ops', [...ops, ...ops])
    })
  })

  test('numbers that do not grow', async () => {
    await expectFault('seq', -1, ({ fields }) => fields.set('seq', 4))
    await expectFault('seq', -1, ({ fields }) => fields.set('seq', 1))
  })

  test('another rev or owner than the commit has', async () => {
    await expectFault('commit', -1, ({ fields }) => fields.set('rev', '3zzzzzzzzzzzz'))
    await expectFault('commit', -1, ({ fields }) => fields.set('repo', 'did:plc:bbbbbbbbbbbbbbbbbbbbbbbb'))
  })

  test('blocks that do not hash to their CIDs, are missing, or belong to nothing', async () => {
    await expectFault('blocks', -3, ({ fields }) => {
      const blocks = Uint8Array.from(fields.get('blocks') as Uint8Array)
      blocks[blocks.length - 1]! ^= 1
      fields.set('blocks', blocks)
    })
    await expectFault('record', -3, (event) => withoutBlock(event, recordCid(event)))
    await expectFault('inversion', -1, (event) => withoutNodes(event))
    await expectFault('blocks', -1, ({ fields }) => {
      const { roots, blocks } = readCar(fields.get('blocks') as Uint8Array)
      const stray = encode(new Map([['stray', true]]))
      fields.set('blocks', writeCar(roots, [...blocks, [cidOf('dag-cbor', stray), stray]]))
    })
  })

  test('operations that do not lead from one tree to the other', async () => {
    await expectFault('inversion', -1, ({ fields }) => fields.set('ops', []))
    await expectFault('inversion', -1, ({ fields }) => {
      ;(fields.get('ops') as CborMap[])[0]!.set('prev', fields.get('commit')!)
    })
    await expectFault('operations', -2, ({ fields }) => {
      ;(fields.get('ops') as CborMap[])[0]!.set('path', post(334))
    })
  })

  test('commits that do not follow the one before', async () => {
    await expectFault('chain', -1, ({ fields }) => fields.set('since', '3k22222222222'))
    await expectFault('chain', -1, ({ fields }) => fields.set('prevData', fields.get('commit')!))
    await expectFault('chain', -1, ({ fields }) => fields.delete('prevData'))
    const { repo, events } = await history()

    const consumer = await listen(events.toSpliced(2, 1), repo.key.did())

    expect(consumer.faults).toMatchObject([{ kind: 'chain' }, { kind: 'chain' }])
  })

  test('the events of an account that does not begin at its beginning', async () => {
    const { repo, events } = await history()

    const consumer = await listen(events.slice(1), repo.key.did())

    expect(consumer.faults).toMatchObject([{ kind: 'chain', seq: 1, did: DID }])
  })

  test('the signature of another key, or a DID without a document', async () => {
    const { events } = await history()
    const other = await Secp256k1Keypair.create()

    const consumer = await listen(events, other.did())
    expect(consumer.faults.map(({ kind }) => kind)).toEqual(Array(5).fill('signature'))

    await using host = new ScriptedHost(framesOf(events), {})
    await using lost = await consume(host.url, { plcUrl: host.url })
    await lost.waitForFrames(events.length)
    expect(lost.faults.map(({ kind }) => kind)).toEqual(Array(5).fill('identity'))
  })

  test('a commit while the account is inactive', async () => {
    const { repo, events } = await history()
    const deactivated: ScriptedEvent = {
      type: '#account',
      fields: new Map([...Object.entries({ did: DID, active: false, status: 'deactivated' })]),
    }

    const consumer = await listen(events.toSpliced(4, 0, deactivated), repo.key.did())

    expect(consumer.faults).toMatchObject([{ kind: 'inactive', seq: 6 }])
  })

  test('frames that are not canonical, or not two items', async () => {
    const { repo, events } = await history()
    const [first] = framesOf(events)
    const header = first!.subarray(0, 15)
    const unsorted = Buffer.concat([
      Buffer.from('a2626f7001617467', 'hex'),
      header.subarray(4, 11),
      first!.subarray(15),
    ])
    const longer = Buffer.concat([first!, Uint8Array.of(0xf6)])

    const consumer = await listenTo([unsorted, longer], repo.key.did())

    expect(consumer.faults).toMatchObject([
      { kind: 'frame', detail: 'key "t" is out of order' },
      { kind: 'frame', detail: 'more than two items' },
    ])
  })
})

test('a consumer tells how the stream ended', async () => {
  const refusal = Buffer.concat([encode(new Map([['op', -1]])), encode(new Map([['error', 'FutureCursor']]))])
  await using host = new ScriptedHost([refusal], {})
  await using consumer = await consume(host.url, { plcUrl: host.url })

  expect(await consumer.until(({ type }) => type === 'error')).toMatchObject({ error: 'FutureCursor' })
  await host[Symbol.asyncDispose]()

  expect(await consumer.untilClosed()).toMatchObject({ code: expect.any(Number) })
  await expect(consumer.waitForSeq(1)).rejects.toThrow('the connection ended')
})

function recordCid({ fields }: ScriptedEvent): string {
  return ((fields.get('ops') as CborMap[])[0]!.get('cid') as Link).cid
}

function withoutBlock({ fields }: ScriptedEvent, cid: string): void {
  const { roots, blocks } = readCar(fields.get('blocks') as Uint8Array)
  fields.set(
    'blocks',
    writeCar(
      roots,
      [...blocks].filter(([name]) => name !== cid),
    ),
  )
}

/** Leaves out the nodes below the root that the inversion needs. */
function withoutNodes({ fields }: ScriptedEvent): void {
  const { roots, blocks } = readCar(fields.get('blocks') as Uint8Array)
  const commit = decode(blocks.get(roots[0]!)!) as CborMap
  const kept = new Set([roots[0]!, (commit.get('data') as Link).cid])
  fields.set(
    'blocks',
    writeCar(
      roots,
      [...blocks].filter(([name]) => kept.has(name)),
    ),
  )
}
