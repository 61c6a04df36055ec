import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SigmaEngine } from '../../../../detect/sigma/engine/engine.ts';
import { compileText } from '../compile-text.ts';

/** One rule an item, so that a difference shows which test of a value went wrong. */
const ITEMS = [
  "A: 'foo'",
  'A: 5',
  'A: true',
  'A: null',
  "A: ''",
  "A: '*'",
  "A|contains: 'ab'",
  "A|contains: 'abc'",
  "A|contains: 'a'",
  "A|contains: 'abcd'",
  "A|contains: 'abcdefgh'",
  "A|contains: 'ß'",
  "A|contains: 'é€'",
  "A|contains: 'K'",
  "A|contains: 'x/y'",
  'A|contains: \'say "hi"\'',
  "A|contains: 'c:\\w'",
  "A|startswith: 'fo'",
  "A|startswith: 'foobarbaz'",
  "A|endswith: 'ar'",
  "A|endswith: '\\cmd.exe'",
  "A|re: 'ab+c'",
  "A|cidr: '10.0.0.0/8'",
  'A|gt: 10',
  "a.b: 'foo'",
  "a.b|contains: 'abcdefghij'",
  "a.b.c: 'foo'",
  'a|exists: true',
  'a.b|exists: false',
  "B|contains: 'only long pieces'",
  "é: 'foo'",
];
const KEYWORDS = ["'mimikatz'", "'dir'", "'k'", '\'say "hi"\'', "'only long pieces'", "'über'", '7'];

function makeRules(): string {
  const rule = (detection: string, at: number, condition = 'sel'): string =>
    `title: Rule ${at}\nlogsource:\n  product: anything\nlevel: low\ndetection:\n${detection}\n  condition: ${condition}\n`;
  return [
    ...ITEMS.map((item, at) => rule(`  sel:\n    ${item}`, at)),
    ...KEYWORDS.map((word, at) => rule(`  sel:\n    - ${word}`, 100 + at)),
    ...KEYWORDS.map((word, at) =>
      rule(`  sel:\n    A: foo\n  kw:\n    - ${word}`, 200 + at, 'sel and not kw'),
    ),
  ].join('---\n');
}

const { engine, refused } = compileText({ text: makeRules() });

/** What each line matches by the scanner, and by its object: the rules' titles, or that the line is refused. */
function matchBothWays(
  lines: readonly string[],
  by: SigmaEngine = engine,
): { found: unknown; expected: unknown } {
  const title = (index: number): string => (by.rules[index] as SigmaEngine['rules'][number]).info.name;
  const expected = lines.map((line) => {
    if (/^[ \t\r]*$/.test(line)) return 'blank';
    let event: unknown;
    try {
      event = JSON.parse(Buffer.from(line).toString('utf8'));
    } catch {
      return 'refused';
    }
    if (event === null || typeof event !== 'object' || Array.isArray(event)) return 'refused';
    return by.matchIndices(event).map(title);
  });
  const found: unknown[] = [];
  by.matchLines(Buffer.from(lines.join('\n')), (line) =>
    found.push(line === undefined ? 'blank' : line.fault === undefined ? line.matched.map(title) : 'refused'),
  );
  const beside = (of: readonly unknown[]): unknown => of.map((one, at) => [lines[at], one]);
  return { found: beside(found), expected: beside(expected) };
}

const PIECES = [
  'foo',
  'FOO',
  'ab',
  'abc',
  'ABCD',
  'abcdefgh',
  'a',
  'é',
  '€',
  'É€',
  'ß',
  'K',
  '\u212a',
  'İ',
  'σ',
  'Σ',
  'x/y',
  '"',
  'say "hi"',
  '\\',
  'c:\\w',
  '\\cmd.exe',
  'foobarbaz',
  'ar',
  '\n',
  '\t',
  '\u0000',
  '\u0001',
  'mimikatz',
  'dir',
  'only long pieces',
  'only long ',
  'über',
  '7',
  '5',
  '10.1.2.3',
  '11',
  ' ',
  '😀',
  '\ud800',
];
const piece = fc.constantFrom(...PIECES);
const text = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''));
const number = fc.constantFrom(
  '5',
  '5.0',
  '5e0',
  '-0',
  '0',
  '11',
  '1e400',
  '12345678901234567890',
  '-7',
  '0.5',
);
const key = fc.constantFrom(
  'A',
  'B',
  'a',
  'b',
  'c',
  'a.b',
  'a.b.c',
  'b.c',
  'é',
  'zzz',
  '__proto__',
  'a\\u0062',
);
const space = fc.constantFrom('', ' ', '\t', '\r');

