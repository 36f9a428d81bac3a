import { expect, test } from 'bun:test'
import { P256Keypair, Secp256k1Keypair } from '@atproto/crypto'
import * as plc from '@did-plc/lib'
import { CID } from 'multiformats/cid'
import { createGenesis, createTombstone, createUpdate, withHandle } from '#identity/plc-changes.ts'
import { checkLimits } from '#identity/plc-limits.ts'
import { judgeOperation, type LoggedOperation, verifyLog } from '#identity/plc-log.ts'
import {
  type AnyPlcOperation,
  asPlcOperation,
  dataOf,
  genesisDid,
  operationCid,
  type PlcOperation,
  plcDocument,
  signOperation,
} from '#identity/plc-operation.ts'
import { generateK256, type SigningKey } from '#keys/k256.ts'
import type { Json } from '#lexicon/json.ts'
import type { Did, Handle } from '#lexicon/strings.ts'
import { HOUR } from '#std/clock.ts'

const { key: signingKey } = generateK256()
const { key: strong } = generateK256()
const { key: middle } = generateK256()
const { key: weak } = generateK256()
const { key: stranger } = generateK256()
const p256 = await P256Keypair.create()

const start = Date.UTC(2026, 0, 1)
const pds = 'https://pds.example.com'
const keys = [strong.did, middle.did, weak.did]

function genesis(rotationKeys: readonly string[] = keys, signer: SigningKey = weak) {
  return createGenesis(
    { signingKey: signingKey.did, rotationKeys, handle: 'alice.test' as Handle, pds },
    signer,
  )
}

/** Signs what is over a limit, too. */
function update(last: AnyPlcOperation, changes: Partial<PlcOperation>, signer: SigningKey): PlcOperation {
  return signOperation(
    { type: 'plc_operation', ...dataOf(last)!, prev: operationCid(last), ...withoutSignature(changes) },
    signer,
  )
}

function withoutSignature({ sig: _, ...rest }: Partial<PlcOperation>) {
  return rest
}

/** A log that takes what is right, one operation an hour. */
class Log {
  entries: LoggedOperation[] = []
  time = start

  constructor(readonly did: Did) {}

  add(operation: AnyPlcOperation, afterMs = HOUR): string[] {
    const time = this.time + afterMs
    const nullified = judgeOperation(this.did, this.entries, operation, time)
    this.time = time
    this.entries = [
      ...this.entries.map((entry) => (nullified.includes(entry.cid) ? { ...entry, nullified: true } : entry)),
      { operation, cid: operationCid(operation), createdAt: time, nullified: false },
    ]
    return nullified
  }
}

function begin(): { log: Log; first: PlcOperation } {
  const { did, operation } = genesis()
  const log = new Log(did)
  log.add(operation)
  return { log, first: operation }
}

function handle(last: AnyPlcOperation, name: string, signer: SigningKey): PlcOperation {
  return update(last, { alsoKnownAs: [`at://${name}`] }, signer)
}

/** What a key of @atproto/crypto needs to be to sign for us. */
async function official(
  bytes: (unsigned: Uint8Array) => Promise<Uint8Array>,
  unsigned: plc.UnsignedOperation,
) {
  return await plc.signOperation(unsigned, { sign: bytes } as never)
}

test('a genesis is one that @did-plc/lib accepts, under the same DID', async () => {
  const { did, operation } = genesis()

  await plc.assureValidNextOp(did, [], operation as never)
  expect(await plc.didForCreateOp(operation as never)).toBe(did)
  expect(did).toMatch(/^did:plc:[a-z2-7]{24}$/)
  expect(genesis().did).toBe(did)
})

test('a genesis of @did-plc/lib is accepted, signed with either curve', async () => {
  for (const signer of [await Secp256k1Keypair.create(), await P256Keypair.create()]) {
    const { did, op } = await plc.createOp({
      signingKey: signingKey.did,
      handle: 'alice.test',
      pds,
      rotationKeys: [strong.did, signer.did()],
      signer: signer as never,
    })
    const operation = asPlcOperation(op)

    expect(genesisDid(operation)).toBe(did as Did)
    expect(judgeOperation(did as Did, [], operation, start)).toEqual([])
  }
})

