/**
 * Files of environment variables such as the official `pds.env`. Docker reads them without quoting, a shell sources
 * them: `A="x"` is `"x"` to the one and `x` to the other. Both readings are taken here; where they differ, the one that
 * was meant is chosen, and the line is reported.
 *
 *     PDS_HOSTNAME=pds.example.com              the same to both
 *     PDS_EMAIL_FROM_ADDRESS="A <a@b.example>"  quotes are meant for a shell: A <a@b.example>
 *     export PDS_PORT=3000                      docker refuses it: 3000
 *     PDS_ADMIN_PASSWORD=pa$$word&1             a shell would mangle it: taken as written
 *
 * Nothing is ever executed.
 */

export interface EnvVariable {
  readonly name: string
  readonly value: string
  /** counted from 1 */
  readonly line: number
}

/** A line that docker and a shell read differently. */
export interface EnvDifference {
  readonly name: string
  readonly line: number
  /** whose reading was taken */
  readonly taken: 'docker' | 'shell'
  /** what makes the difference, and how to write it so that both agree */
  readonly reason: string
}

export interface EnvFile {
  readonly variables: readonly EnvVariable[]
  readonly differences: readonly EnvDifference[]
  /** lines that set nothing, by their numbers */
  readonly unreadable: readonly number[]
}

export function parseEnvFile(content: string): EnvFile {
  const variables: EnvVariable[] = []
  const differences: EnvDifference[] = []
  const unreadable: number[] = []
  const known = new Map<string, string>()
  for (const [index, written] of content
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    const line = index + 1
    if (/^\s*(#|$)/.test(written)) continue
    const match = /^\s*(export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(written)
    if (!match) {
      unreadable.push(line)
      continue
    }
    const [, prefix, name = '', rest = ''] = match
    const { value, taken, reason } = choose(prefix === undefined ? rest : null, rest, known)
    variables.push({ name, value, line })
    known.set(name, value)
    if (reason) differences.push({ name, line, taken, reason })
  }
  return { variables, differences, unreadable }
}

interface Choice {
  readonly value: string
  readonly taken: 'docker' | 'shell'
  /** null when docker and a shell agree */
  readonly reason: string | null
}

/**
 * @param docker what docker reads; null when it refuses the line
 * @param rest what is written behind the equals sign
 */
function choose(docker: string | null, rest: string, known: ReadonlyMap<string, string>): Choice {
  const shell = shellWord(rest, known)
  if (docker === null) {
    const reason = 'docker refuses lines that begin with export; leave it out'
    return { value: shell?.value ?? rest, taken: 'shell', reason }
  }
  if (!shell) {
    const reason = 'a shell would run a part of it; put it in single quotes if a script sources this file'
    return { value: docker.trimEnd(), taken: 'docker', reason }
  }
  if (shell.value === docker) return { value: docker, taken: 'docker', reason: null }
  if (shell.value === docker.trimEnd()) {
    return { value: shell.value, taken: 'shell', reason: 'docker keeps the spaces at the end; remove them' }
  }
  if (shell.feature === 'comment') {
    const reason = 'docker takes the comment for a part of the value; put it on a line of its own'
    return { value: shell.value, taken: 'shell', reason }
  }
  if (shell.feature === 'quotes') {
    const reason = 'docker takes the quotes for a part of the value; leave them out if the value needs none'
    return { value: shell.value, taken: 'shell', reason }
  }
  if (shell.feature === 'reference') {
    const reason = 'docker does not fill in other variables; write the value out'
    return { value: shell.value, taken: 'shell', reason }
  }
  const reason =
    'a shell gives $ and \\ a meaning of their own; put it in single quotes if a script sources this file'
  return { value: docker, taken: 'docker', reason }
}

interface ShellWord {
  readonly value: string
  /** what a shell does to the text, the strongest sign of its writer's intention first */
  readonly feature: 'quotes' | 'comment' | 'reference' | 'escape' | 'none'
}

/**
 * The value that a shell assigns, or null when it would do more than assign: run a command, or read on for the end of a
 * quote.
 */
function shellWord(rest: string, known: ReadonlyMap<string, string>): ShellWord | null {
  const word = /^(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^\s'"\\;&|<>()`])*/.exec(rest)?.[0] ?? ''
  const after = rest.slice(word.length)
  if (!/^\s*(\s#.*)?$/.test(after)) return null
  if (/[`]|\$\(/.test(word.replace(/'[^']*'|\\./g, ''))) return null
  let value = ''
  let refers = false
  let escapes = false
  for (const [part] of word.matchAll(/'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^'"\\]+/g)) {
    if (part.startsWith("'")) {
      value += part.slice(1, -1)
      continue
    }
    const inDouble = part.startsWith('"')
    const text = inDouble ? part.slice(1, -1) : part
    const expanded = text.replace(
      /\\(.)|\$(?:\{(\w+)\}|([A-Za-z_]\w*|[$!?#@*0-9-]))/g,
      (whole, escaped?: string, braced?: string, bare?: string) => {
        if (escaped !== undefined) {
          escapes = true
          return inDouble && !'"\\$`'.includes(escaped) ? whole : escaped
        }
        const name = braced ?? bare ?? ''
        if (known.has(name)) refers = true
        else escapes = true
        return known.get(name) ?? ''
      },
    )
    value += expanded
  }
  if (/^['"]/.test(word)) return { value, feature: 'quotes' }
  if (after.trim() !== '') return { value, feature: 'comment' }
  if (refers && !escapes) return { value, feature: 'reference' }
  return { value, feature: escapes ? 'escape' : word === value ? 'none' : 'quotes' }
}
