/** A map that keeps the `max` entries used last and hands the others to `onEvict`. */
export class Lru<K, V> {
  private readonly entries = new Map<K, V>()

  constructor(
    private readonly max: number,
    private readonly onEvict?: (value: V, key: K) => void,
  ) {}

  get size(): number {
    return this.entries.size
  }

  /** The value of `key`, which becomes the one used last. */
  get(key: K): V | undefined {
    const value = this.entries.get(key)
    if (value === undefined) return undefined
    this.entries.delete(key)
    this.entries.set(key, value)
    return value
  }

  /** The value of `key`, without counting as a use. */
  peek(key: K): V | undefined {
    return this.entries.get(key)
  }

  set(key: K, value: V): void {
    this.entries.delete(key)
    this.entries.set(key, value)
    if (this.entries.size <= this.max) return
    const [oldest] = this.entries
    if (!oldest) return
    this.entries.delete(oldest[0])
    this.onEvict?.(oldest[1], oldest[0])
  }

  /** Forgets `key` without calling `onEvict`. */
  delete(key: K): boolean {
    return this.entries.delete(key)
  }

  /** Empties the map, each entry through `onEvict`. */
  clear(): void {
    for (const [key, value] of this.entries) this.onEvict?.(value, key)
    this.entries.clear()
  }

  values(): IterableIterator<V> {
    return this.entries.values()
  }
}
