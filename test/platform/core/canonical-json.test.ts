// RFC 8785: the sorting and number examples of the standard, and what round trips.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, contentHash } from '../../../platform/core/canonical-json.ts';

describe('canonicalJson', () => {
  it('sorts by UTF-16 code units (RFC 8785, 3.2.3)', () => {
    const value = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew',
      '1': 'One',
      '\ud83d\ude00': 'Emoji',
      '\u0080': 'Control',
      '\u00f6': 'o',
    };
    expect([...canonicalJson(value).matchAll(/:"([A-Za-z ]+)"/g)].map((match) => match[1])).toEqual([
      'Carriage Return',
      'One',
      'Control',
      'o',
      'Euro Sign',
      'Emoji',
      'Hebrew',
    ]);
  });
  it('writes numbers as ECMAScript does (RFC 8785, 3.2.2.3)', () => {
    expect(canonicalJson([Number('333333333.33333329'), 1e30, 4.5, 2e-3, 1e-27, -0])).toBe(
      '[333333333.3333333,1e+30,4.5,0.002,1e-27,0]',
    );
  });
  it('leaves undefined members out and takes them for null in lists', () => {
    expect(canonicalJson({ b: undefined, a: [undefined, null] })).toBe('{"a":[null,null]}');
  });
  it('refuses what JSON has no form for', () => {
    for (const value of [Number.NaN, Infinity, 1n, () => 1, undefined]) {
      expect(() => canonicalJson(value)).toThrow(TypeError);
    }
  });
  it('reads back as the same value and hashes alike in any key order', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }), (value) => {
        const turned = Object.fromEntries(Object.entries(value).reverse());
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
        expect(contentHash(turned)).toBe(contentHash(value));
      }),
    );
  });
});
