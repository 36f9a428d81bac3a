import { expect, test } from 'bun:test'
import { InvalidInviteCodeError } from '#account/errors.ts'
import { didNamed, openService } from '#tests/support/service.ts'

test('a code names the host with dashes and ten random characters', () => {
  using service = openService()

  const [made] = service.invites.create({ count: 3, uses: 1 })

  expect(made?.account).toBe('admin')
  expect(new Set(made?.codes).size).toBe(3)
  for (const code of made!.codes) expect(code).toMatch(/^pds-test-[a-z2-7]{5}-[a-z2-7]{5}$/)
})

test('a code is good until it was used as often as it may be', () => {
  using service = openService()
  const code = service.invites.createOne({ uses: 2 })

  service.invites.use(code, service.addAccount('alice'))
  service.invites.ensureAvailable(code)
  service.invites.use(code, service.addAccount('bob'))

  expect(() => service.invites.ensureAvailable(code)).toThrow(InvalidInviteCodeError)
})

test('a use that is taken back can be had again', () => {
  using service = openService()
  const code = service.invites.createOne({ uses: 1 })
  const alice = service.addAccount('alice')
  service.invites.use(code, alice)

  service.invites.unuse(code, alice)
  service.invites.unuse(code, alice)

  service.invites.ensureAvailable(code)
  expect(service.invites.list({ sort: 'recent', limit: 1 }).codes[0]?.uses).toEqual([])
})

test('unknown and disabled codes are refused, and those of an account that is taken down', () => {
  using service = openService()
  const alice = service.addAccount('alice')
  const bob = service.addAccount('bob')
  const disabled = service.invites.createOne({ uses: 1 })
  const alices = service.invites.createOne({ uses: 1, forAccount: alice })
  const bobs = service.invites.createOne({ uses: 1, forAccount: bob })
  service.invites.disable({ codes: [disabled], accounts: [bob] })
  service.invites.ensureAvailable(alices)
  service.db.query('UPDATE account SET takedown_ref = ? WHERE did = ?').run('why', alice)

  for (const code of ['unknown', '', disabled, alices, bobs]) {
    expect(() => service.invites.ensureAvailable(code)).toThrow('Provided invite code not available')
  }
})

test('codes without a use, or too many at once, are not made', () => {
  using service = openService()

  expect(() => service.invites.create({ count: 1, uses: 0 })).toThrow('at least one use')
  expect(() => service.invites.create({ count: 0, uses: 1 })).toThrow('Between 1 and 10000')
  expect(() => service.invites.create({ count: 1_000_000_000, uses: 1 })).toThrow('Between 1 and 10000')
  expect(service.invites.list({ sort: 'recent', limit: 10 })).toEqual({ codes: [] })
})

test('the codes of the operator cannot be disabled all together', () => {
  using service = openService()

  expect(() => service.invites.disable({ codes: [], accounts: ['admin'] })).toThrow(
    'cannot disable admin invite codes',
  )
})

test('all codes are listed in pages, the newest or the most used first', () => {
  using service = openService()
  const codes: string[] = []
  for (let i = 0; i < 5; i++) {
    service.time.now += 1000
    codes.push(service.invites.createOne({ uses: 10 }))
  }
  for (const [i, uses] of [1, 3, 0, 2, 0].entries()) {
    for (let n = 0; n < uses; n++) service.invites.use(codes[i]!, didNamed(`guest${i}${'bcd'[n]}`))
  }
  const listed = (sort: string) => {
    const seen: string[] = []
    for (let cursor: string | undefined; ; ) {
      const page = service.invites.list({ sort, limit: 2, cursor })
      if (page.codes.length === 0) return seen
      seen.push(...page.codes.map((code) => code.code))
      cursor = page.cursor
    }
  }

  expect(listed('recent')).toEqual(codes.toReversed())
  const unused = [codes[2]!, codes[4]!].toSorted().toReversed()
  expect(listed('usage')).toEqual([codes[1]!, codes[3]!, codes[0]!, ...unused])
})

test('an unknown order and a broken cursor are refused', () => {
  using service = openService()

  expect(() => service.invites.list({ sort: 'name', limit: 1 })).toThrow('unknown sort method: name')
  for (const cursor of ['', 'x', '1', '1::', '::a', '1::a::b', '-1::a', '1.5::a']) {
    expect(() => service.invites.list({ sort: 'recent', limit: 1, cursor })).toThrow('Malformed cursor')
  }
})

test('an account knows the codes that it has, and the one it came by', () => {
  using service = openService()
  const alice = service.addAccount('alice')
  const code = service.invites.createOne({ uses: 5, forAccount: alice })
  const bob = service.addAccount('bob')
  service.invites.use(code, bob)

  const entry = {
    code,
    available: 5,
    disabled: false,
    forAccount: alice,
    createdBy: 'admin',
    createdAt: service.time.now,
    uses: [{ usedBy: bob, usedAt: service.time.now }],
  }
  expect(service.invites.ofAccounts([alice, bob]).get(alice)).toEqual([entry])
  expect(service.invites.usedBy([alice, bob]).get(bob)).toEqual(entry)
})
