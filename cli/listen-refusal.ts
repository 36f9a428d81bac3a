/** What an operator can do about an address that the system does not let a server listen on. */
import { CommandError, exitCodes } from '#cli/errors.ts'
import type { Config } from '#config/config.ts'
import { faultText } from '#config/errors.ts'
import type { LoadedConfig } from '#config/load.ts'
import type { Setting } from '#config/setting.ts'
import { settings } from '#config/settings.ts'
import type { ListenError } from '#http/errors.ts'

/** Names the setting, where it was set, what is wrong and what to do. What is taken may be free again later. */
export function listenRefusal({ place, reason }: ListenError, { config, settings: read }: LoadedConfig) {
  const { setting, problem, remedy } = findings(place, reason, config)
  const from = read.find((one) => one.setting.key === setting.key)?.place ?? 'default'
  const fault = { key: setting.key, place: from, problem, remedy }
  const isTaken = reason === 'EADDRINUSE'
  return new CommandError(
    `the server cannot listen\n${faultText(fault)}`,
    isTaken ? exitCodes.locked : exitCodes.badConfiguration,
  )
}

interface Finding {
  readonly setting: Setting<unknown>
  readonly problem: string
  readonly remedy: string
}

function findings(place: ListenError['place'], reason: string, config: Config): Finding {
  const { listen, port, embeddedPlc, dataDirectory } = config
  if (place === 'admin-socket') return atDirectory(dataDirectory, reason)
  if (place === 'plc') {
    const remedy =
      'give this server another port for its PLC directory: --plc-port 0 takes any free one, plc.port in locus.toml keeps one'
    return { setting: settings.plcPort, problem: portProblem(embeddedPlc?.port ?? 0, reason), remedy }
  }
  if (listen.kind === 'unix') {
    const remedy = 'its directory must be there, and belong to the user that runs locus'
    return { setting: settings.listen, problem: `${listen.path} cannot be made (${reason})`, remedy }
  }
  if (reason === 'EADDRINUSE' || reason === 'EACCES') {
    const remedy = 'stop the other process, or use another port: --port, or port in locus.toml'
    const privileged = 'use a port from 1024 on behind a proxy, or let systemd grant CAP_NET_BIND_SERVICE'
    return {
      setting: settings.port,
      problem: portProblem(port, reason),
      remedy: reason === 'EACCES' ? privileged : remedy,
    }
  }
  const remedy = 'use an address of this machine; "0.0.0.0" is all of IPv4, "::" is all'
  return {
    setting: settings.listen,
    problem: `${listen.address} is no address that can be listened on here (${reason})`,
    remedy,
  }
}

function portProblem(port: number, reason: string): string {
  if (reason === 'EADDRINUSE') return `port ${port} is taken by another process`
  return `port ${port} may not be used by this user (${reason})`
}

function atDirectory(dataDirectory: string, reason: string): Finding {
  return {
    setting: settings.dataDirectory,
    problem: `no socket can be made in ${dataDirectory} (${reason})`,
    remedy: 'it must belong to the user that runs locus, on a file system that has sockets',
  }
}
