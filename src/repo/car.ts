/**
 * CAR version 1: a header that names the roots, then blocks, each after its length and its CID.
 *
 *   3a a2 65 "roots" 81 <link> 67 "version" 01      varint(36 + n) <36-byte CID> <n bytes>  ...
 *
 * We write one root or none. We read any order, duplicates and blocks that nobody refers to, and hold every block
 * against its CID.
 * @see https://ipld.io/specs/transport/car/carv1/
 */
import { CborReader } from './cbor-reader.ts'
import { CborWriter } from './cbor-writer.ts'
import { CID_BYTES, type Cid, cidAt, cidOf, codecOf, sameCid } from './cid.ts'
import { CarTooLargeError, InvalidCarError, InvalidCborError } from './errors.ts'

export interface Block {
  cid: Cid
  bytes: Uint8Array
}

export interface Car {
  roots: Cid[]
  blocks: Block[]
}

/** How much of a stream is read. Each is a number of bytes or blocks. */
export interface CarLimits {
  maxBytes: number
  maxBlockBytes: number
  maxBlocks: number
}

const MAX_HEADER_BYTES = 8 * 1024
/** 7 bits each; a length beyond 2^35 is refused before it matters */
const MAX_VARINT_BYTES = 5

const writer = new CborWriter()

/** The header of a CAR, with one root or none. */
export function carHeader(root?: Cid | null): Uint8Array {
  writer.begin()
  writer.map(2)
  writer.text('roots')
  writer.array(root ? 1 : 0)
  if (root) writer.link(root)
  writer.text('version')
  writer.int(1)
  const header = writer.end()
  const out = new Uint8Array(varintBytes(header.length) + header.length)
  out.set(header, writeVarint(out, 0, header.length))
  return out
}

/** One block as it stands in a CAR. */
export function carBlock(cid: Cid, bytes: Uint8Array): Uint8Array {
  return carBlocks([{ cid, bytes }])
}

/** Blocks as they stand in a CAR, one after another. */
export function carBlocks(blocks: readonly Block[]): Uint8Array {
  return withBlocks(new Uint8Array(0), blocks)
}

/** A whole CAR in memory. */
export function writeCar(root: Cid | null, blocks: readonly Block[]): Uint8Array {
  return withBlocks(carHeader(root), blocks)
}

function withBlocks(head: Uint8Array, blocks: readonly Block[]): Uint8Array {
  let size = head.length
  for (const { bytes } of blocks) size += varintBytes(CID_BYTES + bytes.length) + CID_BYTES + bytes.length
  const out = new Uint8Array(size)
  out.set(head)
  let at = head.length
  for (const block of blocks) at = writeBlock(out, at, block)
  return out
}

/** Reads a CAR that is in memory. Blocks are views of it. @throws InvalidCarError */
export function readCar(car: Uint8Array): Car {
  const header = lengthAt(car, 0)
  if (!header) throw cutOff()
  const start = header.end + header.length
  if (start > car.length) throw cutOff()
  const roots = readHeader(car.subarray(header.end, start))
  const blocks: Block[] = []
  for (let at = start; at < car.length; ) {
    const section = lengthAt(car, at)
    if (!section || section.end + section.length > car.length) throw cutOff()
    at = section.end + section.length
    blocks.push(readBlock(car.subarray(section.end, at)))
  }
  return { roots, blocks }
}

/**
 * Reads a CAR while it arrives; holds no more of it than one block and one chunk. The blocks' bytes are their own.
 * @throws InvalidCarError, CarTooLargeError, here or from `blocks`
 */
export async function readCarStream(
  stream: AsyncIterable<Uint8Array>,
  limits: CarLimits,
): Promise<{ roots: Cid[]; blocks: AsyncGenerator<Block, void> }> {
  const input = new StreamReader(stream, limits.maxBytes)
  const header = await input.section(MAX_HEADER_BYTES)
  if (!header) throw cutOff()
  return { roots: readHeader(header), blocks: blocksOf(input, limits) }
}

async function* blocksOf(input: StreamReader, limits: CarLimits): AsyncGenerator<Block, void> {
  for (let count = 1; ; count++) {
    const section = await input.section(CID_BYTES + limits.maxBlockBytes)
    if (!section) return
    if (count > limits.maxBlocks)
      throw new CarTooLargeError(`the CAR has more than ${limits.maxBlocks} blocks`)
    yield readBlock(section)
  }
}

