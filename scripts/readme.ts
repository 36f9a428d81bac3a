/** Writes the tables of README.md that come from the code: bun scripts/readme.ts. A test finds them out of date. */
import { join } from 'node:path'
import { commandEntries } from '#cli/commands.ts'
import { argumentsOf, leavesOf, pathOf } from '#cli/help.ts'
import { buildProgram } from '#cli/program.ts'
import { fileKeyOf } from '#config/setting.ts'
import { settingList } from '#config/settings.ts'
import { defaultInWords } from '#config/template.ts'

const readme = join(import.meta.dirname, '..', 'README.md')

/** The README with its tables as they must be. */
export async function currentReadme(): Promise<string> {
  const text = await Bun.file(readme).text()
  const tables = { commands: await commandTable(), settings: settingTable() }
  return Object.entries(tables).reduce((written, [name, table]) => replaced(written, name, table), text)
}

function replaced(text: string, name: string, table: string): string {
  const [start, end] = [`<!-- ${name} -->\n`, `<!-- end of ${name} -->`]
  const from = text.indexOf(start)
  const to = text.indexOf(end)
  if (from < 0 || to < 0) throw new Error(`README.md has no place for ${name}`)
  return `${text.slice(0, from + start.length)}\n${table}\n\n${text.slice(to)}`
}

async function commandTable(): Promise<string> {
  const commands = leavesOf(await buildProgram(commandEntries))
  const rows = commands.map((command) => {
    const usage = ['locus', ...pathOf(command), ...argumentsOf(command)].join(' ')
    return [`\`${usage}\``, cell(command.description())]
  })
  return table(['command', ''], rows)
}

/** Settings that something reads; the others are in `locus config template`. */
function settingTable(): string {
  const rows = settingList
    .filter(({ waitsFor }) => waitsFor === undefined)
    .map((setting) => [
      `\`${fileKeyOf(setting)}\``,
      [setting.variable, ...setting.official.map(({ name }) => name)].map((name) => `\`${name}\``).join(', '),
      cell(defaultInWords(setting)),
      setting.reloadable ? `${cell(setting.sentence)} *(reloadable)*` : cell(setting.sentence),
    ])
  return table(['key in locus.toml', 'variables', 'default', 'meaning'], rows)
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  return [titles, titles.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('*', '\\*')
}

if (import.meta.main) await Bun.write(readme, await currentReadme())
