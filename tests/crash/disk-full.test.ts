import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkHost, checkWriters, exportOf, History } from './check-host.ts'
import { call, createAccount, logIn, refusalOf } from './client.ts'
import { Host } from './host.ts'
import { Writer } from './writers.ts'

const DISK_MIB = 24
const FULL = { status: 503, error: 'NotEnoughResources' }

/** A small disk, in memory. Making one takes the right to mount. */
class SmallDisk implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'locus-disk-'))
  private readonly filler = join(this.path, 'filler')

  private constructor() {}

  /** null where mounting is not allowed */
  static make(): SmallDisk | null {
    const disk = new SmallDisk()
    const { success } = Bun.spawnSync(['mount', '-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', disk.path])
    if (success) return disk
    rmSync(disk.path, { recursive: true })
    return null
  }

  /** Leaves so many bytes free. */
  fill(free: number): void {
    const { bavail, bsize } = statfsSync(this.path)
    writeFileSync(this.filler, new Uint8Array(Math.max(0, bavail * bsize - free)), { flag: 'a' })
  }

  empty(): void {
    rmSync(this.filler, { force: true })
  }

  [Symbol.dispose](): void {
    Bun.spawnSync(['umount', '-l', this.path])
    rmSync(this.path, { recursive: true, force: true })
  }
}

const canMount = (() => {
  using disk = SmallDisk.make()
  return disk !== null
})()
const why = canMount ? '' : ' (skipped: mounting a small disk is not permitted here)'

test.skipIf(!canMount)(
  `writers are told when the disk is full, readers notice nothing, and all is well when there is space again${why}`,
  async () => {
    using disk = SmallDisk.make()!
    await using host = await Host.start({ data: join(disk.path, 'data') })
    const history = new History()
    const accounts = [await createAccount(host, 'alice'), await createAccount(host, 'bobby')]
    const dids = accounts.map(({ did }) => did)
    const writers = Array.from({ length: 6 }, (_, i) => new Writer(`w${i}`, accounts[i % 2]!))
    await write(host, writers, 20)

    for (const free of [0, 100_000, 400_000]) {
      disk.fill(free)
      await writeUntilRefused(host, writers)
      expect(host.isRunning).toBe(true)
      await readEverything(host, dids)
      expect(await refusalOf(createAccount(host, `late${free}`))).toMatchObject(FULL)
      await logInOrFull(host, 'alice.test')
      disk.empty()

      await write(host, writers, 10)
      checkWriters(writers, await checkHost(host, dids, history), history)
      const { did } = await createAccount(host, `late${free}`)
      await exportOf(host, did)
      dids.push(did)
    }

    await host.kill()
    await host.start()
    checkWriters(writers, await checkHost(host, dids, history), history)
  },
  120_000,
)

test.skipIf(!canMount)(
  `a server starts on a full disk, and can be read${why}`,
  async () => {
    using disk = SmallDisk.make()!
    await using host = await Host.start({ data: join(disk.path, 'data') })
    const accounts = [await createAccount(host, 'alice'), await createAccount(host, 'bobby')]
    const writers = accounts.map((account, i) => new Writer(`w${i}`, account))
    await write(host, writers, 100)
    for (const stop of [() => host.kill(), () => host.stop()]) {
      disk.fill(0)
      await stop()

      await host.start()

      await readEverything(
        host,
        accounts.map(({ did }) => did),
      )
      await writeUntilRefused(host, writers)
      disk.empty()
      await write(host, writers, 10)
    }
    const history = new History()
    const exports = await checkHost(
      host,
      accounts.map(({ did }) => did),
      history,
    )
    checkWriters(writers, exports, history)
  },
  60_000,
)

test.skipIf(!canMount)(
  `what was acknowledged is there when the server is killed on a full disk${why}`,
  async () => {
    using disk = SmallDisk.make()!
    await using host = await Host.start({ data: join(disk.path, 'data') })
    const history = new History()
    const accounts = [await createAccount(host, 'alice'), await createAccount(host, 'bobby')]
    const writers = Array.from({ length: 4 }, (_, i) => new Writer(`w${i}`, accounts[i % 2]!))
    disk.fill(300_000)
    await writeUntilRefused(host, writers)
    await host.kill()
    disk.empty()

    await host.start()

    const dids = accounts.map(({ did }) => did)
    checkWriters(writers, await checkHost(host, dids, history), history)
    await write(host, writers, 10)
    checkWriters(writers, await checkHost(host, dids, history), history)
  },
  60_000,
)

test.skipIf(!canMount)(
  `the log drops no event that a store could not follow${why}`,
  async () => {
    using disk = SmallDisk.make()!
    await using host = await Host.start({ data: join(disk.path, 'data') })
    const accounts = [await createAccount(host, 'alice'), await createAccount(host, 'bobby')]
    const writers = Array.from({ length: 8 }, (_, i) => new Writer(`w${i}`, accounts[i % 2]!))
    for (const free of [100_000, 200_000, 300_000, 400_000, 500_000, 600_000]) {
      disk.fill(free)
      await writeUntilRefused(host, writers)
      disk.empty() // nobody uses the accounts from here to the stop
      await host.stop()
      dropAppliedEvents(host)

      await host.start()

      for (const { did } of accounts) {
        const exported = await exportOf(host, did)
        for (const writer of writers) if (writer.account.did === did) writer.settle(exported)
      }
      await write(host, writers, 5)
    }
  },
  60_000,
)

/** What happens to events that are old enough, and need not be applied again. */
function dropAppliedEvents(host: Host): void {
  using log = new Database(join(host.data, 'sequencer.sqlite'))
  log.run(`DELETE FROM event WHERE seq <= (SELECT seq FROM mark WHERE name = 'applied_through')`)
}

/** Every writer makes `count` commits, none of which is refused. */
async function write(host: Host, writers: readonly Writer[], count: number): Promise<void> {
  await Promise.all(
    writers.map(async (writer) => {
      let left = count
      const before = writer.refusals.length
      await writer.write(
        host,
        () => left-- > 0,
        () => {},
      )
      expect(writer.refusals.slice(before)).toEqual([])
    }),
  )
}

/** Every writer goes on until it has been refused a few times, each time by the name of the error. */
async function writeUntilRefused(host: Host, writers: readonly Writer[]): Promise<void> {
  await Promise.all(
    writers.map(async (writer) => {
      const before = writer.refusals.length
      await writer.write(
        host,
        () => writer.refusals.length < before + 10,
        () => {},
      )
      expect(writer.refusals.slice(before)).toMatchObject(Array(10).fill(FULL))
    }),
  )
}

async function readEverything(host: Host, dids: readonly string[]): Promise<void> {
  for (const did of dids) {
    const { rev, records } = await exportOf(host, did)
    expect(await call<object>(host, 'com.atproto.sync.getLatestCommit', { params: { did } })).toMatchObject({
      rev,
    })
    const { collections } = await call<{ collections: string[] }>(host, 'com.atproto.repo.describeRepo', {
      params: { repo: did },
    })
    expect(collections).toEqual([...new Set([...records.keys()].map((path) => path.split('/')[0]!))])
  }
}

/** A log-in stores a session: it works as long as there is some space, and is refused by name when there is none. */
async function logInOrFull(host: Host, handle: string): Promise<void> {
  try {
    await logIn(host, handle)
  } catch (error) {
    expect(error).toMatchObject(FULL)
  }
}
