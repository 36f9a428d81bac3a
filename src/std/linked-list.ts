/** A place in a list. */
export class Link<T> {
  previous: Link<T> | null = null
  next: Link<T> | null = null

  constructor(readonly value: T) {}
}

/**
 * A list that is appended to, and left from anywhere, in constant time. A Map or Set does not do for that: to find the
 * first entry it walks past those that were deleted before it (110 µs with 50,000 entries).
 */
export class LinkedList<T> {
  private head: Link<T> | null = null
  private tail: Link<T> | null = null

  get first(): T | null {
    return this.head ? this.head.value : null
  }

  append(value: T): Link<T> {
    const link = new Link(value)
    link.previous = this.tail
    if (this.tail) this.tail.next = link
    else this.head = link
    this.tail = link
    return link
  }

  /** @param link of this list, and not removed before */
  remove({ previous, next }: Link<T>): void {
    if (previous) previous.next = next
    else this.head = next
    if (next) next.previous = previous
    else this.tail = previous
  }
}
