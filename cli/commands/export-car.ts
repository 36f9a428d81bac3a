import { statSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { Command } from 'commander'
import { findAccount, oneAccount } from '#cli/accounts.ts'
import { type Connection, connect } from '#cli/context.ts'
import { CommandError, exitCodes, usageError } from '#cli/errors.ts'
import { printOne } from '#cli/output.ts'
import { isDid, normalizeHandle } from '#lexicon/strings.ts'

interface ExportOptions {
  readonly output?: string
  readonly since?: string
}

export const exportCar = new Command('export-car')
  .description("write an account's repository as a CAR file")
  .argument(...oneAccount)
  .option('-o, --output <file>', 'where to; - for stdout, which is also meant when that is no terminal')
  .option('--since <rev>', 'only what is newer than this rev')
  .addHelpText(
    'after',
    '\nExamples:\n  locus export-car @alice.test -o alice.car\n  locus export-car @alice.test | gzip > alice.car.gz\n  locus export-car alice.example.com --url https://pds.example.com\n\nWith --url it needs no operator; --token-file lets an account export itself while it is deactivated.',
  )
  .action(async (name: string, { output, since }: ExportOptions, command: Command) => {
    const file = output ?? (process.stdout.isTTY ? undefined : '-')
    if (file === undefined) throw usageError('a CAR file is not for terminals', 'name a file with -o')
    if (file !== '-') requirePlaceFor(file)
    await using pds = await connect(command)
    const did = await didOf(pds, name)
    const car = await pds.call('com.atproto.sync.getRepo', { did, since })
    if (file === '-') {
      for await (const chunk of car) await written(chunk)
      return
    }
    const bytes = await writeFile(car, file)
    await printOne(
      command,
      { did, file, bytes },
      {
        id: (row) => row.file,
        fields: [
          { key: 'did', title: 'DID' },
          { key: 'file' },
          { key: 'bytes', title: 'size', kind: 'bytes' },
        ],
      },
    )
  })

/** Repositories are public: who is not the operator finds them by what is public as well. */
async function didOf(pds: Connection, name: string): Promise<string> {
  if (isDid(name)) return name
  if (pds.isOperator) return (await findAccount(pds, name)).account.did
  const handle = normalizeHandle(name.replace(/^@/, ''))
  if (handle) return (await pds.call('com.atproto.identity.resolveHandle', { handle })).did
  throw usageError(`${name} is no DID or handle`, 'by e-mail address only the operator finds an account')
}

async function written(chunk: Uint8Array): Promise<void> {
  if (!process.stdout.write(chunk)) await new Promise((resolve) => process.stdout.once('drain', resolve))
}

/** @throws CommandError when no file can be at this path, before anything is asked for */
function requirePlaceFor(file: string): void {
  const directory = dirname(resolve(file))
  const found = statSync(directory, { throwIfNoEntry: false })
  if (!found)
    throw new CommandError(`there is no directory ${directory}`, exitCodes.notFound, 'make it first')
  if (!found.isDirectory()) throw usageError(`${directory} is not a directory`)
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) {
    throw usageError(`${file} is a directory`, `name a file in it: -o ${join(file, 'repository.car')}`)
  }
}

/** The file appears when it is complete. @returns its size in bytes */
async function writeFile(car: ReadableStream<Uint8Array>, file: string): Promise<number> {
  const unfinished = `${file}.${process.pid}.tmp`
  let bytes = 0
  try {
    await using target = await open(unfinished, 'wx')
    for await (const chunk of car) {
      await target.writeFile(chunk)
      bytes += chunk.byteLength
    }
    await target.sync()
    await rename(unfinished, file)
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error
  }
  return bytes
}
