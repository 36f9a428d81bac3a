/** A name server on this machine, for what the system's would be asked. It knows TXT records only. */
import { createSocket } from 'node:dgram'

export type TxtAnswer =
  /** each record as its strings */
  readonly (readonly string[])[] | 'does-not-exist' | 'server-failure' | 'silence'

export interface TestDns extends AsyncDisposable {
  /** `address:port` */
  readonly address: string
  /** by name; any other does not exist */
  readonly records: Map<string, TxtAnswer>
  /** names that were asked for */
  readonly asked: string[]
}

const HEADER_BYTES = 12
const TXT = 16
const RESPONSE_CODES = { 'does-not-exist': 3, 'server-failure': 2 } as const

export async function startDns(records: Record<string, TxtAnswer> = {}): Promise<TestDns> {
  const dns = { records: new Map(Object.entries(records)), asked: [] as string[] }
  const socket = createSocket('udp4')
  socket.on('message', (query, from) => {
    const { name, end } = questionIn(query)
    dns.asked.push(name)
    const answer = dns.records.get(name) ?? 'does-not-exist'
    if (answer !== 'silence') socket.send(response(query.subarray(0, end), answer), from.port, from.address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return {
    ...dns,
    address: `127.0.0.1:${socket.address().port}`,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => socket.close(() => resolve())),
  }
}

function questionIn(query: Buffer): { name: string; end: number } {
  const labels: string[] = []
  let at = HEADER_BYTES
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.'), end: at + 5 }
}

function response(question: Buffer, answer: Exclude<TxtAnswer, 'silence'>): Buffer {
  const records = typeof answer === 'string' ? [] : answer
  const header = Buffer.from(question)
  header.writeUInt16BE(0x8180 | (typeof answer === 'string' ? RESPONSE_CODES[answer] : 0), 2)
  header.writeUInt16BE(records.length, 6)
  header.fill(0, 8, HEADER_BYTES)
  return Buffer.concat([header, ...records.map(txtRecord)])
}

function txtRecord(strings: readonly string[]): Buffer {
  const data = Buffer.concat(strings.map((text) => Buffer.from([text.length, ...Buffer.from(text)])))
  const head = Buffer.alloc(12)
  head.writeUInt16BE(0xc000 | HEADER_BYTES, 0) // the name of the question
  head.writeUInt16BE(TXT, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt32BE(60, 6)
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}
