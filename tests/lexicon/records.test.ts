import { expect, test } from 'bun:test'
import { InvalidRecordError } from '#lexicon/errors.ts'
import { validateRecord } from '#lexicon/records.ts'
import type { Nsid, RecordKey } from '#lexicon/strings.ts'
import { startPds } from '#tests/support/pds.ts'
import { type OfficialAnswer, officialAnswers, writeRecord } from './official-answers.ts'

/** Where we do better, or say more. */
const OURS: Readonly<Record<string, { status: number; error: string }>> = {
  'unknown type with an unsafe integer': { status: 400, error: 'InvalidRequest' }, // 500 there
  'unknown type with a blob of the old servers': { status: 400, error: 'InvalidRequest' },
}

test('records of all known types are taken and refused as by the official server', async () => {
  await using pds = await startPds()
  const alice = await pds.createAccount('alice')

  for (const record of officialAnswers) {
    const answer: OfficialAnswer = await writeRecord(alice, alice.did, record)

    const ours = OURS[record.name]
    if (ours) expect({ name: record.name, ...answer }).toMatchObject({ name: record.name, ...ours })
    else expect({ name: record.name, answer }).toEqual({ name: record.name, answer: record.answer })
  }
})

const collection = 'app.bsky.feed.post' as Nsid
const rkey = '3jzfcijpj2z2a' as RecordKey
const record = { text: 'hello', createdAt: '2026-11-21T00:00:00Z', more: { $bytes: 'AA==' } }

test('a record without a type gets that of its collection, and is otherwise left as it is', () => {
  const checked = validateRecord({ collection, rkey, record, validate: undefined })

  expect(checked).toEqual({ status: 'valid', record: { ...record, $type: collection } })
  expect(checked.record.more).toBe(record.more)
})

test('a record that is checked only on request is told apart', () => {
  const thing = { collection: 'com.example.thing' as Nsid, rkey, record: {} }

  expect(validateRecord({ ...thing, validate: undefined }).status).toBe('unknown')
  expect(validateRecord({ ...thing, validate: false }).status).toBeUndefined()
  expect(() => validateRecord({ ...thing, validate: true })).toThrow(
    new InvalidRecordError('Unknown lexicon type: com.example.thing'),
  )
})
