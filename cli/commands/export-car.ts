import { open, rename, rm } from 'node:fs/promises'
import { Command } from 'commander'
import { findAccount, oneAccount } from '#cli/accounts.ts'
import { type Connection, connect } from '#cli/context.ts'
import { usageError } from '#cli/errors.ts'
import { printOne } from '#cli/output.ts'
import { isDid } from '#lexicon/strings.ts'

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
    '\nExamples:\n  locus export-car @alice.test -o alice.car\n  locus export-car @alice.test | gzip > alice.car.gz',
  )
  .action(async (name: string, { output, since }: ExportOptions, command: Command) => {
    const file = output ?? (process.stdout.isTTY ? undefined : '-')
    if (file === undefined) throw usageError('a CAR file is not for terminals', 'name a file with -o')
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

/** A DID needs no operator to be understood, so that any server's public repositories can be had with --url. */
async function didOf(pds: Connection, name: string): Promise<string> {
  return isDid(name) ? name : (await findAccount(pds, name)).account.did
}

async function written(chunk: Uint8Array): Promise<void> {
  if (!process.stdout.write(chunk)) await new Promise((resolve) => process.stdout.once('drain', resolve))
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
