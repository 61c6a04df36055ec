// Turns a field and a KQL value into the leaf that asks for it.
import { allOf, anyOf, EVERYTHING, type Expression, equals, type Leaf } from '../expression/expression.ts';
import { parseAddress, parseNetwork } from '../network.ts';
import { type KqlToken, kqlError } from './tokenise-kql.ts';

export type Literal = Extract<KqlToken, { kind: 'literal' }>;

/** ECS fields that Elasticsearch analyses as text: their values match by words, not as a whole. */
const TEXT_FIELDS: ReadonlySet<string> = new Set([
  'message',
  'error.message',
  'event.original',
  'error.stack_trace',
]);

/**
 * The expression of a field (undefined or `*`: everywhere) and a literal of one or more unquoted words, one
 * quoted text, or one pattern. Several unquoted words: any of them, or the whole.
 * @throws PicketError KQL_SYNTAX
 */
export function compileValue(field: string | undefined, words: readonly Literal[]): Expression {
  const [first] = words as [Literal, ...Literal[]];
  if (words.length === 1) return compileOne(field, first);
  const whole = words.map((word) => word.text).join(' ');
  const parts = words.map((word) => compileOne(field, word));
  if (field === undefined || field === '*' || isTextField(field)) return anyOf(parts);
  return anyOf([...parts, equals(field, whole)]);
}

function isTextField(field: string): boolean {
  return TEXT_FIELDS.has(field) || field.endsWith('.text');
}

function compileOne(field: string | undefined, literal: Literal): Expression {
  const { text, pattern, quoted } = literal;
  if (field === undefined || field === '*') {
    if (pattern === undefined) return leaf('*', { kind: 'text', value: text });
    // Without a field a pattern is looked for inside values, as words of analysed text would be.
    return /^\*+$/.test(pattern)
      ? EVERYTHING
      : leaf('*', { kind: 'string', mode: 'wildcard', value: `*${pattern}*` });
  }
  if (pattern !== undefined) {
    const target = plainField(field);
    if (/^\*+$/.test(pattern)) return leaf(target, { kind: 'exists' });
    const value = isTextField(field) ? `*${pattern}*` : pattern;
    return leaf(target, { kind: 'string', mode: 'wildcard', value });
  }
  if (isTextField(field)) return leaf(plainField(field), { kind: 'text', value: text });
  const instant = field === '@timestamp' ? readInstant(text) : undefined;
  if (instant) {
    return allOf([
      leaf(field, { kind: 'compare', with: 'gte', value: instant.from }),
      leaf(field, { kind: 'compare', with: 'lt', value: instant.to }),
    ]);
  }
  if (text.includes('/') && parseNetwork(text)) return leaf(field, { kind: 'cidr', value: text });
  if (text.includes(':') && parseAddress(text)) return leaf(field, { kind: 'cidr', value: text });
  if (!quoted && (text === 'true' || text === 'false')) return equals(field, text === 'true');
  // `0042` is a name that looks like a number: only what reads back the same is one.
  if (!quoted && text !== '' && String(Number(text)) === text && Number.isFinite(Number(text))) {
    return equals(field, Number(text));
  }
  return equals(field, text);
}

const COMPARISONS = { '<': 'lt', '<=': 'lte', '>': 'gt', '>=': 'gte' } as const;

/** `field >= value`: a number, an ISO 8601 time or date math on `now`. @throws PicketError KQL_SYNTAX */
export function compileRange(options: {
  field: string;
  operator: keyof typeof COMPARISONS;
  value: Literal;
  now: number | undefined;
}): Leaf {
  const { field, operator, value, now } = options;
  const comparison = COMPARISONS[operator];
  const { text, column } = value;
  if (value.pattern !== undefined) throw kqlError('a range has no wildcards', column);
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) {
    return leaf(field, { kind: 'compare', with: comparison, value: Number(text) });
  }
  const math = /^now((?:[+-]\d{1,6}[smhdw])*)$/.exec(text);
  if (math) {
    if (now === undefined) throw kqlError('`now` means nothing here: give a time', column);
    const time = shift(now, math[1] as string);
    return leaf(field, { kind: 'compare', with: comparison, value: new Date(time).toISOString() });
  }
  const instant = readInstant(text);
  if (!instant) throw kqlError(`neither a number nor an ISO 8601 time: ${text.slice(0, 60)}`, column);
  // A date stands for all of it: above it begins where it ends, up to it includes it.
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  if (isDay && comparison === 'gt') return leaf(field, { kind: 'compare', with: 'gte', value: instant.to });
  if (isDay && comparison === 'lte') return leaf(field, { kind: 'compare', with: 'lt', value: instant.to });
  return leaf(field, { kind: 'compare', with: comparison, value: instant.from });
}

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

function shift(now: number, steps: string): number {
  let time = now;
  for (const [, sign, amount, unit] of steps.matchAll(/([+-])(\d+)([smhdw])/g)) {
    time += (sign === '-' ? -1 : 1) * Number(amount) * (UNIT_MS[unit as string] as number);
  }
  return Math.max(-8.64e15, Math.min(8.64e15, time));
}

/** What a date (a whole UTC day) or a time (one millisecond) covers, as ISO texts, `to` exclusive. */
function readInstant(text: string): { from: string; to: string } | undefined {
  if (!/^\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:?\d{2})?)?$/.test(text)) return undefined;
  const day = text.length === 10;
  const zoned = day || /(?:Z|[+-]\d{2}:?\d{2})$/.test(text) ? text : `${text}Z`;
  const from = Date.parse(zoned);
  if (Number.isNaN(from)) return undefined;
  return { from: new Date(from).toISOString(), to: new Date(from + (day ? 86_400_000 : 1)).toISOString() };
}

/** `process.command_line.text` is Elastic's analysed twin of `process.command_line`. */
function plainField(field: string): string {
  return field.endsWith('.text') ? field.slice(0, -'.text'.length) : field;
}

function leaf(field: string, test: Leaf['test']): Leaf {
  return { op: 'leaf', field, test };
}