test('updates and tombstones of @did-plc/lib are accepted, and ours by it', async () => {
  const theirs = await Secp256k1Keypair.create()
  const { did, operation: first } = genesis([theirs.did(), weak.did])
  const log = new Log(did)
  log.add(first)

  const second = asPlcOperation(await plc.updateHandleOp(first as never, theirs as never, 'bob.test'))
  log.add(second)
  const third = createUpdate(
    second,
    ({ alsoKnownAs }) => ({ alsoKnownAs: withHandle(alsoKnownAs, 'c.test' as Handle) }),
    weak,
  )
  log.add(third)
  const tombstone = asPlcOperation(
    await plc.tombstoneOp(CID.parse(operationCid(third)) as never, theirs as never),
  )
  log.add(tombstone)

  const operations = log.entries.map((entry) => entry.operation)
  expect(await plc.validateOperationLog(did, operations.slice(0, 3) as never)).toMatchObject({
    did,
    alsoKnownAs: ['at://c.test'],
  })
  expect(await plc.validateOperationLog(did, operations as never)).toBeNull()
  expect(verifyLog(did, log.entries)).toBeNull()
})

test('a tombstone of ours is one that @did-plc/lib accepts', async () => {
  const { did, operation } = genesis()

  const log = [operation, createTombstone(operation, strong)]

  expect(await plc.validateOperationLog(did, log as never)).toBeNull()
})

test('a log may begin in the legacy form, whose hash counts as it was written', async () => {
  const theirs = await Secp256k1Keypair.create()
  const unsigned = {
    type: 'create',
    signingKey: signingKey.did,
    recoveryKey: theirs.did(),
    handle: 'alice.test',
    service: 'pds.example.com',
    prev: null,
  } as const
  const first = asPlcOperation(await plc.deprecatedSignCreate(unsigned, theirs as never))
  const did = genesisDid(first)
  const log = new Log(did)

  log.add(first)
  const second = asPlcOperation(await plc.updateHandleOp(first as never, theirs as never, 'bob.test'))
  log.add(second)
  const third = createUpdate(second, () => ({ services: {} }), signingKey)
  log.add(third)

  expect(await plc.didForCreateOp(first as never)).toBe(did)
  expect(dataOf(first)).toEqual({
    rotationKeys: [theirs.did(), signingKey.did],
    verificationMethods: { atproto: signingKey.did },
    alsoKnownAs: ['at://alice.test'],
    services: { atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: pds } },
  })
  expect(verifyLog(did, log.entries)).toMatchObject({ alsoKnownAs: ['at://bob.test'], services: {} })
})

test('a genesis must be signed by a key of its own, hash to its DID, and follow nothing', () => {
  const { did, operation } = genesis()
  const foreign = genesis(keys, stranger)
  const following = signOperation(
    { ...withoutSignature(operation), prev: operationCid(operation) } as never,
    weak,
  )

  expect(() => judgeOperation(foreign.did, [], foreign.operation, start)).toThrow('Invalid signature on op')
  expect(() => judgeOperation('did:plc:ewvi7nxzyoun6zhxrhs64oiz' as Did, [], operation, start)).toThrow(
    'Hash of genesis operation does not match DID identifier',
  )
  expect(() => judgeOperation(genesisDid(following as never), [], following as never, start)).toThrow(
    'expected null prev',
  )
  expect(() => judgeOperation(did, [], createTombstone(operation, weak), start)).toThrow(
    'not correctly ordered',
  )
})

test('an operation must be signed by a rotation key of the one before it', () => {
  const { log, first } = begin()

  expect(() => log.add(handle(first, 'b.test', stranger))).toThrow('Invalid signature on op')
  expect(() => log.add(handle(first, 'b.test', signingKey))).toThrow('Invalid signature on op')
  // a key that it brings itself is not enough
  expect(() => log.add(update(first, { rotationKeys: [stranger.did] }, stranger))).toThrow(
    'Invalid signature',
  )
})

test('a key that was removed signs nothing any more', () => {
  const { log, first } = begin()
  const second = update(first, { rotationKeys: [strong.did] }, weak)
  log.add(second)

  expect(() => log.add(handle(second, 'b.test', weak))).toThrow('Invalid signature on op')
})

test('an operation must name one before it', () => {
  const { log, first } = begin()
  const elsewhere = genesis([stranger.did], stranger).operation

  expect(() => log.add(first)).toThrow('not correctly ordered')
  expect(() => log.add(handle(elsewhere, 'b.test', strong))).toThrow('not correctly ordered')
})

