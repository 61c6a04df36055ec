// Turns what a rule writes after `field|modifier` into values with their meaning (Sigma 2.1, Modifiers appendix).
import type { Place } from '../../platform/core/errors.ts';
import { parseNetwork } from '../../platform/core/network.ts';
import { sigmaError } from './problem.ts';
import type { SigmaValue } from './rule.ts';
import { checkRegex } from './safe-regex.ts';
import {
  joinText,
  markPlaceholders,
  openText,
  parseSigmaText,
  placeholdersOf,
  plainText,
  type SigmaText,
} from './sigma-text.ts';

const ENCODINGS = ['utf16', 'utf16le', 'utf16be', 'wide'] as const;
const TIME_PARTS = ['minute', 'hour', 'day', 'week', 'month', 'year'] as const;
const COMPARISONS = ['lt', 'lte', 'gt', 'gte'] as const;
const OPENINGS = ['contains', 'startswith', 'endswith'] as const;
const REGEX_FLAGS = new Set(['i', 'm', 's', 'ignorecase', 'multiline', 'dotall']);

/** Every modifier of Sigma 2.1. */
export const MODIFIERS: readonly string[] = [
  'all',
  'contains',
  'startswith',
  'endswith',
  'exists',
  'cased',
  'neq',
  'windash',
  're',
  'i',
  'm',
  's',
  'ignorecase',
  'multiline',
  'dotall',
  'base64',
  'base64offset',
  ...ENCODINGS,
  ...COMPARISONS,
  ...TIME_PARTS,
  'cidr',
  'expand',
  'fieldref',
];

/** What may stand beside a modifier that makes a value of its own kind; text modifiers go with one another. */
const COMPANIONS: Readonly<Record<string, readonly string[]>> = {
  exists: ['neq'],
  re: ['i', 'm', 's', 'ignorecase', 'multiline', 'dotall', 'all', 'neq', 'expand', 'cased', ...OPENINGS],
  cidr: ['all', 'neq', 'expand'],
  ...Object.fromEntries(COMPARISONS.map((name) => [name, ['all', 'neq', ...TIME_PARTS]])),
  ...Object.fromEntries(TIME_PARTS.map((name) => [name, ['all', 'neq', ...COMPARISONS]])),
  fieldref: ['all', 'neq', 'cased', ...OPENINGS],
};
/** The kinds that read the value as it is written: text modifiers before them would have changed it. */
const FIRST = ['re', 'cidr', 'exists'];

/** Bounds of the parts of a time; a year has none. */
const PART_BOUNDS: Readonly<Record<(typeof TIME_PARTS)[number], readonly [number, number] | undefined>> = {
  minute: [0, 59],
  hour: [0, 23],
  day: [1, 31],
  week: [1, 53],
  month: [1, 12],
  year: undefined,
};

/** More alternatives than this for one written value are refused: 5 dashes give 3,125. */
const MAX_ALTERNATIVES = 3_125;

/** A value on its way through the modifiers; `bytes` holds Latin-1 code units of an encoding. */
type Working =
  | { kind: 'text'; text: SigmaText }
  | { kind: 'bytes'; bytes: Buffer }
  | { kind: 'plain'; value: number | boolean | null };

/**
 * Applies the modifiers of one item to one written value.
 * @throws PicketError SIGMA_MODIFIER_UNKNOWN, SIGMA_MODIFIER_ORDER, SIGMA_VALUE, SIGMA_REGEX with the item's place
 */
