import { expect, test } from 'bun:test'
import { BlockMap, blocksToCarFile, readCarWithRoot } from '@atproto/repo'
import { CarReader } from '@ipld/car'
import { type Block, carBlock, carHeader, readCar, readCarStream, writeCar } from '#repo/car.ts'
import { type Cid, cidOf, formatCid } from '#repo/cid.ts'
import { CarTooLargeError, InvalidCarError } from '#repo/errors.ts'
import { randomBytes } from '#std/bytes.ts'
import { cidNumber, cidsOf, foreign } from '#tests/support/trees.ts'

const LIMITS = { maxBytes: 10_000_000, maxBlockBytes: 1_000_000, maxBlocks: 10_000 }
/** lengths on both sides of where varints grow */
const SIZES = [0, 1, 90, 91, 92, 127, 128, 300, 16_346, 16_347, 16_348, 16_384, 70_000]

function someBlocks(): Block[] {
  return SIZES.map((size, i) => {
    const bytes = randomBytes(size)
    return { cid: cidOf(i % 3 === 0 ? 'raw' : 'dag-cbor', bytes), bytes }
  })
}

async function* inChunks(bytes: Uint8Array, size: () => number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const end = at + size()
    yield bytes.subarray(at, end)
    at = end
  }
}

async function readAll(car: Uint8Array, limits = LIMITS, size = () => 1 + Math.floor(Math.random() * 5000)) {
  const { roots, blocks } = await readCarStream(inChunks(car, size), limits)
  return { roots, blocks: await Array.fromAsync(blocks) }
}

test('a CAR of ours is read by @ipld/car and @atproto/repo', async () => {
  const blocks = someBlocks()
  const root = blocks[1]!.cid
  const car = writeCar(root, blocks)

  const reader = await CarReader.fromBytes(car)
  const official = await readCarWithRoot(car)

  expect((await reader.getRoots()).map(String)).toEqual([formatCid(root)])
  expect(
    (await Array.fromAsync(reader.blocks())).map(({ cid, bytes }) => [String(cid), Buffer.from(bytes)]),
  ).toEqual(blocks.map(({ cid, bytes }) => [formatCid(cid), Buffer.from(bytes)]))
  expect(official.root.toString()).toBe(formatCid(root))
  expect(official.blocks.size).toBe(blocks.length)
})

test('a CAR has the bytes that @atproto/repo gives it', async () => {
  const { cid, bytes } = someBlocks()[5]!
  const map = new BlockMap()
  map.set(foreign(cid), bytes)

  expect(Buffer.from(writeCar(cid, [{ cid, bytes }]))).toEqual(
    Buffer.from(await blocksToCarFile(foreign(cid), map)),
  )
  expect(carHeader(cid)).toHaveLength(59)
  expect(carHeader()).toHaveLength(18)
})

test('a CAR is the same in parts as in one', () => {
  const blocks = someBlocks()

  for (const root of [null, blocks[3]!.cid]) {
    const parts = [carHeader(root), ...blocks.map(({ cid, bytes }) => carBlock(cid, bytes))]
    expect(Buffer.concat(parts)).toEqual(Buffer.from(writeCar(root, blocks)))
  }
})

test('a CAR is read back, from memory and from a stream cut anywhere', async () => {
  const blocks = someBlocks()
  const twice = [...blocks, ...blocks.slice(0, 4)]
  const car = writeCar(blocks[0]!.cid, twice)

  for (const read of [
    readCar(car),
    await readAll(car),
    await readAll(car, LIMITS, () => 1),
    await readAll(car, LIMITS, () => 1e9),
  ]) {
    expect(cidsOf(read.roots.map((cid) => ({ cid })))).toEqual([formatCid(blocks[0]!.cid)])
    expect(read.blocks.map(({ bytes }) => Buffer.from(bytes))).toEqual(
      twice.map(({ bytes }) => Buffer.from(bytes)),
    )
    expect(cidsOf(read.blocks)).toEqual(cidsOf(twice))
  }
})

