/** CAR version 1, written from the protocol text alone: nothing here comes from `src/`. Every block is hashed. */
import { CborError, type CborValue, decode, encode, Link } from './cbor.ts'
import { CID_BYTES, cidBytes, cidOf, cidText, codecOf } from './cid.ts'

export class CarError extends Error {
  override readonly name = 'CarError'
}

export interface Car {
  roots: string[]
  /** blocks by CID */
  blocks: Map<string, Uint8Array>
  /** CIDs as they follow one another; one that is there twice is named twice */
  order: string[]
}

/** @throws CarError when the bytes are not a CAR, or a block does not hash to its CID */
export function readCar(bytes: Uint8Array): Car {
  let at = 0
  function section(): Uint8Array {
    const { value: length, next } = varint(bytes, at)
    if (length === 0 || length > bytes.length - next) throw new CarError('a section is empty or cut off')
    at = next + length
    return bytes.subarray(next, at)
  }
  const roots = rootsOf(section())
  const blocks = new Map<string, Uint8Array>()
  const order: string[] = []
  while (at < bytes.length) {
    const block = section()
    if (block.length < CID_BYTES) throw new CarError('a block has no CID')
    const cid = cidText(block.subarray(0, CID_BYTES))
    const content = block.subarray(CID_BYTES)
    if (cidOf(codecOf(cid), content) !== cid) throw new CarError(`block ${cid} does not hash to its CID`)
    blocks.set(cid, content)
    order.push(cid)
  }
  return { roots, blocks, order }
}

export function writeCar(
  roots: readonly string[],
  blocks: Iterable<readonly [cid: string, bytes: Uint8Array]>,
): Uint8Array {
  const header = encode(
    new Map<string, CborValue>([
      ['roots', roots.map((cid) => new Link(cid))],
      ['version', 1],
    ]),
  )
  const parts = [writeVarint(header.length), header]
  for (const [cid, bytes] of blocks) parts.push(writeVarint(CID_BYTES + bytes.length), cidBytes(cid), bytes)
  return Buffer.concat(parts)
}

function rootsOf(header: Uint8Array): string[] {
  let value: CborValue
  try {
    value = decode(header)
  } catch (error) {
    if (error instanceof CborError) throw new CarError(`header: ${error.message}`)
    throw error
  }
  if (!(value instanceof Map) || value.size !== 2 || value.get('version') !== 1)
    throw new CarError('not a CAR version 1')
  const roots = value.get('roots')
  if (!Array.isArray(roots)) throw new CarError('a CAR without roots')
  return roots.map((root) => {
    if (!(root instanceof Link)) throw new CarError('a root is not a link')
    return root.cid
  })
}

function varint(bytes: Uint8Array, from: number): { value: number; next: number } {
  let value = 0
  for (let i = 0; i < 8; i++) {
    const byte = bytes[from + i]
    if (byte === undefined) throw new CarError('cut off')
    value += (byte & 127) * 2 ** (7 * i)
    if (byte < 128) {
      if (byte === 0 && i > 0) throw new CarError('a length is not in its shortest form')
      return { value, next: from + i + 1 }
    }
  }
  throw new CarError('a length is too long')
}

function writeVarint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  bytes.push(rest)
  return Uint8Array.from(bytes)
}
