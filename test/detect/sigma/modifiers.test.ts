import { describe, expect, it } from 'vitest';
import { compileText, detects, ruleText } from './compile-text.ts';

const one = (item: string): string => `  sel:\n    ${item}\n  condition: sel`;

describe('values and modifiers', () => {
  const cases: [title: string, item: string, yes: object[], no: object[]][] = [
    ['compares without case', 'A: Foo', [{ A: 'fOO' }, { A: ['x', 'foo'] }], [{ A: 'foo2' }, {}]],
    [
      'compares letter by letter, wherever in a word they stand',
      'A|contains: "ΟΔΟΣ"',
      [{ A: 'οδος' }, { A: 'ΟΔΟΣΒ' }, { A: 'xοδοσx' }],
      [{ A: 'ΟΔΟ' }],
    ],
    ['compares with case when cased', 'A|cased: Foo', [{ A: 'Foo' }], [{ A: 'foo' }]],
    ['takes * and ? for wildcards', "A: 'a*c?'", [{ A: 'abbcd' }, { A: 'acd' }], [{ A: 'abc' }]],
    ['takes \\* and \\? for characters', "A: 'a\\*b\\?'", [{ A: 'a*b?' }], [{ A: 'axb?' }, { A: 'a\\xb?' }]],
    [
      'takes \\\\* for a backslash and a wildcard',
      "A: 'c:\\\\*'",
      [{ A: 'c:\\x' }, { A: 'c:\\' }],
      [{ A: 'c:*' }],
    ],
    ['takes a lone backslash for itself', "A: 'c:\\win\\x'", [{ A: 'C:\\WIN\\X' }], [{ A: 'c:winx' }]],
    ['needs presence for *', "A: '*'", [{ A: 'x' }, { A: '' }, { A: 0 }], [{}, { A: null }]],
    ['tells null from empty', 'A: null', [{}, { A: null }], [{ A: '' }, { A: 'x' }]],
    ['tells empty from missing', "A: ''", [{ A: '' }], [{}, { A: null }, { A: 'x' }]],
    ['takes numbers from numbers and digits', 'A: 7', [{ A: 7 }, { A: '7' }], [{ A: 70 }, { A: 'x7' }]],
    ['takes true from booleans and words', 'A: true', [{ A: true }, { A: 'True' }], [{ A: false }, { A: 1 }]],
    ['keeps the zeros that digits begin with', 'A|contains: 00000429', [{ A: 'x00000429' }], [{ A: '429' }]],
    ['joins a list by or', 'A: [x, y]', [{ A: 'x' }, { A: 'y' }], [{ A: 'z' }]],
    ['joins contains|all by and', 'A|contains|all: [x, y]', [{ A: 'a x y' }], [{ A: 'x' }]],
    ['startswith', 'A|startswith: ab', [{ A: 'ABc' }], [{ A: 'cab' }]],
    ['endswith', "A|endswith: '\\x.exe'", [{ A: 'c:\\X.exe' }], [{ A: 'x.exe' }, { A: '\\x.exe.' }]],
    [
      'keeps a final backslash under contains',
      "A|contains: '\\dir\\'",
      [{ A: 'c:\\dir\\x' }],
      [{ A: 'c:\\dir' }],
    ],
    ['exists', 'A|exists: true', [{ A: 1 }], [{}, { A: null }]],
    ['exists false', 'A|exists: false', [{}, { A: null }], [{ A: 1 }]],
    ['denies with neq, missing fields included', 'A|neq: x', [{ A: 'y' }, {}], [{ A: 'x' }]],
    [
      'reads all dashes under windash',
      "A|contains|windash: ' -e '",
      [{ A: 'a /e b' }, { A: 'a \u2013e b' }, { A: 'a -E b' }],
      [{ A: 'a e b' }],
    ],
    [
      'keeps windash alternatives joined by or under all',
      "A|contains|all|windash: [' -e ', ' -f ']",
      [{ A: 'a /e -f b' }],
      [{ A: 'a /e b' }],
    ],
    ['re is searched and cased', "A|re: 'b+c'", [{ A: 'xbbcx' }], [{ A: 'xBBC' }]],
    ['re|i', "A|re|i: 'b+c'", [{ A: 'xBBC' }], [{ A: 'xc' }]],
    ['re|s and re|m', "A|re|s|m: '^b.c$'", [{ A: 'x\nb\nc' }], [{ A: 'bxxc' }]],
    ['re with an inline flag', "A|re: '(?i)abc'", [{ A: 'ABC' }], [{ A: 'AB' }]],
    ['base64', 'A|base64|contains: foobar', [{ A: 'xZm9vYmFyx' }], [{ A: 'foobar' }]],
    [
      'base64offset at all three offsets',
      'A|base64offset|contains: foobar',
      ['', 'x', 'xy'].map((pad) => ({ A: Buffer.from(`${pad}foobar!`).toString('base64') })),
      [{ A: 'foobar' }],
    ],
    [
      'wide before base64offset',
      'A|wide|base64offset|contains: foobar',
      [{ A: Buffer.from('xfoobar', 'utf16le').toString('base64') }],
      [{ A: Buffer.from('foobar').toString('base64') }],
    ],
    ['utf16be', 'A|utf16be|base64|contains: ab', [{ A: 'AGEAYg==' }], [{ A: 'YWI=' }]],
    ['utf16 begins with a mark', 'A|utf16|base64|contains: ab', [{ A: '//5hAGIA' }], [{ A: 'YQBiAA==' }]],
    ['lt', 'A|lt: 5', [{ A: 4 }, { A: '4.5' }], [{ A: 5 }, { A: 'x' }, {}]],
    ['gte', 'A|gte: 5', [{ A: 5 }, { A: '10' }], [{ A: 4 }]],
    ['hour', 'A|hour: 3', [{ A: '2026-01-02T03:59:00Z' }], [{ A: '2026-01-02T04:00:00Z' }]],
    ['month', 'A|month: 12', [{ A: '2026-12-31T23:59:00Z' }], [{ A: '2026-01-02T04:00:00Z' }]],
    [
      'cidr v4',
      'A|cidr: 10.0.0.0/8',
      [{ A: '10.1.2.3' }, { A: '::ffff:10.1.2.3' }],
      [{ A: '11.1.2.3' }, { A: 'x' }],
    ],
    ['cidr v6', "A|cidr: 'fd00::/8'", [{ A: 'fd12::1' }], [{ A: 'fe80::1' }, { A: '10.0.0.1' }]],
    ['fieldref', 'A|fieldref: B', [{ A: 'x', B: 'X' }], [{ A: 'x', B: 'y' }, { A: 'x' }]],
    ['fieldref|endswith', 'A|fieldref|endswith: B', [{ A: 'xy', B: 'Y' }], [{ A: 'yx', B: 'y' }]],
    [
      'nested fields and lists of objects',
      'a.b: x',
      [{ a: { b: 'x' } }, { a: [{ b: 1 }, { b: ['x'] }] }, { 'a.b': 'x' }],
      [{ a: 'x' }, { b: 'x' }],
    ],
  ];
  it.each(cases)('%s', (_title, item, yes, no) => {
    expect(yes.filter((event) => !detects(one(item), event))).toEqual([]);
    expect(no.filter((event) => detects(one(item), event))).toEqual([]);
  });

  it('looks for keywords in every value of the event', () => {
    const keywords = '  words:\n    - alpha\n    - be*ta\n  condition: words';
    expect(detects(keywords, { m: { n: ['an ALPHA man'] } })).toBe(true);
    expect(detects(keywords, { m: 'the best data' })).toBe(true);
    expect(detects(keywords, { alpha: 'nothing' })).toBe(false);
    expect(
      detects("  words:\n    '|all': [alpha, beta]\n  condition: words", { a: 'alpha', b: 'beta' }),
    ).toBe(true);
    expect(detects("  words:\n    '|all': [alpha, beta]\n  condition: words", { a: 'alpha' })).toBe(false);
  });

  it.each([
    ['an unknown modifier', "A|contans: 'x'", 'SIGMA_MODIFIER_UNKNOWN', 8],
    ['a network that is none', 'A|cidr: 10.0.0.0/40', 'SIGMA_VALUE', 8],
    ['an explosive pattern with a back reference', "A|re: '(a*)*\\1'", 'SIGMA_REGEX', 8],
    ['base64 with a wildcard', "A|base64: 'a*'", 'SIGMA_VALUE', 8],
    ['re flags without re', 'A|i: x', 'SIGMA_MODIFIER_ORDER', 8],
    ['a placeholder that nothing fills', "A|expand: '%users%'", 'SIGMA_PLACEHOLDER', 8],
    ['a placeholder with a hyphen in its name', "A|expand: 'x%DC-NAME%'", 'SIGMA_PLACEHOLDER', 8],
  ])('refuses %s with its line', (_title, item, code, line) => {
    const { refused } = compileText({ text: ruleText(one(item)) });
    expect(refused).toMatchObject([{ code, place: { file: 'test.yml', line } }]);
  });
});
