/** Syntax of identifiers, from the protocol text. */

export function isDid(text: unknown): text is string {
  return (
    typeof text === 'string' &&
    text.length <= 2048 &&
    /^did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]$/.test(text)
  )
}

export function isTid(text: unknown): text is string {
  return typeof text === 'string' && /^[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}$/.test(text)
}

export function isHandle(text: unknown): text is string {
  return (
    typeof text === 'string' &&
    text.length <= 253 &&
    /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text)
  )
}

/** Generated times, not any that the lexicons allow. */
export function isTime(text: unknown): text is string {
  return (
    typeof text === 'string' &&
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text) &&
    !Number.isNaN(Date.parse(text))
  )
}

/** `collection/rkey` */
export function isRecordPath(text: unknown): text is string {
  if (typeof text !== 'string') return false
  const [collection = '', rkey = '', ...more] = text.split('/')
  return (
    more.length === 0 &&
    collection.length <= 317 &&
    /^[a-zA-Z]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)+(\.[a-zA-Z][a-zA-Z0-9]{0,62})$/.test(
      collection,
    ) &&
    /^[a-zA-Z0-9_~.:-]{1,512}$/.test(rkey) &&
    rkey !== '.' &&
    rkey !== '..'
  )
}

/** The time in a TID, as Unix milliseconds. */
export function timeOfTid(tid: string): number {
  let value = 0n
  for (const letter of tid) value = value * 32n + BigInt('234567abcdefghijklmnopqrstuvwxyz'.indexOf(letter))
  return Number(value >> 10n) / 1000
}
