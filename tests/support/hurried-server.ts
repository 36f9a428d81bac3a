/**
 * A server in a process of its own, for whom timers go ten times as fast: what takes it half a minute is over in three
 * seconds. Started by `startHurriedServer`; run as a program it prints where it is, and ends with its stdin.
 */
import { systemTimers, type Timers } from '#std/timers.ts'
import { startPds } from './pds.ts'

const HURRY = 10
const hurried: Timers = { after: (ms, work) => systemTimers.after(ms / HURRY, work) }

export interface HurriedServer extends AsyncDisposable {
  readonly url: string
  readonly plcUrl: string
  readonly pid: number
}

export async function startHurriedServer(): Promise<HurriedServer> {
  const child = Bun.spawn([process.execPath, import.meta.path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  for await (const chunk of child.stdout) {
    const { url, plcUrl } = JSON.parse(Buffer.from(chunk).toString())
    const stop = async () => {
      child.stdin.end()
      await child.exited
    }
    return { url, plcUrl, pid: child.pid, [Symbol.asyncDispose]: stop }
  }
  throw new Error(`the server ended with ${await child.exited}`)
}

if (import.meta.main) {
  await using pds = await startPds({ timers: hurried })
  console.log(JSON.stringify({ url: pds.url, plcUrl: `http://localhost:${pds.server.plcPort}` }))
  for await (const _ of Bun.stdin.stream());
}
