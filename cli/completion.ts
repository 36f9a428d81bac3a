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
  /** the options that every command understands */
  readonly shared: readonly Word[]
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
  const places = placesBelow(program, '')
  const options = [program, ...descendants(program)].flatMap((command) => command.options.filter(isShown))
  const valueOptions = new Map(
    options
      .filter((option) => option.required || option.optional)
      .map((option) => [
        flagsOf(option).join(),
        { flags: flagsOf(option), choices: option.argChoices ?? [] },
      ]),
  )
  const help = { text: '--help', description: 'explain this command' }
  return {
    places,
    shared: [...optionWords(program), help],
    valueOptions: [...valueOptions.values()],
  }
}

function placesBelow(command: Command, path: string): Place[] {
  const here: Place = {
    path,
    commands: command.commands.map((child) => ({ text: child.name(), description: child.description() })),
    options: command.parent ? optionWords(command) : [],
    values: command.registeredArguments[0]?.argChoices ?? [],
  }
  const below = command.commands.flatMap((child) => placesBelow(child, `${path} ${child.name()}`.trim()))
  return [here, ...below]
}

function descendants(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...descendants(child)])
}

function isShown(option: Option): boolean {
  return !option.hidden
}

/** Long forms; they say more. */
function optionWords(command: Command): Word[] {
  return command.options
    .filter(isShown)
    .map((option) => ({ text: option.long ?? option.short ?? '', description: option.description }))
}

function flagsOf({ short, long }: Option): string[] {
  return [short, long].filter((flag) => flag !== undefined)
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
  local shared=${quote(tree.shared.map(({ text }) => text).join(' '))}
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
    ${withValue}) return ;;
    *)
      case $path in
${tree.places.map((place) => `        ${quote(place.path)}) words=${quote(wordsOf(place).join(' '))} ;;`).join('\n')}
      esac
      words="$words $shared"
      ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _locus locus
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
  local -a candidates shared
  shared=(${zshWords(tree.shared)})
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
${tree.places.map((place) => `        ${quote(place.path)}) candidates=(${zshWords([...place.commands, ...valueWords(place), ...place.options])}) ;;`).join('\n')}
      esac
      candidates+=($shared)
      ;;
  esac
  _describe 'locus' candidates
}
if [ "$funcstack[1]" = _locus ]; then _locus; else compdef _locus locus; fi
`
}

function zshWords(words: readonly Word[]): string {
  return words
    .map(({ text, description }) =>
      quote(description ? `${text}:${description.replaceAll(':', '\\:')}` : text),
    )
    .join(' ')
}

function valueWords({ values }: Place): Word[] {
  return values.map((text) => ({ text, description: '' }))
}

function fish({ places, shared, valueOptions }: Tree): string {
  const withValue = valueOptions.flatMap(({ flags }) => flags).join(' ')
  const paths = places.filter(({ path }) => path).map(({ path }) => quote(path))
  const lines = places.flatMap(({ path, commands, options, values }) => {
    const here = `complete -c locus -n ${quote(`__locus_at ${quote(path)}`)}`
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
  set -l path (__locus_path)
  test "$path" = "$argv[1]"
end
complete -c locus -f
${shared.map((word) => `complete -c locus ${fishOption(word, valueOptions)}`).join('\n')}
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

function pwsh({ places, shared, valueOptions }: Tree): string {
  const table = places.map((place) => {
    const words = [...place.commands, ...valueWords(place), ...place.options]
    return `    ${single(place.path)} = @(${pwshWords(words)})`
  })
  const choices = valueOptions.flatMap(({ flags, choices: values }) =>
    flags.map(
      (flag) => `    ${single(flag)} = @(${values.map((value) => `,@(${single(value)}, '')`).join('; ')})`,
    ),
  )
  return `# locus completion for PowerShell: locus completion pwsh | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName locus -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $shared = @(${pwshWords(shared)})
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
  $candidates = if ($valueOptions.ContainsKey($previous)) { $valueOptions[$previous] } else { $places[$path] + $shared }
  $candidates | Where-Object { $_[0] -like "$wordToComplete*" } | ForEach-Object {
    $tip = if ($_[1]) { $_[1] } else { $_[0] }
    [System.Management.Automation.CompletionResult]::new($_[0], $_[0], 'ParameterValue', $tip)
  }
}
`
}

function pwshWords(words: readonly Word[]): string {
  return words.map(({ text, description }) => `,@(${single(text)}, ${single(description)})`).join('; ')
}

/** One word for bash, zsh and fish. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** One string for PowerShell. */
function single(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
