// Random Sigma rules for property tests: every modifier, nested selections, all forms of conditions, values that are hard to compare.
import * as fc from 'fast-check';

/** A rule as its YAML says it; JSON is YAML, so it is written by JSON.stringify. */
export interface RandomRule {
  readonly detection: Readonly<Record<string, unknown>>;
}

/** Fields that hide each other in nested objects and dotted keys, and names that objects have of their own. */
const FIELDS = ['A', 'B', 'c', 'c.d', 'c.d.e', '__proto__', 'c.__proto__', 'constructor', 'Ünï', 'a b'];
const field = fc.constantFrom(...FIELDS);

const PIECES = [
  'a',
  'B',
  'ab',
  'evil',
  '.exe',
  '\\',
  '\\\\',
  '/',
  ' ',
  ' -e ',
  '-',
  '1',
  '7',
  '*',
  '?',
  '\\*',
  '\\?',
  '\\\\*',
  'k',
  'K',
  '\u212a',
  's',
  'ſ',
  'ß',
  'SS',
  'i',
  'I',
  'İ',
  'ı',
  'Σ',
  'σ',
  'ς',
  'é',
  'e\u0301',
  'Å',
  'å',
  'ﬀ',
  '😀',
  '\ud83d',
  'powershell',
  'C:\\Windows\\System32\\',
  '%',
  '_',
  '[',
  '\n',
];
const text = fc
  .array(fc.constantFrom(...PIECES), { minLength: 0, maxLength: 5 })
  .map((pieces) => pieces.join(''));
const plain = text.map((one) => one.replace(/[*?]/g, '').replace(/\\+$/, '') || 'evil');
const long = fc.constantFrom('x', 'ab', 'K').map((unit) => `${unit.repeat(1_100)}end`);
const scalar = fc.oneof(
  { weight: 8, arbitrary: text },
  { weight: 1, arbitrary: long },
  { weight: 2, arbitrary: fc.constantFrom<unknown>(0, 1, 7, -1, 1.5, 1e21, '7', '07', '1.0', '1e0') },
  { weight: 1, arbitrary: fc.constantFrom<unknown>(true, false, 'true', null, '', '*', '**', '?') },
);

const listOf = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | T[]> =>
  fc.oneof(one, fc.array(one, { minLength: 1, maxLength: 4 }));
const entry = <T>(modifiers: readonly string[], values: fc.Arbitrary<T>) =>
  fc.tuple(
    fc.tuple(field, fc.constantFrom(...modifiers)).map((parts) => parts.join('')),
    values,
  );

const REGEXES = [
  'a+b',
  '^a',
  'b$',
  '[ab]{2}',
  'a.*abc',
  '(?i)evil',
  'evil\\.exe$',
  '(a|b)+c',
  '^(?!x).*evil',
  // Nested, but bounded: the reference runs it with the language's own engine, which `(a+)+7` can stall for hours.
  '(a+){1,2}7',
  'a\\\\b',
  '\\s-e\\s',
  '[^a]evil',
  'e(?=v)',
  '(.)\\1',
  '^.?$',
  'é|ß',
  'K',
];
const NETWORKS = [
  '10.0.0.0/8',
  '192.168.1.1',
  '10.1.2.3/32',
  'fd00::/8',
  '::1',
  '0.0.0.0/0',
  '::ffff:10.0.0.0/104',
];