test('a stronger key overrules what a weaker one did, and all that followed', () => {
  const { log, first } = begin()
  const second = update(first, { rotationKeys: [stranger.did] }, weak)
  log.add(second)
  const third = handle(second, 'stolen.test', stranger)
  log.add(third)

  const nullified = log.add(handle(first, 'rescued.test', middle))

  expect(nullified).toEqual([operationCid(second), operationCid(third)])
  expect(verifyLog(log.did, log.entries)).toMatchObject({
    rotationKeys: keys,
    alsoKnownAs: ['at://rescued.test'],
  })
})

test('neither the same key nor a weaker one overrules', () => {
  const { log, first } = begin()
  log.add(handle(first, 'b.test', middle))

  expect(() => log.add(handle(first, 'c.test', middle))).toThrow('Invalid signature on op')
  expect(() => log.add(handle(first, 'c.test', weak))).toThrow('Invalid signature on op')
})

test('what was overruled can be overruled once more, and is never followed', () => {
  const { log, first } = begin()
  const second = handle(first, 'b.test', weak)
  log.add(second)
  const third = handle(first, 'c.test', middle)
  log.add(third)

  expect(() => log.add(handle(second, 'd.test', strong))).toThrow('not correctly ordered')
  expect(log.add(handle(first, 'd.test', strong))).toEqual([operationCid(third)])
})

test('overruling is possible for 72 hours, to the millisecond', () => {
  const inTime = begin()
  inTime.log.add(handle(inTime.first, 'b.test', weak))
  const late = begin()
  late.log.add(handle(late.first, 'b.test', weak))

  expect(inTime.log.add(handle(inTime.first, 'c.test', strong), 72 * HOUR)).toHaveLength(1)
  expect(() => late.log.add(handle(late.first, 'c.test', strong), 72 * HOUR + 1)).toThrow(
    '72 hr recovery window',
  )
})

test('the 72 hours count from the first operation that would be nullified', () => {
  const { log, first } = begin()
  const second = handle(first, 'b.test', weak)
  log.add(second)
  log.add(handle(second, 'c.test', weak), 71 * HOUR)

  expect(() => log.add(handle(first, 'd.test', strong), 2 * HOUR)).toThrow('72 hr recovery window')
  expect(log.add(handle(second, 'd.test', strong), 2 * HOUR)).toHaveLength(1)
})

test('nothing follows a tombstone, but a stronger key can undo it', () => {
  const { log, first } = begin()
  const tombstone = createTombstone(first, weak)
  log.add(tombstone)
  const after = signOperation(
    { ...withoutSignature(first), prev: operationCid(tombstone) } as never,
    strong,
  ) as never

  expect(() => log.add(after)).toThrow('not correctly ordered')
  expect(() => createUpdate(tombstone, () => ({}), strong)).toThrow('Did is tombstoned')
  expect(() => createTombstone(tombstone, strong)).toThrow('Did is tombstoned')
  expect(log.add(handle(first, 'rescued.test', strong))).toEqual([operationCid(tombstone)])
})

test('time goes forward in a log', () => {
  const { log, first } = begin()

  expect(() => log.add(handle(first, 'b.test', weak), 0)).toThrow('not correctly ordered')
  expect(() => log.add(handle(first, 'b.test', weak), -HOUR)).toThrow('not correctly ordered')
})

test('a DID without rotation keys never changes again', () => {
  const { log, first } = begin()
  const second = update(first, { rotationKeys: [] }, weak)
  log.add(second)

  expect(() => log.add(handle(second, 'b.test', strong))).toThrow('Invalid signature on op')
  expect(verifyLog(log.did, log.entries)).toMatchObject({ rotationKeys: [] })
})

test('rotation keys that are given twice count by their first place', () => {
  const { did, operation } = genesis([strong.did, weak.did])
  const log = new Log(did)
  log.add(operation)
  const doubled = update(operation, { rotationKeys: [weak.did, strong.did, weak.did] }, strong)
  log.add(doubled)
  log.add(handle(doubled, 'b.test', weak))

  expect(() => log.add(handle(doubled, 'c.test', strong))).toThrow('Invalid signature on op')
  expect(verifyLog(did, log.entries)).toMatchObject({ alsoKnownAs: ['at://b.test'] })
})

const K256_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

function mirrored(sig: string, order: bigint): string {
  const bytes = Buffer.from(sig, 'base64url')
  const s = order - BigInt(`0x${bytes.toString('hex', 32)}`)
  return Buffer.concat([
    bytes.subarray(0, 32),
    Buffer.from(s.toString(16).padStart(64, '0'), 'hex'),
  ]).toString('base64url')
}

