/** The known name that `name` was probably meant to be, or null when none is near. */
export function nearestName(name: string, known: Iterable<string>): string | null {
  let nearest: string | null = null
  let least = Math.max(2, Math.floor(name.length / 3)) + 1
  for (const candidate of known) {
    const distance = candidate.startsWith(`${name}_`) ? 2 : editDistance(name, candidate, least)
    if (distance >= least) continue
    least = distance
    nearest = candidate
  }
  return nearest
}

/** "did you mean X?" where there is something to suggest, else `otherwise`. */
export function suggestion(name: string, known: Iterable<string>, otherwise: string): string {
  const nearest = nearestName(name, known)
  return nearest ? `did you mean ${nearest}?` : otherwise
}

/** Insertions, deletions and substitutions from `a` to `b`; at least `limit` when they are that many. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? limit
}