/** Cuts a stream of chunks into the sections of a CAR. */
class StreamReader {
  private readonly chunks: AsyncIterator<Uint8Array>
  private held: Uint8Array = new Uint8Array(0)
  private read = 0

  constructor(
    stream: AsyncIterable<Uint8Array>,
    private readonly maxBytes: number,
  ) {
    this.chunks = stream[Symbol.asyncIterator]()
  }

  /** The next section, as a copy, or null at the end. */
  async section(maxLength: number): Promise<Uint8Array | null> {
    let prefix = lengthAt(this.held, 0)
    while (!prefix) {
      if (!(await this.more())) {
        if (this.held.length > 0) throw cutOff()
        return null
      }
      prefix = lengthAt(this.held, 0)
    }
    const { end, length } = prefix
    if (length > maxLength)
      throw new CarTooLargeError(`the CAR has a block of ${length} bytes, over ${maxLength}`)
    const section = new Uint8Array(length)
    this.held = this.held.subarray(end)
    for (let at = 0; ; ) {
      const fitting = this.held.subarray(0, length - at)
      section.set(fitting, at)
      at += fitting.length
      this.held = this.held.subarray(fitting.length)
      if (at === length) return section
      if (!(await this.more())) throw cutOff()
    }
  }

  /** Appends the next chunk to what is held. @returns false at the end */
  private async more(): Promise<boolean> {
    const next = await this.chunks.next()
    if (next.done) return false
    this.read += next.value.length
    if (this.read > this.maxBytes) throw new CarTooLargeError(`the CAR is larger than ${this.maxBytes} bytes`)
    this.held = this.held.length === 0 ? next.value : Buffer.concat([this.held, next.value])
    return true
  }
}

function readHeader(bytes: Uint8Array): Cid[] {
  try {
    const reader = new CborReader(bytes)
    const roots: Cid[] = []
    let version = 0
    for (let left = reader.map(); left > 0; left--) {
      const key = reader.text()
      if (key === 'version') version = reader.int()
      else if (key === 'roots') for (let more = reader.array(); more > 0; more--) roots.push(reader.link())
      else throw new InvalidCarError('the header of the CAR has a field besides roots and version')
    }
    reader.end()
    if (version !== 1) throw new InvalidCarError(`only version 1 of CAR can be read, not ${version}`)
    return roots
  } catch (cause) {
    if (!(cause instanceof InvalidCborError)) throw cause
    throw new InvalidCarError(`the header of the CAR is not valid: ${cause.message}`, { cause })
  }
}

function readBlock(section: Uint8Array): Block {
  const cid = cidAt(section, 0)
  if (!cid) throw new InvalidCarError('the CAR has a block whose CID is not SHA-256 of DAG-CBOR or raw bytes')
  const bytes = section.subarray(CID_BYTES)
  if (!sameCid(cidOf(codecOf(cid), bytes), cid))
    throw new InvalidCarError('the CAR has a block that is not what its CID says')
  return { cid, bytes }
}

/** The length that starts at `start`, and where it ends; null when more bytes are needed to tell. */
function lengthAt(bytes: Uint8Array, start: number): { length: number; end: number } | null {
  let length = 0
  for (let i = 0; i < MAX_VARINT_BYTES; i++) {
    const byte = bytes[start + i]
    if (byte === undefined) return null
    length += (byte & 0x7f) * 2 ** (7 * i)
    if (byte >= 0x80) continue
    if (length === 0) throw new InvalidCarError('the CAR has an empty section')
    return { length, end: start + i + 1 }
  }
  throw new InvalidCarError('the CAR has a length that cannot be')
}

function cutOff(): InvalidCarError {
  return new InvalidCarError('the CAR ends early')
}

function writeBlock(out: Uint8Array, start: number, { cid, bytes }: Block): number {
  const at = writeVarint(out, start, CID_BYTES + bytes.length)
  out.set(cid, at)
  out.set(bytes, at + CID_BYTES)
  return at + CID_BYTES + bytes.length
}

function writeVarint(out: Uint8Array, start: number, value: number): number {
  let at = start
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) out[at++] = (rest & 0x7f) | 0x80
  out[at++] = rest
  return at
}

function varintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5
}