function der(sig: string): string {
  const bytes = Buffer.from(sig, 'base64url')
  const parts = [bytes.subarray(0, 32), bytes.subarray(32)].flatMap((part) => {
    const integer = part[0]! & 0x80 ? Buffer.concat([Buffer.of(0), part]) : part
    return [Buffer.of(2, integer.length), integer]
  })
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.of(0x30, body.length), body]).toString('base64url')
}

/** The same bytes with the four bits that the last letter has left over set to one. */
function looseBits(sig: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return sig.slice(0, -1) + alphabet[alphabet.indexOf(sig.at(-1)!) + 1]
}

test.each<[string, (sig: string) => string]>([
  ['high S', (sig) => mirrored(sig, K256_ORDER)],
  ['DER', der],
  ['padding', (sig) => `${sig}==`],
  ['a line end', (sig) => `${sig}\n`],
  ['a space', (sig) => ` ${sig}`],
  ['loose bits at the end', looseBits],
  ['the other alphabet', (sig) => Buffer.from(sig, 'base64url').toString('base64').replace(/=/g, '')],
  ['hex', (sig) => Buffer.from(sig, 'base64url').toString('hex')],
  ['nothing', () => ''],
  ['zeros', () => 'A'.repeat(86)],
  ['one byte less', (sig) => Buffer.from(sig, 'base64url').subarray(0, 63).toString('base64url')],
  [
    'one byte more',
    (sig) => Buffer.concat([Buffer.from(sig, 'base64url'), Buffer.of(0)]).toString('base64url'),
  ],
])('a signature is refused with %s', (_, spoil) => {
  const { log, first } = begin()
  let good = handle(first, 'b.test', weak)
  // one whose bytes look different in the other alphabet
  for (let i = 0; !/[-_]/.test(good.sig); i++) good = handle(first, `b${i}.test`, weak)
  const bad = { ...good, sig: spoil(good.sig) }

  expect(() => log.add(bad)).toThrow('Invalid signature on op')
  expect(log.add(good)).toEqual([])
})

test('a signature of P-256 with high S is refused', async () => {
  const { did, operation } = genesis([p256.did(), weak.did])
  const log = new Log(did)
  log.add(operation)
  const unsigned = { ...withoutSignature(operation), prev: operationCid(operation) }
  const good = await official((bytes) => p256.sign(bytes), unsigned as never)

  expect(() => log.add(asPlcOperation({ ...good, sig: mirrored(good.sig, P256_ORDER) }))).toThrow(
    'Invalid signature',
  )
  expect(log.add(asPlcOperation(good))).toEqual([])
})

test('whatever is proposed, @did-plc/lib and this say the same of it', async () => {
  // their clock is the system's, so the log lies in the past of it
  const signers = [strong, middle, weak, stranger]
  let accepted = 0
  let overruled = 0
  for (let round = 0; round < 25; round++) {
    const { did, operation } = genesis(keys, pick([strong, middle, weak]))
    let entries: LoggedOperation[] = []
    let time = Date.now() - 100 * HOUR
    for (let i = 0; i < 14; i++) {
      const forks = Math.random() < 0.4
      const from = entries.length === 0 ? null : forks ? pick(entries) : entries.at(-1)!
      const data = from && dataOf(from.operation)
      const proposed = !from
        ? operation
        : !data || Math.random() < 0.05
          ? signOperation({ type: 'plc_tombstone', prev: from.cid }, pick(signers))
          : signOperation(
              {
                type: 'plc_operation',
                ...data,
                alsoKnownAs: [`at://a${i}.test`],
                rotationKeys:
                  Math.random() < 0.7
                    ? data.rotationKeys
                    : shuffled(signers)
                        .slice(1)
                        .map((key) => key.did),
                prev: from.cid,
              },
              Math.random() < 0.1 ? stranger : forks ? pick([strong, middle]) : pick([middle, weak]),
            )

      const active = entries.filter((entry) => !entry.nullified)
      const theirs = await plc
        .assureValidNextOp(
          did,
          active.map((entry) => ({
            ...entry,
            did,
            cid: CID.parse(entry.cid),
            createdAt: new Date(entry.createdAt),
          })) as never,
          proposed as never,
        )
        .then(({ nullified }) => nullified.map(String))
        .catch((error: Error) => error.message.split(/[:,]/)[0])
      let ours: string[] | string | undefined
      try {
        ours = judgeOperation(did, entries, proposed, Date.now())
      } catch (error) {
        ours = (error as Error).message.split(/[:,]/)[0]?.replace('occurred', 'occured')
      }

      expect(ours).toEqual(theirs)
      if (!Array.isArray(ours)) continue
      accepted++
      overruled += ours.length
      time += Math.random() * 14 * HOUR
      const nullified = new Set(ours)
      entries = entries.map((entry) => (nullified.has(entry.cid) ? { ...entry, nullified: true } : entry))
      entries.push({
        operation: proposed,
        cid: operationCid(proposed),
        createdAt: Math.min(time, Date.now() - 1000 + i),
        nullified: false,
      })
    }
  }

  expect(accepted).toBeGreaterThan(50)
  expect(overruled).toBeGreaterThan(5)
})

