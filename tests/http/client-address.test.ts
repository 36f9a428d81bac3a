import { expect, test } from 'bun:test'
import { ClientAddresses } from '#http/client-address.ts'

const addresses = new ClientAddresses(['127.0.0.0/8', '::1', '10.0.0.0/8', 'fc00::/7'])

test('a stranger is believed nothing about where it comes from', () => {
  expect(addresses.of('203.0.113.5', null)).toBe('203.0.113.5')
  expect(addresses.of('203.0.113.5', '198.51.100.1')).toBe('203.0.113.5')
})

test('a proxy that is trusted says for whom it asks', () => {
  expect(addresses.of('127.0.0.1', '198.51.100.1')).toBe('198.51.100.1')
  expect(addresses.of('::ffff:127.0.0.1', '198.51.100.1')).toBe('198.51.100.1')
  expect(addresses.of('::1', '2001:db8::1')).toBe('2001:db8::1')
  expect(addresses.of(null, '198.51.100.1')).toBe('198.51.100.1')
})

test('of several claims, the last one that a trusted proxy wrote counts', () => {
  expect(addresses.of('127.0.0.1', '1.1.1.1, 198.51.100.1')).toBe('198.51.100.1')
  expect(addresses.of('127.0.0.1', '1.1.1.1, 198.51.100.1, 10.1.2.3')).toBe('198.51.100.1')
  expect(addresses.of('127.0.0.1', '10.1.2.3, 10.1.2.4')).toBe('10.1.2.3')
})

test('what is no address ends the search', () => {
  expect(addresses.of('127.0.0.1', 'unknown')).toBe('127.0.0.1')
  expect(addresses.of('127.0.0.1', '')).toBe('127.0.0.1')
  expect(addresses.of('127.0.0.1', '198.51.100.1, junk, 10.0.0.1')).toBe('10.0.0.1')
})