export function applyModifiers(options: {
  written: unknown;
  modifiers: readonly string[];
  place: Place;
}): SigmaValue {
  const { written, modifiers, place } = options;
  checkModifiers(modifiers, place);
  const has = (modifier: string): boolean => modifiers.includes(modifier);
  const refuse = (message: string): never => {
    throw sigmaError('SIGMA_VALUE', message, place);
  };
  if (has('exists')) {
    if (typeof written === 'boolean') return { type: 'exists', value: written };
    if (written === 'true' || written === 'false') return { type: 'exists', value: written === 'true' };
    return refuse('`exists` takes true or false');
  }
  if (has('re')) return readRegex({ written, modifiers, place });
  if (has('cidr')) return readCidr(written, modifiers, place);
  const comparison = COMPARISONS.find(has);
  const part = TIME_PARTS.find(has);
  if (part) return readTimePart({ written, part, comparison, place });
  if (comparison) {
    if (typeof written === 'number') return { type: 'compare', with: comparison, value: written };
    if (typeof written === 'string' && written.trim() !== '' && Number.isFinite(Number(written))) {
      return { type: 'compare', with: comparison, value: Number(written) };
    }
    if (typeof written === 'string' && !Number.isNaN(Date.parse(written))) {
      return { type: 'compare', with: comparison, value: written };
    }
    return refuse(`\`${comparison}\` takes a number or an ISO 8601 time`);
  }
  const cased = has('cased') ? { cased: true } : {};
  if (has('fieldref')) {
    const other = typeof written === 'string' ? plainText(parseSigmaText(written)) : undefined;
    if (!other) return refuse('`fieldref` takes a field name');
    const opening = OPENINGS.filter(has);
    const mode = opening.length > 1 ? 'contains' : (opening[0] ?? 'equals');
    return { type: 'field', mode, other, ...cased };
  }
  return applyTextModifiers({ written, modifiers, place, cased: has('cased') });
}

/** Unknown modifiers, and those that do not go together or stand in an order without meaning. */
function checkModifiers(modifiers: readonly string[], place: Place): void {
  const refuse = (message: string): never => {
    throw sigmaError('SIGMA_MODIFIER_ORDER', message, place);
  };
  modifiers.forEach((modifier, at) => {
    if (!MODIFIERS.includes(modifier))
      throw sigmaError('SIGMA_MODIFIER_UNKNOWN', `unknown modifier \`${modifier}\``, place);
    if (REGEX_FLAGS.has(modifier) && !modifiers.slice(0, at).includes('re'))
      refuse(`\`${modifier}\` stands only after \`re\``);
    const companions = COMPANIONS[modifier];
    if (!companions) return;
    const stray = modifiers.find((other) => other !== modifier && !companions.includes(other));
    if (stray !== undefined) refuse(`\`${stray}\` does not go with \`${modifier}\``);
    const before = FIRST.includes(modifier)
      ? modifiers.slice(0, at).find((other) => other !== 'all' && other !== 'neq' && other !== modifier)
      : undefined;
    if (before !== undefined) refuse(`\`${modifier}\` must stand before \`${before}\``);
  });
  for (const kinds of [COMPARISONS, TIME_PARTS] as const) {
    const [one, other] = kinds.filter((kind) => modifiers.includes(kind));
    if (other !== undefined) refuse(`\`${other}\` does not go with \`${one}\``);
  }
}

/** With a comparison, each number of the part's range that holds becomes an alternative. */
function readTimePart(options: {
  written: unknown;
  part: (typeof TIME_PARTS)[number];
  comparison: (typeof COMPARISONS)[number] | undefined;
  place: Place;
}): SigmaValue {
  const { written, part, comparison, place } = options;
  const refuse = (message: string): never => {
    throw sigmaError('SIGMA_VALUE', message, place);
  };
  const value = typeof written === 'number' || typeof written === 'string' ? Number(written) : Number.NaN;
  if (!Number.isInteger(value) || written === '') return refuse(`\`${part}\` takes a whole number`);
  const bounds = PART_BOUNDS[part];
  if (bounds && (value < bounds[0] || value > bounds[1]))
    return refuse(`\`${part}\` takes a number from ${bounds[0]} to ${bounds[1]}`);
  if (comparison === undefined) return { type: 'time_part', part, value };
  if (!bounds) return refuse('a year is compared with a whole time: `field|gte: 2026-01-01`');
  const holds = {
    lt: (n: number) => n < value,
    lte: (n: number) => n <= value,
    gt: (n: number) => n > value,
    gte: (n: number) => n >= value,
  }[comparison];
  const of = Array.from({ length: bounds[1] - bounds[0] + 1 }, (_, at) => bounds[0] + at)
    .filter(holds)
    .map((number): SigmaValue => ({ type: 'time_part', part, value: number }));
  return { type: 'any', of };
}

