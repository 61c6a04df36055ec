import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkRegex,
  compileSafeRegex,
  planRegex,
  requiredLiteral,
} from '../../../detect/sigma/safe-regex.ts';
import { detects } from './compile-text.ts';

const LONG = `${'a'.repeat(50_000)}!`;
/** Texts that drive patterns of the catalogue into their worst case. */
const ATTACKS = [
  LONG,
  'ab'.repeat(25_000),
  'x'.repeat(50_000),
  '1'.repeat(50_000),
  'a '.repeat(25_000),
  '"'.repeat(50_001),
  `${'\\a'.repeat(25_000)}\n`,
];

describe('safe regular expressions', () => {
  // The catalogue of known explosive patterns; a stalled match would run into the test's time limit.
  it.each([
    '(a+)+$',
    '(a|aa)+$',
    '(a|a?)+$',
    '^(.*a){20}$',
    '(.*a){20}',
    '(.*a){12}b',
    '(?:a*)*b',
    '([a-z]+)*\\d',
    '([a-zA-Z]+)*$',
    '(\\w+\\s?)+\\d$',
    '^(?:(\\w+)\\s?)*$',
    'a*a*a*a*a*a*b',
    '.*.*.*.*=.*',
    '[\\s\\S]*[\\s\\S]*x',
    '(x+x+)+y',
    '(.*)*=',
    '^(([a-z])+.)+[A-Z]([a-z])+$',
    '(a?){50}a{50}',
    '\\d+\\d+\\d+\\d+x',
    '(a|b|ab)*c',
    '(a(b(c*)*)*)*d',
    '(?:[^"]|"[^"]*")*$',
    '^(\\\\?.)*$',
    '(?=b)a*b',
    '(?<!a+a+)b',
    '(?<=a.*a.*)b',
    'a+(?!b)a+c',
    '(a+)\\1b',
    'a{1,200}a{1,200}b',
    'a.{0,500}b.{0,500}c.{0,500}d',
    'a+b',
    '.*foo',
  ])('the worst case of /%s/ ends, with every flag', { timeout: 60_000 }, (pattern) => {
    for (const flags of ['', 'i', 'ims']) {
      const checked = checkRegex(pattern, flags);
      if ('refused' in checked) throw new Error(checked.refused);
      const matches = compileSafeRegex(checked.pattern, checked.flags);
      expect(ATTACKS.map((text) => typeof matches(text))).toEqual(ATTACKS.map(() => 'boolean'));
    }
  });

  it('a rule with such a pattern is compiled and matched without a stall', { timeout: 60_000 }, () => {
    const detection = "  sel:\n    A|re|i: '(a+)+$'\n    B|re: '[\\s\\S]*[\\s\\S]*x'\n  condition: sel";
    expect(detects(detection, { A: LONG, B: LONG })).toBe(false);
    expect(detects(detection, { A: 'aaa', B: `${LONG}x` })).toBe(true);
  });

  it('long and short texts are judged alike', () => {
    const pattern = fc.constantFrom(
      'a+b',
      '(a|b)*c$',
      '^[ab]+$',
      'a.*b.*a',
      '(?:ab)+a?$',
      '\\bab\\b',
      '[^a]b{2,}',
    );
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' ', '\n', 'A'), maxLength: 40 });
    fc.assert(
      fc.property(pattern, text, fc.constantFrom('', 'i', 's', 'im'), (written, tail, flags) => {
        const matches = compileSafeRegex(written, flags);
        for (const pad of ['', 'c'.repeat(600), '\n'.repeat(3_000)])
          expect(matches(pad + tail)).toBe(new RegExp(written, flags).test(pad + tail));
      }),
    );
  });

  it.each([
    '(a*)*\\1',
    '(?=(a+)+b)a',
    '(?<=(a|aa)+)b\\1',
    '(?!.*(a+)+b)a',
    '(?:a|(?=a)a)+b',
    '(?<n>a+)\\k<n>+b',
    '(?=.*a)(?=.*b).*c.*d',
    '(?>a+)b',
    'a++b',
    '(',
    '[b-a]',
    'x(?i)y',
    'a'.repeat(10_000),
  ])('refuses %s with a reason', (pattern) => {
    expect(checkRegex(pattern, '')).toMatchObject({ refused: expect.any(String) as unknown });
  });

  it.each([
    ['(?i)abc', { pattern: 'abc', flags: 'i' }],
    ['(?is)a.c', { pattern: 'a.c', flags: 'is' }],
    ['(?P<x>a)\\Z', { pattern: '(?<x>a)$', flags: '' }],
    ['[[:alpha:]]+', { pattern: '[a-zA-Z]+', flags: '' }],
  ])('translates %s', (pattern, expected) => {
    expect(checkRegex(pattern, '')).toEqual(expected);
  });

  it('bounds a pattern with a look-ahead that no linear engine knows', () => {
    expect(planRegex('a*(?=b).*c', '')).toMatchObject({ engine: 'bounded' });
    expect(planRegex('a(?=b)c', '')).toEqual({ engine: 'v8' });
    expect(planRegex('^a*(?=b).*c', '')).toEqual({ engine: 'bounded', limit: 3_162 });
  });

  it.each([
    ['abc.*def', 'abc'],
    ['ab?cde', 'cde'],
    ['(abc)def+', 'def'],
    ['abc|def', undefined],
    ['[abc]{3}', undefined],
    ['\\x41bcd', undefined],
    ['fo\\.OBAR\\d', 'fo.obar'],
    ['abcd*', 'abc'],
    ['(?!abcd)efg', 'efg'],
  ])('finds the literal that every match of %s holds', (pattern, literal) => {
    expect(requiredLiteral(pattern)).toBe(literal);
  });
});
