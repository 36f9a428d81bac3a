/** Slurs as handles spell them: handles are ASCII, so digits are the only letters in disguise. */
const SLURS = [
  /\bch[i1l]nks?\b/,
  /\bc[o0]{2}ns?\b/,
  /\bf[a4]gg?(?:[o0e3i1l]tt?(?:ry|r[i1l][e3])?)?s?\b/,
  /\bk[i1ly]k[e3](?:ry|r[i1l][e3])?s*\b/,
  /\bn[i1lo0a4][gq]{2}(?:[e3a4]r?|[l1][e3]t|n[o0][gq])?s?\b/,
  /n[i1lo0a4][gq]{2}(?:[e3]r|[l1][e3]t)/,
  /\btr[a4]+nn?(?:[i1l][e3]|y|[e3]r)s?\b/,
]

/** Whether a handle holds a slur, as written or with its separators left out. */
export function hasSlur(handle: string): boolean {
  const joined = handle.replace(/[.-]/g, '')
  return SLURS.some((slur) => slur.test(handle) || slur.test(joined))
}
