import { relative } from 'node:path'

/** The words that run this executable again, in the directory that this process runs in. */
export function ownName(): string {
  const { execPath } = process
  if (!Bun.main.startsWith('/$bunfs/') || Bun.which('locus') === execPath) return 'locus'
  const path = relative(process.cwd(), execPath)
  const word = path.startsWith('..') ? execPath : path.includes('/') ? path : `./${path}`
  return wordForShell(word)
}

/** `text` as one word of a POSIX shell. */
export function wordForShell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
