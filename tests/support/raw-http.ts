/** HTTP as bytes, for what no well-behaved client sends. */
import { connect } from 'node:net'

export interface RawAnswer {
  readonly status: number
  /** names in lower case */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/**
 * Sends `parts` one after the other and reads until the server closes the connection, so the request should say
 * `Connection: close`. Null when it closes without an answer.
 */
export function rawHttp(port: number, ...parts: (string | Uint8Array)[]): Promise<RawAnswer | null> {
  return rawHttpFrom('127.0.0.1', port, ...parts)
}

/** The same from another address of this machine, `127.0.0.2` say. */
export async function rawHttpFrom(
  localAddress: string,
  port: number,
  ...parts: (string | Uint8Array)[]
): Promise<RawAnswer | null> {
  const received = await new Promise<Buffer>((resolve) => {
    const chunks: Buffer[] = []
    const socket = connect({ port, host: '127.0.0.1', localAddress })
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', () => {})
    socket.on('close', () => resolve(Buffer.concat(chunks)))
    for (const part of parts) socket.write(part)
  })
  const text = received.toString('latin1')
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return null
  const [first = '', ...lines] = text.slice(0, end).split('\r\n')
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  return { status: Number(first.split(' ')[1]), headers, body: text.slice(end + 4) }
}
