/**
 * Completion scripts for shells, written from the tree of commands, so that they never miss an option.
 *
 * Each script walks the words typed so far, skips options and their values, and arrives at a command; it then offers that
 * command's sub-commands and options, or the values of the option before the cursor where those are known.
 */
import type { Command, Option } from 'commander'

export const shells = ['bash', 'zsh', 'fish', 'pwsh'] as const
export type Shell = (typeof shells)[number]

interface Word {
  readonly text: string
  readonly description: string
}

interface Place {
  /** the words that lead here, joined: `account create` */
  readonly path: string
  readonly commands: readonly Word[]
  readonly options: readonly Word[]
  /** values of the first argument, where it has a fixed set */
  readonly values: readonly string[]
}

interface ValueOption {
  /** `-o`, `--output` */
  readonly flags: readonly string[]
  readonly choices: readonly string[]
}

interface Tree {
  readonly places: readonly Place[]
  /** options that take a value, of all commands: a flag has one meaning throughout */
  readonly valueOptions: readonly ValueOption[]
}

/** The completion script of `shell` for the tree under `program`. */
export function completionScript(shell: Shell, program: Command): string {
  const tree = treeOf(program)
  if (shell === 'bash') return bash(tree)
  if (shell === 'zsh') return zsh(tree)
  if (shell === 'fish') return fish(tree)
  return pwsh(tree)
}

function treeOf(program: Command): Tree {
  const places: Place[] = []
  const valueOptions = new Map<string, ValueOption>()
  const shared = program.options
  visit(program, '')
  return { places, valueOptions: [...valueOptions.values()] }

  function visit(command: Command, path: string): void {
    const own = command === program ? [] : command.options
    const options = [...own, ...shared].filter((option) => !option.hidden)
    for (const option of options) {
      if (option.required || option.optional) valueOptions.set(flagsOf(option).join(), valueOptionOf(option))
    }
    places.push({
      path,
      commands: command.commands.map((child) => ({ text: child.name(), description: child.description() })),
      options: [
        ...options.flatMap((option) =>
          longOf(option).map((text) => ({ text, description: option.description })),
        ),
        { text: '--help', description: 'explain this command' },
      ],
      values: command.registeredArguments[0]?.argChoices ?? [],
    })
    for (const child of command.commands) visit(child, path ? `${path} ${child.name()}` : child.name())
  }
}

function flagsOf({ short, long }: Option): string[] {
  return [short, long].filter((flag) => flag !== undefined)
}

function longOf(option: Option): string[] {
  return flagsOf(option).slice(-1)
}

function valueOptionOf(option: Option): ValueOption {
  return { flags: flagsOf(option), choices: option.argChoices ?? [] }
}

/** The part of a `case` that finds the command among the words: options with values, and the paths there are. */
function shellCases({ places, valueOptions }: Tree) {
  const withValue = valueOptions.flatMap(({ flags }) => flags).join('|')
  const paths = places
    .filter(({ path }) => path)
    .map(({ path }) => quote(path))
    .join('|')
  const choices = valueOptions.filter((option) => option.choices.length > 0)
  return { withValue, paths, choices }
}

function bash(tree: Tree): string {
  const { withValue, paths, choices } = shellCases(tree)
  return `# locus completion for bash: source <(locus completion bash)
_locus() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} path='' word words='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $word in
      ${withValue}) i=$((i + 1)) ;;
      -*) ;;
      *)
        case "\${path:+$path }$word" in
          ${paths}) path="\${path:+$path }$word" ;;
        esac
        ;;
    esac
  done
  case $prev in
${choices.map(({ flags, choices: values }) => `    ${flags.join('|')}) words=${quote(values.join(' '))} ;;`).join('\n')}
    ${withValue}) compopt -o default; return ;;
    *)
      case $path in
${tree.places.map((place) => `        ${quote(place.path)}) words=${quote(wordsOf(place).join(' '))} ;;`).join('\n')}
      esac
      ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _locus locus
`
}

function wordsOf({ commands, values, options }: Place): string[] {
  return [...commands.map(({ text }) => text), ...values, ...options.map(({ text }) => text)]
}

