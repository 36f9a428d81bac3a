/** What the official server (0.5.35) answered when asked to write some 150 records, good and bad, of all types it knows. */
import type { Client } from '#cli/client.ts'
import { ServerError } from '#cli/errors.ts'
import answers from '#tests/fixtures/records/official.json' with { type: 'json' }

export type OfficialAnswer =
  | { validationStatus: string | null }
  | { status: number; error: string; message: string }

export interface RecordCase {
  readonly name: string
  readonly collection: string
  /** without one, the record is created under a key of the server's choice; with one, put there */
  readonly rkey?: string
  readonly validate?: boolean
  readonly record: unknown
  readonly answer: OfficialAnswer
}

export const officialAnswers: readonly RecordCase[] = answers as RecordCase[]

export async function writeRecord(
  client: Client,
  repo: string,
  { name, answer, ...write }: RecordCase,
): Promise<OfficialAnswer> {
  const { rkey, ...rest } = { repo, ...write, record: write.record as object }
  try {
    const written =
      rkey === undefined
        ? await client.call('com.atproto.repo.createRecord', rest)
        : await client.call('com.atproto.repo.putRecord', { ...rest, rkey })
    return { validationStatus: written.validationStatus ?? null }
  } catch (error) {
    if (!(error instanceof ServerError)) throw error
    return { status: error.status, error: error.error, message: error.message }
  }
}
