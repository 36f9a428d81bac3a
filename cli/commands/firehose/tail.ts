import { Command } from 'commander'
import { type Connection, connect } from '#cli/context.ts'
import { usageError } from '#cli/errors.ts'
import { globalOptionsOf, positiveInteger, wholeNumber } from '#cli/options.ts'
import { note, print, printText } from '#cli/output.ts'
import type { ParamsOf } from '#lexicon/index.ts'

type TailOptions = ParamsOf<'host.locus.firehose.tail'>

export const tail = new Command('tail')
  .description('print events as they come, one JSON object per line')
  .option('--cursor <seq>', 'begin after this event; 0 for the oldest there is', wholeNumber)
  .option('--ops', 'with the operations of each commit')
  .option('--limit <count>', 'end after so many', positiveInteger)
  .addHelpText(
    'after',
    '\nWithout a running server it prints what is in the log, and ends.\n\nExamples:\n' +
      '  locus firehose tail --cursor 0 --limit 10\n' +
      `  locus firehose tail --ops | jq -c 'select(.kind == "commit") | .ops[]'`,
  )
  .action(async (options: TailOptions, command: Command) => {
    const { json, quiet } = globalOptionsOf(command)
    if (json && options.limit === undefined)
      throw usageError('--json has no end without --limit', 'use --jsonl')
    await using pds = await connect(command)
    if (pds.door === 'in-process' && options.cursor === undefined)
      note('no server runs here, so nothing new will come: see --cursor')
    const events: unknown[] = []
    for await (const line of linesOf(pds, options)) {
      if (json) events.push(JSON.parse(line))
      else if (quiet) print(command, [String(JSON.parse(line).seq ?? '')])
      else printText(line)
    }
    if (json) printText(JSON.stringify(events, null, 2))
  })

async function* linesOf(pds: Connection, options: TailOptions): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of await pds.call('host.locus.firehose.tail', options)) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line !== '') yield line
  }
}