function zsh(tree: Tree): string {
  const { withValue, paths, choices } = shellCases(tree)
  return `#compdef locus
# locus completion for zsh: locus completion zsh > "\${fpath[1]}/_locus"
_locus() {
  local path_='' word prev=\${words[CURRENT-1]} i
  local -a candidates
  for ((i = 2; i < CURRENT; i++)); do
    word=\${words[i]}
    case $word in
      ${withValue}) i=$((i + 1)) ;;
      -*) ;;
      *)
        case "\${path_:+$path_ }$word" in
          ${paths}) path_="\${path_:+$path_ }$word" ;;
        esac
        ;;
    esac
  done
  case $prev in
${choices.map(({ flags, choices: values }) => `    ${flags.join('|')}) candidates=(${values.map(quote).join(' ')}) ;;`).join('\n')}
    ${withValue}) _files; return ;;
    *)
      case $path_ in
${tree.places.map((place) => `        ${quote(place.path)}) candidates=(${zshWords(place)}) ;;`).join('\n')}
      esac
      ;;
  esac
  _describe 'locus' candidates
}
if [ "$funcstack[1]" = _locus ]; then _locus; else compdef _locus locus; fi
`
}

function zshWords({ commands, values, options }: Place): string {
  const described = [...commands, ...options].map(({ text, description }) =>
    quote(`${text}:${description.replaceAll(':', '\\:')}`),
  )
  return [...values.map(quote), ...described].join(' ')
}

function fish({ places, valueOptions }: Tree): string {
  const withValue = valueOptions.flatMap(({ flags }) => flags).join(' ')
  const paths = places.filter(({ path }) => path).map(({ path }) => quote(path))
  const lines = places.flatMap(({ path, commands, options, values }) => {
    const here = `complete -c locus -f -n ${quote(`__locus_at ${quote(path)}`)}`
    return [
      ...commands.map((word) => `${here} -a ${word.text} -d ${quote(word.description)}`),
      ...values.map((value) => `${here} -a ${value}`),
      ...options.map((word) => `${here} ${fishOption(word, valueOptions)}`),
    ]
  })
  return `# locus completion for fish: locus completion fish > ~/.config/fish/completions/locus.fish
function __locus_path
  set -l path ''
  set -l skip 0
  for word in (commandline -opc)[2..-1]
    if test $skip = 1
      set skip 0
    else if contains -- $word ${withValue}
      set skip 1
    else if not string match -q -- '-*' $word
      set -l longer (string trim -- "$path $word")
      if contains -- $longer ${paths.join(' ')}
        set path $longer
      end
    end
  end
  echo $path
end
function __locus_at
  test (__locus_path | string collect -a) = "$argv[1]"
end
${lines.join('\n')}
`
}

function fishOption({ text, description }: Word, valueOptions: readonly ValueOption[]): string {
  const option = valueOptions.find(({ flags }) => flags.includes(text))
  const short = option?.flags.find((flag) => /^-\w$/.test(flag))
  const value = option
    ? option.choices.length > 0
      ? ` -x -a ${quote(option.choices.join(' '))}`
      : ' -r -F'
    : ''
  return `-l ${text.replace(/^--/, '')}${short ? ` -s ${short.slice(1)}` : ''}${value} -d ${quote(description)}`
}

function pwsh({ places, valueOptions }: Tree): string {
  const table = places.map((place) => `    ${single(place.path)} = @(${pwshWords(place)})`)
  const choices = valueOptions.flatMap(({ flags, choices: values }) =>
    flags.map(
      (flag) => `    ${single(flag)} = @(${values.map((value) => `@(${single(value)}, '')`).join(', ')})`,
    ),
  )
  return `# locus completion for PowerShell: locus completion pwsh | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName locus -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $places = @{
${table.join('\n')}
  }
  $valueOptions = @{
${choices.join('\n')}
  }
  $path = ''
  $previous = ''
  foreach ($element in ($commandAst.CommandElements | Select-Object -Skip 1)) {
    if ($element.Extent.EndOffset -ge $cursorPosition -and $wordToComplete) { break }
    $word = $element.ToString()
    $longer = "$path $word".Trim()
    if (-not $valueOptions.ContainsKey($previous) -and $places.ContainsKey($longer)) { $path = $longer }
    $previous = $word
  }
  $candidates = if ($valueOptions.ContainsKey($previous)) { $valueOptions[$previous] } else { $places[$path] }
  $candidates | Where-Object { $_[0] -like "$wordToComplete*" } | ForEach-Object {
    $tip = if ($_[1]) { $_[1] } else { $_[0] }
    [System.Management.Automation.CompletionResult]::new($_[0], $_[0], 'ParameterValue', $tip)
  }
}
`
}

function pwshWords({ commands, values, options }: Place): string {
  return [...commands, ...values.map((text) => ({ text, description: '' })), ...options]
    .map(({ text, description }) => `@(${single(text)}, ${single(description)})`)
    .join(', ')
}

/** One word for bash, zsh and fish. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** One string for PowerShell. */
function single(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
