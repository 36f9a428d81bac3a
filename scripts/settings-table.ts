/** Prints the table of settings for the README, in Markdown: bun scripts/settings-table.ts */
import { fileKeyOf } from '#config/setting.ts'
import { settingList } from '#config/settings.ts'
import { defaultInWords } from '#config/template.ts'

const rows = settingList.map((setting) => {
  const official = setting.official.map(({ name }) => `\`${name}\``).join(', ')
  const sentence = setting.reloadable ? `${setting.sentence} *(reloadable)*` : setting.sentence
  const fallback = defaultInWords(setting)
  return [`\`${fileKeyOf(setting)}\``, `\`${setting.variable}\``, official, cell(fallback), cell(sentence)]
})
for (const row of [
  ['key in locus.toml', 'variable', 'official variable', 'default', 'meaning'],
  ['---', '---', '---', '---', '---'],
  ...rows,
]) {
  console.log(`| ${row.join(' | ')} |`)
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
}
