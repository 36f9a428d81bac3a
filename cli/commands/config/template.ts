import { Command } from 'commander'
import { printText } from '#cli/output.ts'
import { configTemplate } from '#config/template.ts'

export const template = new Command('template')
  .description('print a locus.toml with every setting, commented out and explained')
  .addHelpText('after', '\nExample:\n  locus config template > locus.toml')
  .action(() => printText(configTemplate()))
