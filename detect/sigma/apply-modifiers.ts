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
  plainText,
  type SigmaText,
} from './sigma-text.ts';

const ENCODINGS = ['utf16', 'utf16le', 'utf16be', 'wide'] as const;
const TIME_PARTS = ['minute', 'hour', 'day', 'week', 'month', 'year'] as const;
const COMPARISONS = ['lt', 'lte', 'gt', 'gte'] as const;

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
  for (const modifier of modifiers) {
    if (!MODIFIERS.includes(modifier)) {
      throw sigmaError('SIGMA_MODIFIER_UNKNOWN', `unknown modifier \`${modifier}\``, place);
    }
  }
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
  for (const modifier of ['i', 'm', 's']) {
    if (has(modifier)) {
      throw sigmaError('SIGMA_MODIFIER_ORDER', `\`${modifier}\` stands only after \`re\``, place);
    }
  }
  if (has('cidr')) return readCidr(written, modifiers, place);
  const comparison = COMPARISONS.find(has);
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
  const part = TIME_PARTS.find(has);
  if (part) {
    const value = Number(written);
    if (!Number.isInteger(value)) return refuse(`\`${part}\` takes a whole number`);
    return { type: 'time_part', part, value };
  }
  const cased = has('cased') ? { cased: true } : {};
  if (has('fieldref')) {
    if (typeof written !== 'string' || written === '') return refuse('`fieldref` takes a field name');
    const mode = (['startswith', 'endswith', 'contains'] as const).find(has) ?? 'equals';
    return { type: 'field', mode, other: written, ...cased };
  }
  return applyTextModifiers({ written, modifiers, place, cased: has('cased') });
}

function readRegex(options: { written: unknown; modifiers: readonly string[]; place: Place }): SigmaValue {
  const { written, modifiers, place } = options;
  if (typeof written !== 'string' && typeof written !== 'number') {
    throw sigmaError('SIGMA_VALUE', '`re` takes a pattern', place);
  }
  const stray = modifiers.find(
    (m) => !/^(?:re|i|m|s|ignorecase|multiline|dotall|all|neq|expand|cased)$/.test(m),
  );
  if (stray) throw sigmaError('SIGMA_MODIFIER_ORDER', `\`${stray}\` does not go with \`re\``, place);
  let flags = '';
  if (modifiers.some((m) => m === 'i' || m === 'ignorecase')) flags += 'i';
  if (modifiers.some((m) => m === 'm' || m === 'multiline')) flags += 'm';
  if (modifiers.some((m) => m === 's' || m === 'dotall')) flags += 's';
  const checked = checkRegex(String(written), flags);
  if ('refused' in checked) throw sigmaError('SIGMA_REGEX', checked.refused, place);
  return { type: 'regex', pattern: checked.pattern, flags: checked.flags };
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
      return encodeOffsets(asBytes(value, modifier, place)).map((text) => ({ kind: 'text', text: [text] }));
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
function encodeOffsets(bytes: Buffer): string[] {
  const starts = [0, 2, 3];
  const ends = [0, 3, 2];
  return [0, 1, 2].map((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset, 0x20), bytes]).toString('base64');
    const cut = ends[(bytes.length + offset) % 3] ?? 0;
    return encoded.slice(starts[offset], cut === 0 ? undefined : -cut);
  });
}

const DASHES = ['-', '/', '\u2013', '\u2014', '\u2015'];

/** Each dash or slash that begins a parameter stands for any of `-`, `/`, en dash, em dash and horizontal bar. */
function spreadDashes(text: SigmaText, place: Place): SigmaText[] {
  let results: SigmaText[] = [[]];
  for (const part of text) {
    const pieces = typeof part === 'string' ? part.split(/(\B[-/]\b)/) : [part];
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