/** Strings as JSON writes them, in one of the ways it may. */
const written = fc.tuple(text, fc.constantFrom('plain', 'points', 'slashes')).map(([value, how]) => {
  const json = JSON.stringify(value);
  if (how === 'slashes') return json.replaceAll('/', '\\/');
  if (how === 'plain') return json;
  return json.replaceAll(/[a-d]/g, (letter) => `\\u00${letter.charCodeAt(0).toString(16).toUpperCase()}`);
});
const { value: json } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    written,
    number,
    fc.constantFrom('true', 'false', 'null'),
    fc.array(tie('value'), { maxLength: 3 }).map((of) => `[${of.join(',')}]`),
    fc
      .array(fc.tuple(key, space, tie('value'), space), { maxLength: 4 })
      .map(
        (of) =>
          `{${of.map(([k, before, v, after]) => `${before}"${k}"${after}:${before}${v}${after}`).join(',')}}`,
      ),
  ),
}));
const object = fc
  .array(fc.tuple(key, json), { maxLength: 6 })
  .map((of) => `{${of.map(([k, v]) => `"${k}":${v}`).join(', ')}}`);

describe('lines of JSON', () => {
  it('have rules for all that is asked below', () => expect(refused).toEqual([]));

  it('match what their objects match, however they are written', () => {
    fc.assert(
      fc.property(fc.array(object, { minLength: 1, maxLength: 8 }), (lines) => {
        const { found, expected } = matchBothWays(lines);
        expect(found).toEqual(expected);
      }),
      { numRuns: 1_500 },
    );
  });

  it('are refused exactly when JSON.parse refuses them', () => {
    const broken = fc
      .tuple(object, fc.nat(), fc.constantFrom('', '"', '\\', '}', ',', '0', 'x', '\u0001', ' '))
      .map(([line, at, put]) => {
        const place = line.length === 0 ? 0 : at % line.length;
        return line.slice(0, place) + put + line.slice(place + 1);
      });
    fc.assert(
      fc.property(fc.array(broken, { minLength: 1, maxLength: 8 }), (lines) => {
        const { found, expected } = matchBothWays(lines.map((line) => line.replaceAll('\n', ' ')));
        expect(found).toEqual(expected);
      }),
      { numRuns: 1_500 },
    );
  });

  it('say the same of their origin, written in whatever lists', () => {
    const rules = (
      [
        'product: windows',
        'product: linux, category: process_creation',
        'product: macos, category: file_event',
        'product: kubernetes, service: audit',
        'product: linux, service: sshd',
        'category: antivirus',
        'category: webserver',
      ] as const
    ).map(
      (logsource, at) =>
        `title: Rule ${at}\nlogsource: { ${logsource} }\nlevel: low\ndetection:\n  sel:\n    A: foo\n  condition: sel\n`,
    );
    const routed = compileText({ text: rules.join('---\n'), raw: false });
    const word = fc.constantFrom(
      '"process"',
      '"file"',
      '"malware"',
      '1',
      '""',
      'null',
      'true',
      '{"x":1}',
      '["file"]',
    );
    const list = fc.oneof(
      word,
      fc.array(word, { maxLength: 3 }).map((of) => `[${of.join(',')}]`),
    );
    const dataset = fc.constantFrom(
      'endpoint.events.process',
      'kubernetes.audit',
      'syslog.auth',
      'made.up',
      'nginx.access',
    );
    const event = fc
      .tuple(dataset, list, fc.constantFrom('linux', 'macos', ''), list, fc.boolean())
      .map(([name, category, os, program, dotted]) =>
        dotted
          ? `{"A":"foo","event.dataset":["${name}"],"event":{"category":${category}},"host.os.type":"${os}","process":[{},{"name":${program}}]}`
          : `{"A":"foo","event":{"dataset":"${name}","category":${category}},"host":{"os":{"type":"${os}"}},"process":{"name":${program}}}`,
      );
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 6 }), (lines) => {
        const { found, expected } = matchBothWays(lines, routed.engine);
        expect(found).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['nothing', ['']],
    ['blank lines between and behind', ['{"A":"foo"}', '', ' \t\r', '{"A":"foo"}', '']],
    ['what is no object', ['[]', '1', '"x"', 'null', '{', '{}', '{"A":1}x']],
    [
      'numbers that JSON does not know',
      ['{"A":01}', '{"A":1.}', '{"A":.5}', '{"A":+1}', '{"A":-}', '{"A":1e}', '{"A":NaN}'],
    ],
    ['a key twice around the same field by another way', ['{"a.b":"","a":{"b":[]},"a.b":null}']],
    [
      'a key twice',
      [
        '{"A":"foo","A":"abc"}',
        '{"A":"abc","A":"foo"}',
        '{"zzz":"dir","zzz":"x"}',
        '{"zzz":"x","zzz":"dir"}',
      ],
    ],
    [
      'nesting to any depth',
      [`${'{"a":'.repeat(70)}1${'}'.repeat(70)}`, `{"A":${'['.repeat(5_000)}${']'.repeat(5_000)}}`],
    ],
    ['a value of a megabyte and more', [JSON.stringify({ A: 'x'.repeat(2_000_000) }), '{"A":"foo"}']],
    [
      'a long value with a match at its end',
      [
        JSON.stringify({ A: `${'x'.repeat(5_000)}abcdefgh` }),
        JSON.stringify({ B: `${'\\'.repeat(5_000)}only long pieces` }),
      ],
    ],
    ['a mark of byte order', ['\ufeff{"A":"foo"}']],
  ])('hold %s', (_, lines) => {
    const { found, expected } = matchBothWays(lines);
    expect(found).toEqual(expected);
  });

  it('are reshaped before they are asked, also by a rule that names the shape', () => {
    const rule = `title: Named\nlogsource: { product: anything }\nlevel: low\ndetection:\n  flat:\n    A: foo\n  deep:\n    Event.EventData.A: foo\n  condition: flat or deep\n`;
    const named = compileText({ text: rule }).engine;
    const matched: number[] = [];
    const lines = [
      '{"Event":{"System":{"EventID":1},"EventData":{"A":"foo"}}}',
      '{"Event":{"EventData":{"A":"foo"}}}',
      '{"A":"foo"}',
      '{"A":"bar"}',
    ];
    named.matchLines(Buffer.from(lines.join('\n')), (line) => matched.push(line?.matched.length ?? 0));
    const flatOnly = compileText({ text: rule.replace('flat or deep', 'deep and not flat') }).engine;
    const deep: number[] = [];
    flatOnly.matchLines(Buffer.from(lines.join('\n')), (line) => deep.push(line?.matched.length ?? 0));
    expect(matched).toEqual([1, 1, 1, 0]);
    // flattenRaw takes `Event` away where it holds `System`, so that only the second still has the deep field.
    expect(deep).toEqual([0, 1, 0, 0]);
  });

  it('match the same when values were forgotten, and after very many', () => {
    const lines = Array.from({ length: 60_000 }, (_, at) =>
      JSON.stringify({ A: `value ${at} abc`, B: `${at}` }),
    );
    const { found, expected } = matchBothWays([...lines, '{"A":"foo"}', ...lines.slice(0, 100)]);
    expect(found).toEqual(expected);
  });

  it('read bytes that are no UTF-8 as their text', () => {
    const bytes = Buffer.concat([
      Buffer.from('{"A":"foo'),
      Buffer.from([0xff, 0xc3]),
      Buffer.from('","B":"x"}'),
    ]);
    const expected = engine.matchIndices(JSON.parse(bytes.toString('utf8')) as object);
    const found: (readonly number[])[] = [];
    engine.matchLines(bytes, (line) => found.push(line?.matched ?? []));
    expect(found).toEqual([expected]);
  });
});
