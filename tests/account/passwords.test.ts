import { expect, test } from 'bun:test'
import { Passwords } from '#account/passwords.ts'

/** Made by the official server from `correct horse battery` and from `pässwörd 🐴`. */
const OFFICIAL =
  '00112233445566778899aabbccddeeff:ba9c3ef700b6de474b706aea98d13043eda61fb74744cfa3ddc2c124d41d72bbd9133a089140f0b26271c4d8d5d92dcf186b8f3451bcab31527466fff1000bf8'
const OFFICIAL_UNICODE =
  '00112233445566778899aabbccddeeff:615718e6f7fb0f152ff3aa63889efb091cc5fc215a039d7fe7190af58298432fee0da2bc40c2a0ea538374485fc117e9467f99b0e20cb5e219682f113c4c7d65'
/** Made by the official server for the app password `abcd-efgh-2345-67aa` of this DID. */
const OFFICIAL_APP =
  '096d99743739a6a1859175a44a700c0b:63b9670eb0c8e1813f002ca72c28c2896b1d511278d53052aad267a13589e99343839c425764ecb86d0d702b834948fffc5abcd4f53e0c8a7c83c4d6a9f2d1f6'

test('a new hash is argon2id at the recommended cost, and fits its password only', async () => {
  const passwords = new Passwords()

  const hash = await passwords.hash('correct horse battery')

  expect(hash).toStartWith('$argon2id$v=19$m=19456,t=2,p=1$')
  expect(passwords.isOutdated(hash)).toBe(false)
  expect(await passwords.verify('correct horse battery', hash)).toBe(true)
  expect(await passwords.verify('correct horse batterz', hash)).toBe(false)
  expect(await passwords.verify('', hash)).toBe(false)
})

test('hashes of the official server are verified, and called outdated', async () => {
  const passwords = new Passwords()

  expect(await passwords.verify('correct horse battery', OFFICIAL)).toBe(true)
  expect(await passwords.verify('correct horse batterz', OFFICIAL)).toBe(false)
  expect(await passwords.verify('pässwörd 🐴', OFFICIAL_UNICODE)).toBe(true)
  expect(passwords.isOutdated(OFFICIAL)).toBe(true)
})

test('an app password hashes as at the official server', async () => {
  const hash = await new Passwords().hashAppPassword(
    'did:plc:aliceaaaaaaaaaaaaaaaaaaa',
    'abcd-efgh-2345-67aa',
  )

  expect(hash).toBe(OFFICIAL_APP)
})

test('nothing fits where there is no hash, or text that is none', async () => {
  const passwords = new Passwords()

  for (const stored of [
    null,
    '',
    ':',
    'salt:',
    ':00',
    'salt:00',
    'salt',
    '$argon2id$',
    '$argon2id$v=19$m=19456,t=2,p=1$x$y',
  ]) {
    expect(await passwords.verify('password', stored)).toBe(false)
  }
})

test('many hashes at once finish, without holding up the event loop', async () => {
  const passwords = new Passwords()
  let turns = 0
  const timer = setInterval(() => turns++, 5)

  await Promise.all(Array.from({ length: 12 }, (_, i) => passwords.hash(`password ${i}`)))

  clearInterval(timer)
  expect(turns).toBeGreaterThan(5)
})

test('more work than could be done in time is refused, and later there is room again', async () => {
  const passwords = new Passwords()

  const outcomes = await Promise.allSettled(
    Array.from({ length: 300 }, () => passwords.verify('', 'salt:00')),
  )

  const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
  expect(refused).toHaveLength(300 - 256)
  expect(refused[0]).toMatchObject({ reason: { kind: 'unavailable', code: 'NotEnoughResources' } })
  expect(await passwords.verify('x', null)).toBe(false)
}, 60_000)
