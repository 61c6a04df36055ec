import { describe, expect, it } from 'vitest';
import {
  checkRegex,
  compileSafeRegex,
  planRegex,
  requiredLiteral,
} from '../../../detect/sigma/safe-regex.ts';

const LONG = `${'a'.repeat(50_000)}!`;

describe('safe regular expressions', () => {
  it.each([
    ['(a+)+$', ''],
    ['(a+)+$', 'i'],
    ['(a|aa)+$', ''],
    ['(a|a?)+$', 'i'],
    ['^(.*a){20}$', ''],
    ['(.*a){12}b', 's'],
    ['(?:a*)*b', 'm'],
    ['([a-z]+)*\\d', 'i'],
    ['(\\w+\\s?)+\\d$', ''],
    ['a*a*a*a*a*a*b', 'i'],
    ['(?=b)a*b', ''],
    ['a{1,200}a{1,200}b', ''],
  ])('the worst case of /%s/%s ends', (pattern, flags) => {
    const checked = checkRegex(pattern, flags);
    if ('refused' in checked) throw new Error(checked.refused);
    // A stalled match would run into the test's time limit.
    expect(typeof compileSafeRegex(checked.pattern, checked.flags)(LONG)).toBe('boolean');
  });

  it.each([
    '(a*)*\\1',
    '(?=(a+)+b)a',
    '(?<=(a|aa)+)b\\1',
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
