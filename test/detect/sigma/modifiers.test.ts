import { describe, expect, it } from 'vitest';
import { MODIFIERS } from '../../../detect/sigma/apply-modifiers.ts';
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
    [
      're|ignorecase, dotall and multiline',
      "A|re|ignorecase|dotall|multiline: '^B.C$'",
      [{ A: 'x\nb\nc' }],
      [{ A: 'bxxc' }],
    ],
    [
      're|i beside re without',
      "A|re: '^b.c$'",
      [{ A: 'bxc' }],
      [{ A: 'B-C' }, { A: 'b\nc' }, { A: 'x\nbxc' }],
    ],
    ['re|all', "A|re|all: ['a', 'b']", [{ A: 'ba' }], [{ A: 'a' }]],
    ['re|contains says the same', "A|re|contains: 'b+c'", [{ A: 'xbbcx' }], [{ A: 'xc' }]],
    [
      're|startswith binds the pattern to the beginning',
      "A|re|startswith: 'b|c'",
      [{ A: 'cx' }],
      [{ A: 'xc' }],
    ],
    ['re|endswith binds it to the end', "A|re|endswith: 'b|c'", [{ A: 'xc' }], [{ A: 'cx' }]],
    ['re of a number', 'A|re: 42', [{ A: 'x42' }, { A: 1420 }], [{ A: 43 }]],
    ['re knows no placeholder without expand', "A|re: '%x%'", [{ A: 'a%x%b' }], [{ A: 'x' }]],
    ['re|s and re|m', "A|re|s|m: '^b.c$'", [{ A: 'x\nb\nc' }], [{ A: 'bxxc' }]],
    ['re with an inline flag', "A|re: '(?i)abc'", [{ A: 'ABC' }], [{ A: 'AB' }]],
    [
      'windash from each of the five characters',
      "A|contains|windash: ' \u2013e'",
      [{ A: 'a -ex' }, { A: 'a /e' }, { A: 'a \u2015e' }],
      [{ A: 'a e' }],
    ],
    [
      'windash leaves what does not begin a word',
      "A|windash|contains: 'a-b /c/d -- -ä'",
      [{ A: 'a-b -c/d -- /Ä' }],
      [{ A: 'a/b /c/d -- -ä' }, { A: 'a-b /c-d -- -ä' }, { A: 'a-b /c/d // -ä' }],
    ],
    [
      'windash of several parameters',
      "A|windash: 'x -a -b'",
      [{ A: 'x /a -b' }, { A: 'x \u2014a /b' }],
      [{ A: 'x a b' }],
    ],
    ['base64 of the whole', 'A|base64: foobar', [{ A: 'Zm9vYmFy' }], [{ A: 'xZm9vYmFy' }]],
    [
      'base64 of escaped wildcards',
      "A|base64: 'a\\*b'",
      [{ A: Buffer.from('a*b').toString('base64') }],
      [{ A: 'a*b' }],
    ],
    ['base64 of other letters', 'A|base64: Äb', [{ A: Buffer.from('Äb').toString('base64') }], [{ A: 'Äb' }]],
    ['base64 twice', 'A|base64|base64: ab', [{ A: Buffer.from('YWI=').toString('base64') }], [{ A: 'YWI=' }]],
    ['base64|cased', 'A|base64|cased: foobar', [{ A: 'Zm9vYmFy' }], [{ A: 'zm9vymfy' }]],
    [
      'base64offset alternatives joined by or under all',
      'A|base64offset|contains|all: [foobar, bazqux]',
      [{ A: Buffer.from('1foobar23bazqux!').toString('base64') }],
      [{ A: Buffer.from('1foobar23').toString('base64') }],
    ],
    ['utf16le is wide', 'A|utf16le|base64|contains: ab', [{ A: 'YQBiAA==' }], [{ A: 'AGEAYg==' }]],
    ['wide', 'A|wide|base64: äb', [{ A: Buffer.from('äb', 'utf16le').toString('base64') }], [{ A: 'äb' }]],
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
    ['lte', 'A|lte: 5', [{ A: 5 }], [{ A: 5.1 }]],
    ['gt', "A|gt: '5'", [{ A: 6 }], [{ A: 5 }]],
    ['gt of a time', "A|gt: '2026-01-01'", [{ A: '2026-01-01T00:00:01Z' }], [{ A: '2025-12-31T23:59:59Z' }]],
    ['gte|all joined by and', 'A|gte|all: [3, 5]', [{ A: 5 }], [{ A: 4 }]],
    ['neq of a number', 'A|neq: 5', [{ A: 4 }, {}], [{ A: 5 }, { A: '5' }]],
    ['neq of a list: none of it', 'A|neq: [x, y]', [{ A: 'z' }], [{ A: 'x' }, { A: ['z', 'y'] }]],
    ['contains|neq', 'A|contains|neq: x', [{ A: 'abc' }, {}], [{ A: 'axb' }]],
    ['fieldref|neq', 'A|fieldref|neq: B', [{ A: 'x', B: 'y' }, { B: 'x' }], [{ A: 'x', B: 'X' }]],
    ['re|neq', "A|re|neq: '^a'", [{ A: 'ba' }, {}], [{ A: 'ab' }]],
    ['exists|neq', 'A|exists|neq: true', [{}, { A: null }], [{ A: 1 }]],
    [
      'minute',
      'A|minute: 59',
      [{ A: '2026-01-02T03:59:00Z' }],
      [{ A: '2026-01-02T03:58:59Z' }, {}, { A: 'x' }],
    ],
    ['day', 'A|day: 2', [{ A: '2026-01-02T03:59:00Z' }], [{ A: '2026-01-03T00:00:00Z' }]],
    [
      'week of ISO 8601',
      'A|week: 53',
      [{ A: '2026-12-31T00:00:00Z' }, { A: '2027-01-03T00:00:00Z' }],
      [{ A: '2026-01-01T00:00:00Z' }, { A: '2027-01-04T00:00:00Z' }],
    ],
    ['year', 'A|year: 2026', [{ A: '2026-12-31T23:59:59Z' }], [{ A: '2027-01-01T00:00:00Z' }]],
    [
      'a time part compared',
      'A|hour|gte: 22',
      [{ A: '2026-01-02T22:00:00Z' }, { A: '2026-01-02T23:59:00Z' }],
      [{ A: '2026-01-02T21:59:59Z' }],
    ],
    ['hour', 'A|hour: 3', [{ A: '2026-01-02T03:59:00Z' }], [{ A: '2026-01-02T04:00:00Z' }]],
    ['month', 'A|month: 12', [{ A: '2026-12-31T23:59:00Z' }], [{ A: '2026-01-02T04:00:00Z' }]],
    [
      'cidr v4',
      'A|cidr: 10.0.0.0/8',
      [{ A: '10.1.2.3' }, { A: '::ffff:10.1.2.3' }],
      [{ A: '11.1.2.3' }, { A: 'x' }],
    ],
    [
      'cidr of a list',
      'A|cidr: [10.0.0.0/8, 192.168.1.1/32]',
      [{ A: '192.168.1.1' }],
      [{ A: '192.168.1.2' }],
    ],
    ['cidr|neq', 'A|cidr|neq: 10.0.0.0/8', [{ A: '11.1.2.3' }, {}], [{ A: '10.1.2.3' }]],
    ['cidr v6', "A|cidr: 'fd00::/8'", [{ A: 'fd12::1' }], [{ A: 'fe80::1' }, { A: '10.0.0.1' }]],
    ['fieldref', 'A|fieldref: B', [{ A: 'x', B: 'X' }], [{ A: 'x', B: 'y' }, { A: 'x' }]],
    ['fieldref|endswith', 'A|fieldref|endswith: B', [{ A: 'xy', B: 'Y' }], [{ A: 'yx', B: 'y' }]],
    ['fieldref|startswith', 'A|fieldref|startswith: B', [{ A: 'yx', B: 'Y' }], [{ A: 'xy', B: 'y' }]],
    ['fieldref|contains', 'A|fieldref|contains: B', [{ A: 'xyz', B: 'Y' }], [{ A: 'xz', B: 'y' }]],
    ['fieldref|cased', 'A|fieldref|cased: B', [{ A: 'x', B: 'x' }], [{ A: 'x', B: 'X' }]],
    [
      'fieldref to a nested list',
      'A|fieldref: b.c',
      [{ A: 'x', b: [{ c: 'y' }, { c: 'X' }] }],
      [{ A: 'x', b: { c: null } }],
    ],
    ['contains of a number', 'A|contains: 42', [{ A: 1420 }, { A: 'x42' }], [{ A: 43 }]],
    ['startswith|cased', 'A|startswith|cased: Ab', [{ A: 'Abc' }], [{ A: 'abc' }]],
    [
      'contains|all over a list: each by any element',
      'A|contains|all: [x, y]',
      [{ A: ['ax', 'by'] }],
      [{ A: ['ax'] }],
    ],
    ['a wildcard inside of contains', "A|contains: 'a*b'", [{ A: 'xa..bx' }], [{ A: 'xbax' }]],
    ['an escaped wildcard under contains', "A|contains: 'a\\*'", [{ A: 'xa*y' }], [{ A: 'xab' }]],
    ["'?' is exactly one character", "A: 'a?'", [{ A: 'ab' }, { A: 'a?' }], [{ A: 'a' }, { A: 'abc' }]],
    ["'\\\\' is one backslash", "A: 'a\\\\b'", [{ A: 'a\\b' }], [{ A: 'a\\\\b' }]],
    ["'\\\\\\\\' is two", "A: 'a\\\\\\\\b'", [{ A: 'a\\\\b' }], [{ A: 'a\\b' }]],
    ["'\\\\\\*' is a backslash and a star", "A: 'a\\\\\\*'", [{ A: 'a\\*' }], [{ A: 'a\\b' }, { A: 'a*' }]],
    ['a backslash at the end is itself', "A: 'c:\\'", [{ A: 'C:\\' }], [{ A: 'c:' }]],
    ['null in a list', 'A: [null, x]', [{}, { A: 'x' }, { A: null }], [{ A: 'y' }, { A: '' }]],
    ['null over a list of nulls', 'A: null', [{ A: [] }, { A: [null] }], [{ A: [null, 'x'] }]],
    ["'*' over a list", "A: '*'", [{ A: [null, ''] }], [{ A: [] }, { A: [null] }]],
    ['exists of an object', 'A|exists: true', [{ A: { b: 1 } }], [{ B: 1 }]],
    ['digits after a leading zero are a text', 'A|contains: 00000429', [{ A: 'x00000429' }], [{ A: '429' }]],
    ['a hexadecimal number', 'A: 0x17', [{ A: 23 }, { A: '23' }], [{ A: '0x17' }]],
    ['a decimal below one', 'A: 0.5', [{ A: 0.5 }], [{ A: 5 }]],
    ['a decimal', 'A: 1.5', [{ A: 1.5 }, { A: '1.50' }], [{ A: 1 }]],
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

  it('tries every modifier of the specification', () => {
    const written =
      'all startswith endswith contains exists cased neq windash re i m s base64 base64offset utf16le utf16be utf16 wide lt lte gt gte minute hour day week month year cidr expand fieldref';
    expect(written.split(' ').filter((name) => !MODIFIERS.includes(name))).toEqual([]);
    const tried = new Set(cases.flatMap(([, item]) => item.split(':')[0]?.split('|').slice(1) ?? []));
    // `expand` is tried with the pipelines, which fill it.
    expect(MODIFIERS.filter((name) => !tried.has(name))).toEqual(['expand']);
  });

  it('reads `%` without expand as itself', () => {
    expect(detects(one("A: '%x%'"), { A: '%x%' })).toBe(true);
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
    ['re flags before re', 'A|dotall|re: x', 'SIGMA_MODIFIER_ORDER', 8],
    ['a text modifier before re', 'A|contains|re: x', 'SIGMA_MODIFIER_ORDER', 8],
    ['a text modifier beside cidr', 'A|cidr|contains: 10.0.0.0/8', 'SIGMA_MODIFIER_ORDER', 8],
    ['base64 beside re', 'A|re|base64: x', 'SIGMA_MODIFIER_ORDER', 8],
    ['two comparisons', 'A|gt|lt: 5', 'SIGMA_MODIFIER_ORDER', 8],
    ['two parts of a time', 'A|hour|minute: 5', 'SIGMA_MODIFIER_ORDER', 8],
    ['cased beside a comparison', 'A|gt|cased: 5', 'SIGMA_MODIFIER_ORDER', 8],
    ['exists of a text', 'A|exists: maybe', 'SIGMA_VALUE', 8],
    ['exists for keywords', "'|exists': true", 'SIGMA_VALUE', 8],
    ['a comparison with words', 'A|gt: many', 'SIGMA_VALUE', 8],
    ['a minute beyond the hour', 'A|minute: 60', 'SIGMA_VALUE', 8],
    ['half an hour', 'A|hour: 1.5', 'SIGMA_VALUE', 8],
    ['a year compared', 'A|year|gte: 2026', 'SIGMA_VALUE', 8],
    ['a field reference with a wildcard', "A|fieldref: 'B*'", 'SIGMA_VALUE', 8],
    ['base64offset of one byte', 'A|base64offset|contains: x', 'SIGMA_VALUE', 8],
    ['contains of null', 'A|contains: null', 'SIGMA_VALUE', 8],
    ['contains of true', 'A|contains: true', 'SIGMA_VALUE', 8],
    ['an empty list', 'A: []', 'SIGMA_VALUE', 8],
    ['a mapping for a value', 'A: { B: 1 }', 'SIGMA_VALUE', 8],
    ['too many dashes', `A|windash: '${'-a '.repeat(6)}'`, 'SIGMA_VALUE', 8],
    ['a placeholder in a pattern that nothing fills', "A|re|expand: 'x%users%'", 'SIGMA_PLACEHOLDER', 8],
    ['a placeholder that nothing fills', "A|expand: '%users%'", 'SIGMA_PLACEHOLDER', 8],
    ['a placeholder with a hyphen in its name', "A|expand: 'x%DC-NAME%'", 'SIGMA_PLACEHOLDER', 8],
  ])('refuses %s with its line', (_title, item, code, line) => {
    const { refused } = compileText({ text: ruleText(one(item)) });
    expect(refused).toMatchObject([{ code, place: { file: 'test.yml', line } }]);
  });
});
