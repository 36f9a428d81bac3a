import { InvalidRequestError } from '#std/errors.ts'

/** Where a page of a list ended: the last entry's place in the order, and its key among entries of the same place. */
export interface Cursor {
  readonly primary: number
  readonly secondary: string
}

export function formatCursor({ primary, secondary }: Cursor): string {
  return `${primary}::${secondary}`
}

/** @throws InvalidRequestError when `text` is not a cursor that `formatCursor` made */
export function parseCursor(text: string): Cursor {
  const [primary = '', secondary = '', more] = text.split('::')
  if (!/^\d{1,16}$/.test(primary) || secondary === '' || more !== undefined) {
    throw new InvalidRequestError('Malformed cursor')
  }
  return { primary: Number(primary), secondary }
}
