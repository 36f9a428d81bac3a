import { type Config, withPorts } from '#config/config.ts'
import { ListenError } from '#http/errors.ts'

/**
 * `config` with a free port wherever it says 0. They must be known before anything else is: accounts carry the server's
 * URL in their DID documents.
 */
export async function withFreePorts(config: Config): Promise<Config> {
  const { listen, port, embeddedPlc } = config
  const needsPort = port === 0 && listen.kind === 'address'
  return withPorts(config, {
    ...(needsPort && { port: await freePort(listen.address, 'network') }),
    ...(embeddedPlc?.port === 0 && { plcPort: await freePort('127.0.0.1', 'plc') }),
  })
}

/** @throws ListenError when `hostname` is no address to listen on */
async function freePort(hostname: string, place: ListenError['place']): Promise<number> {
  try {
    const listener = Bun.listen({ hostname, port: 0, socket: { data() {} } })
    const { port } = listener
    listener.stop(true)
    return port
  } catch (error) {
    if (error instanceof Error && 'code' in error) throw new ListenError(place, String(error.code), error)
    throw error
  }
}