test('a CAR may have no root or several, and no blocks', async () => {
  const several = Buffer.concat([
    Buffer.from('63a265726f6f747382', 'hex'),
    ...[cidNumber(1), cidNumber(2)].map((cid) => Buffer.concat([Buffer.from('d82a582500', 'hex'), cid])),
    Buffer.from('6776657273696f6e01', 'hex'),
  ])

  expect(readCar(writeCar(null, []))).toEqual({ roots: [], blocks: [] })
  expect(readCar(several).roots).toEqual([cidNumber(1), cidNumber(2)])
  expect(await readAll(several)).toEqual({ roots: [cidNumber(1), cidNumber(2)], blocks: [] })
})

test('a CAR that is cut off, altered or no CAR is refused, in memory and as a stream', async () => {
  const blocks = someBlocks().slice(0, 6)
  const car = writeCar(blocks[0]!.cid, blocks)
  const altered = Buffer.from(car)
  altered[altered.length - 1]! ^= 1
  const bad = {
    nothing: new Uint8Array(0),
    text: Buffer.from('this is not a CAR at all, it is some text of a certain length'),
    'version 2': Buffer.from('0aa16776657273696f6e02', 'hex'),
    'no version': Buffer.from('08a165726f6f747380', 'hex'),
    'another field': Buffer.from('13a365726f6f7473806776657273696f6e01616100', 'hex'),
    'roots that are no links': Buffer.from('12a265726f6f747381016776657273696f6e01', 'hex'),
    'an altered block': altered,
    'an empty section': Buffer.concat([car, Buffer.of(0)]),
    'a CID cut off': Buffer.concat([car, Buffer.of(10), randomBytes(10)]),
    'a CID of another hash': Buffer.concat([
      car,
      Buffer.of(40),
      Buffer.from('01711320', 'hex'),
      randomBytes(36),
    ]),
    'a length without end': Buffer.concat([car, Buffer.alloc(12, 0xff)]),
    'a header without end': Buffer.concat([Buffer.of(0xff, 0x3f), randomBytes(100)]),
  }
  for (const [what, bytes] of Object.entries(bad)) {
    expect(() => readCar(bytes), what).toThrow(InvalidCarError)
    await expect(readAll(bytes), what).rejects.toBeInstanceOf(InvalidCarError)
  }
  const ends = new Set([0, carHeader(blocks[0]!.cid).length])
  for (const [i, { bytes }] of blocks.entries()) {
    ends.add(
      Buffer.concat([
        carHeader(blocks[0]!.cid),
        ...blocks.slice(0, i + 1).map((b) => carBlock(b.cid, b.bytes)),
      ]).length,
    )
    expect(bytes).toBeDefined()
  }
  for (let end = 1; end < car.length; end++) {
    if (!ends.has(end)) expect(() => readCar(car.subarray(0, end))).toThrow(InvalidCarError)
  }
})

test('a stream is read no further than the limits go', async () => {
  const car = writeCar(cidNumber(1), someBlocks())
  const huge = Buffer.concat([carHeader(), Buffer.from('ffffffff7f', 'hex')])

  await expect(readAll(car, { ...LIMITS, maxBytes: 50_000 })).rejects.toBeInstanceOf(CarTooLargeError)
  await expect(readAll(car, { ...LIMITS, maxBlockBytes: 69_999 })).rejects.toBeInstanceOf(CarTooLargeError)
  await expect(readAll(car, { ...LIMITS, maxBlocks: SIZES.length - 1 })).rejects.toBeInstanceOf(
    CarTooLargeError,
  )
  await expect(readAll(huge)).rejects.toBeInstanceOf(CarTooLargeError)
  expect(
    (await readAll(car, { maxBytes: car.length, maxBlockBytes: 70_000, maxBlocks: SIZES.length })).blocks,
  ).toHaveLength(SIZES.length)
})

test('CIDs that were read do not hold on to the CAR', () => {
  const blocks = someBlocks()
  const { roots, blocks: read } = readCar(writeCar(blocks[0]!.cid, blocks))

  const held = [...roots, ...read.map(({ cid }) => cid)] satisfies Cid[]

  expect(held.every((cid) => cid.buffer.byteLength === 36)).toBe(true)
})