function pick<T>(items: readonly T[]): T {
  return items[Math.floor(Math.random() * items.length)]!
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)
}

test('a log that lies is found out', () => {
  const { log, first } = begin()
  log.add(handle(first, 'b.test', weak))
  log.add(handle(first, 'c.test', strong))
  const [one, two, three] = log.entries as [LoggedOperation, LoggedOperation, LoggedOperation]

  expect(verifyLog(log.did, [one, two, three])).toMatchObject({ alsoKnownAs: ['at://c.test'] })
  expect(() => verifyLog(log.did, [one, { ...two, nullified: false }, three])).toThrow('whether')
  expect(() => verifyLog(log.did, [one, two, { ...three, nullified: true }])).toThrow('whether')
  expect(() => verifyLog(log.did, [one, { ...two, cid: three.cid }, three])).toThrow('names an operation')
  expect(() => verifyLog(log.did, [one, three, two])).toThrow()
  expect(() => verifyLog(log.did, [two, three])).toThrow()
  expect(() => verifyLog(log.did, [])).toThrow('empty')
})

const valid = genesis().operation

test.each<[string, Json]>([
  ['it is not an object', null],
  ['it is not an object', []],
  ['it is not an object', 'plc_operation'],
  ['type is not', {}],
  ['type is not', { ...valid, type: 'plc_nothing' }],
  ['sig is missing', withoutSignature(valid)],
  ['prev is missing', { type: 'plc_tombstone', sig: valid.sig }],
  ['extra is not one of its fields', { ...valid, extra: 1 }],
  ['__proto__ is not one of its fields', JSON.parse(`{"__proto__":{},${JSON.stringify(valid).slice(1)}`)],
  ['sig is not a string', { ...valid, sig: 1 }],
  ['prev is not a string or null', { ...valid, prev: 1 }],
  ['prev is not a string', { type: 'plc_tombstone', prev: null, sig: valid.sig }],
  ['rotationKeys is not', { ...valid, rotationKeys: 'did:key:x' }],
  ['rotationKeys is not', { ...valid, rotationKeys: [1] }],
  ['alsoKnownAs is not', { ...valid, alsoKnownAs: {} }],
  ['alsoKnownAs is not', { ...valid, alsoKnownAs: ['at://\ud800.test'] }],
  ['verificationMethods is not', { ...valid, verificationMethods: [] }],
  ['verificationMethods is not', { ...valid, verificationMethods: { atproto: null } }],
  ['verificationMethods is not', { ...valid, verificationMethods: JSON.parse('{"__proto__":"did:key:x"}') }],
  ['services is not', { ...valid, services: { atproto_pds: pds } }],
  ['services is not', { ...valid, services: { atproto_pds: { type: 'x' } } }],
  ['services is not', { ...valid, services: { atproto_pds: { type: 'x', endpoint: 'y', more: 'z' } } }],
])('JSON is no operation when %s', (why, json) => {
  expect(() => asPlcOperation(json)).toThrow(
    expect.objectContaining({
      name: 'InvalidPlcOperationError',
      kind: 'invalid',
      message: expect.stringContaining(why),
    }),
  )
})

const many = (count: number) => Array.from({ length: count }, () => generateK256().key.did)
const service = { type: 'AtprotoPersonalDataServer', endpoint: pds }

