import { Argument, Command } from 'commander'
import { commandEntries } from '#cli/commands.ts'
import { completionScript, type Shell, shells } from '#cli/completion.ts'
import { printText } from '#cli/output.ts'
import { buildProgram } from '#cli/program.ts'

export const completion = new Command('completion')
  .description('print the completion script of a shell')
  .addArgument(new Argument('<shell>', 'which shell').choices(shells))
  .addHelpText(
    'after',
    '\nExamples:\n  source <(locus completion bash)\n  locus completion fish > ~/.config/fish/completions/locus.fish',
  )
  .action(async (shell: Shell) => printText(completionScript(shell, await buildProgram(commandEntries))))