function readRegex(options: { written: unknown; modifiers: readonly string[]; place: Place }): SigmaValue {
  const { written, modifiers, place } = options;
  if (typeof written !== 'string' && typeof written !== 'number') {
    throw sigmaError('SIGMA_VALUE', '`re` takes a pattern', place);
  }
  let flags = '';
  if (modifiers.some((m) => m === 'i' || m === 'ignorecase')) flags += 'i';
  if (modifiers.some((m) => m === 'm' || m === 'multiline')) flags += 'm';
  if (modifiers.some((m) => m === 's' || m === 'dotall')) flags += 's';
  const pattern = anchorPattern(String(written), modifiers);
  if (modifiers.includes('expand')) {
    const template = markPlaceholders([pattern]);
    if (placeholdersOf(template).length > 0) return { type: 'regex', pattern, flags, template };
  }
  const checked = checkRegex(pattern, flags);
  if ('refused' in checked) throw sigmaError('SIGMA_REGEX', checked.refused, place);
  return { type: 'regex', pattern: checked.pattern, flags: checked.flags };
}

/** A pattern is searched anywhere: `contains` says the same, `startswith` and `endswith` bind it to an end. */
function anchorPattern(pattern: string, modifiers: readonly string[]): string {
  const open = modifiers.includes('contains');
  const start = !open && modifiers.includes('startswith') && !modifiers.includes('endswith');
  const end = !open && modifiers.includes('endswith') && !modifiers.includes('startswith');
  const [, inline = '', rest = ''] = /^((?:\(\?[ims]+\))*)([\s\S]*)$/.exec(pattern) ?? [];
  if (start && !rest.startsWith('^')) return `${inline}^(?:${rest})`;
  if (end && !/(?<!\\)(?:\\\\)*\$$/.test(rest)) return `${inline}(?:${rest})$`;
  return pattern;
}

function readCidr(written: unknown, modifiers: readonly string[], place: Place): SigmaValue {
  if (typeof written === 'string' && modifiers.includes('expand') && written.includes('%')) {
    return { type: 'text', text: markPlaceholders(parseSigmaText(written)) };
  }
  if (typeof written !== 'string' || !parseNetwork(written)) {
    throw sigmaError('SIGMA_VALUE', `not an IPv4 or IPv6 network: ${String(written)}`, place);
  }
  return { type: 'cidr', value: written };
}

function applyTextModifiers(options: {
  written: unknown;
  modifiers: readonly string[];
  place: Place;
  cased: boolean;
}): SigmaValue {
  const { written, modifiers, place, cased } = options;
  let values: Working[] = [readWritten(written, place)];
  for (const modifier of modifiers) {
    values = values.flatMap((value) => applyOne(value, modifier, place));
    if (values.length > MAX_ALTERNATIVES) {
      throw sigmaError('SIGMA_VALUE', `one value stands for more than ${MAX_ALTERNATIVES} texts`, place);
    }
  }
  const of = values.map((value): SigmaValue => {
    if (value.kind === 'text') return { type: 'text', text: value.text, ...(cased ? { cased } : {}) };
    if (value.kind === 'bytes') {
      return { type: 'text', text: [value.bytes.toString('latin1')], ...(cased ? { cased } : {}) };
    }
    if (value.value === null) return { type: 'null' };
    if (typeof value.value === 'number') return { type: 'number', value: value.value };
    return { type: 'boolean', value: value.value };
  });
  return of.length === 1 ? (of[0] as SigmaValue) : { type: 'any', of };
}

function readWritten(written: unknown, place: Place): Working {
  if (typeof written === 'string') return { kind: 'text', text: parseSigmaText(written) };
  if (written === null || typeof written === 'boolean') return { kind: 'plain', value: written };
  if (typeof written === 'number') return { kind: 'plain', value: written };
  if (written instanceof Date) return { kind: 'text', text: [written.toISOString()] };
  throw sigmaError('SIGMA_VALUE', 'a value must be a text, number, true, false or null', place);
}