const item = fc.oneof(
  { weight: 6, arbitrary: entry(['', '|contains', '|startswith', '|endswith'], listOf(scalar)) },
  {
    weight: 2,
    arbitrary: entry(
      ['|cased', '|contains|cased', '|startswith|cased', '|neq', '|contains|neq'],
      listOf(text),
    ),
  },
  { weight: 2, arbitrary: entry(['|all', '|contains|all', '|cased|contains|all', '|neq|all'], listOf(text)) },
  {
    weight: 2,
    arbitrary: entry(
      ['|windash', '|contains|windash', '|startswith|windash|all', '|windash|cased'],
      listOf(text),
    ),
  },
  {
    weight: 2,
    arbitrary: entry(
      [
        '|base64',
        '|base64|contains',
        '|base64offset|contains',
        '|wide|base64offset|contains',
        '|utf16be|base64|contains',
        '|utf16|base64',
        '|wide',
      ],
      listOf(plain),
    ),
  },
  {
    weight: 2,
    arbitrary: entry(['|re', '|re|i', '|re|m|s', '|re|all', '|re|neq'], listOf(fc.constantFrom(...REGEXES))),
  },
  { weight: 1, arbitrary: entry(['|cidr', '|cidr|neq'], listOf(fc.constantFrom(...NETWORKS))) },
  { weight: 1, arbitrary: entry(['|exists'], fc.boolean()) },
  {
    weight: 1,
    arbitrary: entry(
      ['|lt', '|lte', '|gt', '|gte', '|gt|neq'],
      fc.constantFrom<unknown>(0, 7, '7', -1, 1.5, '2026-01-02T00:00:00Z'),
    ),
  },
  {
    weight: 1,
    arbitrary: entry(
      ['|minute', '|hour', '|day', '|week', '|month', '|year'],
      fc.integer({ min: 0, max: 12 }),
    ),
  },
  {
    weight: 2,
    arbitrary: entry(
      [
        '|fieldref',
        '|fieldref|contains',
        '|fieldref|startswith',
        '|fieldref|endswith',
        '|fieldref|cased',
        '|fieldref|neq',
      ],
      listOf(field),
    ),
  },
);

const mapping = fc.array(item, { minLength: 1, maxLength: 3 }).map((items) => ({ pairs: items }));
const keywords = fc.oneof(
  fc.array(fc.oneof(text, fc.constantFrom<unknown>(1, 7, 'true', true)), { minLength: 1, maxLength: 3 }),
  fc
    .tuple(
      fc.constantFrom('|all', '|contains', '|cased', '|re', '|startswith'),
      fc.array(plain, { minLength: 1, maxLength: 2 }),
    )
    .filter(([modifier, values]) => modifier !== '|re' || values.every((one) => /^[\w .]+$/.test(one)))
    .map(([key, values]) => ({ pairs: [[key, values]] })),
);
const selection = fc.oneof(
  { weight: 4, arbitrary: mapping },
  { weight: 2, arbitrary: fc.array(mapping, { minLength: 1, maxLength: 3 }) },
  {
    weight: 1,
    arbitrary: fc.array(fc.oneof(mapping, text, fc.array(mapping, { minLength: 1, maxLength: 2 })), {
      minLength: 1,
      maxLength: 3,
    }),
  },
  { weight: 1, arbitrary: keywords },
);

const CONDITIONS: readonly (string | string[])[] = [
  's0',
  's0 and s1',
  's0 or not s1',
  'not s0',
  '1 of s*',
  'all of them',
  'any of them',
  's1 and not (s0 or _s2)',
  'not 1 of s?',
  'not all of s*',
  '1 of _s*',
  '(s0 or s1) and not _s2',
  'not (not s0 and not s1)',
  ['s0', 's1 and _s2'],
  'NOT s0 AND s1',
];

/** Rules with three selections: `s0`, `s1` and `_s2`. */
export const randomRule: fc.Arbitrary<RandomRule> = fc
  .tuple(selection, selection, selection, fc.constantFrom(...CONDITIONS))
  .map(([s0, s1, s2, condition]) => ({
    detection: { s0: asMapping(s0), s1: asMapping(s1), _s2: asMapping(s2), condition },
  }));

/** Mappings were kept as pairs: an object literal would take `__proto__` for its prototype. */
function asMapping(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(asMapping);
  if (node === null || typeof node !== 'object') return node;
  const object: Record<string, unknown> = {};
  for (const [key, value] of (node as { pairs: [string, unknown][] }).pairs)
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true });
  return object;
}
