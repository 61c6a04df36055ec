// Addresses and networks as they are written, hostile spellings included.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalAddress, isPublicAddress, parseNetwork } from '../../../platform/core/network.ts';

describe('addresses', () => {
  it.each([
    ['10.1.2.3', '10.1.2.3'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['2001:0DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['010.1.1.1', undefined],
    ['1.2', undefined],
    ['1.2.3.4.5', undefined],
    ['256.1.1.1', undefined],
    ['', undefined],
    ['1.2.3.4\n', undefined],
    ['host', undefined],
  ])('reads %j as %j', (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical);
  });

  it.each([
    ['8.8.8.8', true],
    ['10.0.0.1', false],
    ['172.16.0.1', false],
    ['169.254.1.1', false],
    ['100.64.0.1', false],
    ['127.0.0.1', false],
    ['224.0.0.1', false],
    ['2606:4700::1111', true],
    ['fd00::1', false],
    ['fe80::1', false],
    ['::1', false],
    ['::ffff:192.168.1.1', false],
    ['nonsense', false],
  ])('calls %s public: %s', (text, expected) => {
    expect(isPublicAddress(text)).toBe(expected);
  });
});

describe('parseNetwork', () => {
  it('tells members, across the two spellings of IPv4', () => {
    const inside = parseNetwork('10.0.0.0/8');
    expect(inside?.('10.255.0.1')).toBe(true);
    expect(inside?.('::ffff:10.0.0.1')).toBe(true);
    expect(inside?.('11.0.0.1')).toBe(false);
    expect(inside?.('fd00::1')).toBe(false);
    expect(inside?.('not an address')).toBe(false);
    expect(parseNetwork('0.0.0.0/0')?.('8.8.8.8')).toBe(true);
    expect(parseNetwork('2001:db8::/32')?.('2001:db8:1::')).toBe(true);
    expect(parseNetwork('::ffff:10.0.0.0/104')?.('10.9.9.9')).toBe(true);
    expect(parseNetwork('::ffff:0:0/96')?.('8.8.8.8')).toBe(true);
  });
  it.each([
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    '/8',
    'a/8',
    'fd00::/129',
    '10.0.0.0/ 8',
    '',
  ])('refuses %j', (text) => {
    expect(parseNetwork(text)).toBeUndefined();
  });
  it('agrees with arithmetic for IPv4', () => {
    const number = fc.integer({ min: 0, max: 0xffffffff });
    const dotted = (n: number) => [24, 16, 8, 0].map((shift) => Math.floor(n / 2 ** shift) % 256).join('.');
    fc.assert(
      fc.property(number, number, fc.integer({ min: 0, max: 32 }), (base, other, bits) => {
        const size = 2 ** (32 - bits);
        expect(parseNetwork(`${dotted(base)}/${bits}`)?.(dotted(other))).toBe(
          Math.floor(base / size) === Math.floor(other / size),
        );
      }),
    );
  });
});