function applyOne(value: Working, modifier: string, place: Place): Working[] {
  switch (modifier) {
    case 'contains':
    case 'startswith':
    case 'endswith': {
      const ends = { before: modifier !== 'startswith', after: modifier !== 'endswith' };
      return [{ kind: 'text', text: openText(asText(value, modifier, place), ends) }];
    }
    case 'windash':
      return spreadDashes(asText(value, modifier, place), place).map((text) => ({ kind: 'text', text }));
    case 'expand':
      return value.kind === 'text' ? [{ kind: 'text', text: markPlaceholders(value.text) }] : [value];
    case 'base64':
      return [{ kind: 'text', text: [asBytes(value, modifier, place).toString('base64')] }];
    case 'base64offset':
      return encodeOffsets(asBytes(value, modifier, place), place).map((text) => ({
        kind: 'text',
        text: [text],
      }));
    case 'wide':
    case 'utf16le':
    case 'utf16be':
    case 'utf16': {
      const bytes = Buffer.from(asBytes(value, modifier, place).toString('utf8'), 'utf16le');
      if (modifier === 'utf16be') bytes.swap16();
      const marked = modifier === 'utf16' ? Buffer.concat([Buffer.from([0xff, 0xfe]), bytes]) : bytes;
      return [{ kind: 'bytes', bytes: marked }];
    }
    default:
      return [value];
  }
}

function asText(value: Working, modifier: string, place: Place): SigmaText {
  if (value.kind === 'text') return value.text;
  if (value.kind === 'bytes') return [value.bytes.toString('latin1')];
  if (typeof value.value === 'number') return [String(value.value)];
  throw sigmaError('SIGMA_VALUE', `\`${modifier}\` takes a text`, place);
}

function asBytes(value: Working, modifier: string, place: Place): Buffer {
  if (value.kind === 'bytes') return value.bytes;
  const plain = plainText(asText(value, modifier, place));
  if (plain === undefined) {
    throw sigmaError('SIGMA_VALUE', `\`${modifier}\` takes a text without wildcards`, place);
  }
  return Buffer.from(plain, 'utf8');
}

/** The three texts that base64 may make of bytes at an unknown offset, cut to what does not depend on neighbours. */
function encodeOffsets(bytes: Buffer, place: Place): string[] {
  if (bytes.length < 2) {
    throw sigmaError('SIGMA_VALUE', '`base64offset` takes two bytes or more: of less nothing stays', place);
  }
  const starts = [0, 2, 3];
  const ends = [0, 3, 2];
  return [0, 1, 2].map((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset, 0x20), bytes]).toString('base64');
    const cut = ends[(bytes.length + offset) % 3] ?? 0;
    return encoded.slice(starts[offset], cut === 0 ? undefined : -cut);
  });
}

const DASHES = ['-', '/', '\u2013', '\u2014', '\u2015'];

/** A dash or slash that begins a word: the letters of Unicode, as Python's `\B[-/]\b` counts them. */
const PARAMETER_DASH = /(?<![\p{L}\p{N}_])([-/\u2013\u2014\u2015])(?=[\p{L}\p{N}_])/u;

/** Each dash or slash that begins a parameter stands for any of `-`, `/`, en dash, em dash and horizontal bar. */
function spreadDashes(text: SigmaText, place: Place): SigmaText[] {
  let results: SigmaText[] = [[]];
  for (const part of text) {
    const pieces = typeof part === 'string' ? part.split(PARAMETER_DASH) : [part];
    pieces.forEach((piece, at) => {
      const alternatives: readonly SigmaText[] =
        typeof piece === 'string' && at % 2 === 1 ? DASHES.map((dash) => [dash]) : [[piece]];
      if (results.length * alternatives.length > MAX_ALTERNATIVES) {
        throw sigmaError('SIGMA_VALUE', `one value stands for more than ${MAX_ALTERNATIVES} texts`, place);
      }
      results = results.flatMap((result) => alternatives.map((alternative) => joinText(result, alternative)));
    });
  }
  return results;
}