test.each<[string, Partial<PlcOperation>]>([
  ['At least one rotationKey', { rotationKeys: [] }],
  ['Too many rotationKey', { rotationKeys: many(6) }],
  ['duplicate rotationKey', { rotationKeys: [weak.did, weak.did] }],
  ['Invalid rotationKey', { rotationKeys: ['did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK'] }],
  ['Invalid rotationKey', { rotationKeys: ['hello'] }],
  ['Too many alsoKnownAs', { alsoKnownAs: Array.from({ length: 11 }, (_, i) => `at://a${i}.test`) }],
  ['alsoKnownAs entry too long', { alsoKnownAs: [`at://${'a'.repeat(254)}`] }],
  ['duplicate alsoKnownAs', { alsoKnownAs: ['at://a.test', 'at://a.test'] }],
  [
    'Too many service',
    { services: Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`s${i}`, service])) },
  ],
  ['Service id too long', { services: { [`s${'x'.repeat(32)}`]: service } }],
  ['Service type too long', { services: { x: { ...service, type: 'x'.repeat(257) } } }],
  ['Service endpoint too long', { services: { x: { ...service, endpoint: 'x'.repeat(513) } } }],
  [
    'Too many Verification Method',
    { verificationMethods: Object.fromEntries(many(11).map((key, i) => [`k${i}`, key])) },
  ],
  ['Verification Method id too long', { verificationMethods: { ['x'.repeat(33)]: weak.did } }],
  ['Verification Method key too long', { verificationMethods: { atproto: `did:key:z${'2'.repeat(256)}` } }],
  ['Invalid verificationMethod key', { verificationMethods: { atproto: 'did:key:hello' } }],
  ['Invalid verificationMethod key', { verificationMethods: { atproto: 'did:web:example.com' } }],
  [
    'Operation too large',
    {
      services: Object.fromEntries(
        'abcdefgh'.split('').map((id) => [id, { ...service, endpoint: 'x'.repeat(512) }]),
      ),
    },
  ],
])('a new operation is over a limit: %s', (why, fields) => {
  const operation = signOperation({ ...withoutSignature(valid), ...fields } as never, weak) as PlcOperation

  expect(() => checkLimits(operation)).toThrow(
    expect.objectContaining({ name: 'InvalidPlcOperationError', message: expect.stringContaining(why) }),
  )
})

test('a new operation may use the limits, and keys of kinds that we do not know', () => {
  const operation = signOperation(
    {
      ...withoutSignature(valid),
      rotationKeys: [...many(4), p256.did()],
      verificationMethods: {
        atproto: weak.did,
        other: 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK',
      },
      alsoKnownAs: Array.from({ length: 10 }, (_, i) => `at://a${i}.test`),
    } as never,
    weak,
  ) as PlcOperation

  expect(() => checkLimits(operation)).not.toThrow()
})

test('our own operations keep to the limits', () => {
  expect(() => genesis([...many(5), weak.did])).toThrow('Too many rotationKey')
  expect(() => genesis([weak.did, weak.did])).toThrow('duplicate rotationKey')
  expect(() => createUpdate(valid, () => ({ rotationKeys: [] }), weak)).toThrow('At least one rotationKey')
})

test.each([
  [[], ['at://new.test']],
  [['at://old.test'], ['at://new.test']],
  [
    ['https://a.test', 'at://old.test', 'at://older.test'],
    ['https://a.test', 'at://new.test', 'at://older.test'],
  ],
  [['https://a.test'], ['at://new.test', 'https://a.test']],
])('a new handle among the aliases %j', (before, after) => {
  expect(withHandle(before, 'new.test' as Handle)).toEqual(after)
})

test('a document is worded as by plc.directory', () => {
  const did = 'did:plc:ewvi7nxzyoun6zhxrhs64oiz' as Did
  const other = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK'

  const document = plcDocument(did, {
    rotationKeys: [weak.did],
    verificationMethods: { atproto: weak.did, label: p256.did(), other, again: strong.did },
    alsoKnownAs: ['at://alice.test'],
    services: { atproto_pds: service },
  })

  const method = (id: string, key: string) => ({
    id: `${did}#${id}`,
    type: 'Multikey',
    controller: did,
    publicKeyMultibase: key.slice('did:key:'.length),
  })
  expect(document).toEqual({
    '@context': [
      'https://www.w3.org/ns/did/v1',
      'https://w3id.org/security/multikey/v1',
      'https://w3id.org/security/suites/secp256k1-2019/v1',
      'https://w3id.org/security/suites/ecdsa-2019/v1',
    ],
    id: did,
    alsoKnownAs: ['at://alice.test'],
    verificationMethod: [
      method('atproto', weak.did),
      method('label', p256.did()),
      method('other', other),
      method('again', strong.did),
    ],
    service: [{ id: '#atproto_pds', type: 'AtprotoPersonalDataServer', serviceEndpoint: pds }],
  })
})
