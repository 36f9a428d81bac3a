/**
 * Records of which an account should have only one per target: a second like of one post replaces the first.
 * The target is `subject.uri` of likes and reposts, `subject` of follows and blocks.
 */
const TARGET_FIELD: Record<string, 'subject.uri' | 'subject'> = {
  'app.bsky.feed.like': 'subject.uri',
  'app.bsky.feed.repost': 'subject.uri',
  'app.bsky.graph.follow': 'subject',
  'app.bsky.graph.block': 'subject',
}

/** Whether the records of a collection point at something that may be pointed at only once. */
export function hasTarget(collection: string): boolean {
  return Object.hasOwn(TARGET_FIELD, collection)
}

/** The DID or AT URI that a record (as JSON) points at, or null. */
export function targetOf(collection: string, record: unknown): string | null {
  const field = TARGET_FIELD[collection]
  if (!field || !isObject(record)) return null
  const { subject } = record
  const target = field === 'subject.uri' && isObject(subject) ? subject.uri : subject
  return typeof target === 'string' ? target : null
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
