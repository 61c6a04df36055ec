// Makes events that a rule nearly matches: its own values, changed a little, placed the ways that sources place them.
import type { DetectionItem, DetectionNode, SigmaValue } from '../../../detect/sigma/rule.ts';
import type { SigmaText } from '../../../detect/sigma/sigma-text.ts';
import type { JsonObject } from '../../../platform/core/event.ts';
import type { ReadableRule } from './reference-engine.ts';

/** A number from 0 to below the bound; 0 is the plainest choice, so that a failing case shrinks towards it. */
export type Choose = (below: number) => number;

/** Choices from a list of numbers, then always the plainest. */
export function chooseFrom(numbers: readonly number[]): Choose {
  let next = 0;
  return (below) => (numbers[next++] ?? 0) % below;
}

/** Choices that look random and are the same for the same seed (mulberry32). */
export function chooseBySeed(seed: number): Choose {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

/** How far the event strays: `flat` keeps to one text or number a field, as a table's row holds them. */
export type Straying = 'flat' | 'any';

/**
 * An event with something for most fields that the rule asks about. Half of them stray nowhere, and what a rule
 * calls a filter is mostly left out: an event with a change in every field would match next to nothing.
 */
export function makeNearEvent(rule: ReadableRule, choose: Choose, straying: Straying = 'any'): JsonObject {
  const event: JsonObject = {};
  const calm = choose(2) === 0;
  for (const [name, selection] of rule.selections) {
    const left = choose(3) === 2;
    if (name.startsWith('filter') ? !left : left && !calm) continue;
    for (const item of itemsOf(selection)) {
      if (!calm && choose(10) === 9) continue;
      const values = item.linking === 'all' ? item.values : [pick(item.values, choose)];
      const texts = values.map((value) => sampleOf(value, choose, event, straying));
      const all = texts.every((text) => typeof text === 'string');
      const value = texts.length > 1 && all ? texts.join(pick(['', ' ', '\\'], choose)) : texts.at(-1);
      if (value === undefined) continue;
      const field = item.field ?? pick(['message', 'note'], choose);
      const style = straying === 'flat' ? 0 : choose(5);
      place(event, field, calm ? value : stray(value, choose, straying), style);
    }
  }
  return event;
}

function itemsOf(node: DetectionNode): DetectionItem[] {
  return node.kind === 'item' ? [node] : node.of.flatMap(itemsOf);
}

function pick<T>(from: readonly T[], choose: Choose): T {
  return from[choose(from.length)] as T;
}

/** Something that the value describes; undefined leaves the field out. */
function sampleOf(value: SigmaValue, choose: Choose, event: JsonObject, straying: Straying): unknown {
  switch (value.type) {
    case 'any':
      return sampleOf(pick(value.of, choose), choose, event, straying);
    case 'text':
      return writeText(value.text, choose);
    case 'number':
      return pick([value.value, String(value.value), value.value + 1, `${value.value}0`], choose);
    case 'boolean':
      return pick([value.value, String(value.value), !value.value, 'True'], choose);
    case 'null':
      return pick([undefined, null, ''], choose);
    case 'exists':
      return pick(straying === 'flat' ? ['x', undefined, null] : ['x', undefined, null, {}, []], choose);
    case 'regex':
      return writeRegex(value.pattern, choose);
    case 'cidr': {
      const [base = ''] = value.value.split('/');
      return pick([base, base.replace(/\d+$/, '7'), `9${base.slice(1)}`, base.toUpperCase()], choose);
    }
    case 'compare':
      if (typeof value.value === 'string')
        return pick([value.value, '2001-01-01', '2099-01-01T00:00:00Z'], choose);
      return pick([value.value, value.value + 1, value.value - 1, String(value.value)], choose);
    case 'time_part':
      return pick(
        [
          `2026-0${1 + choose(9)}-1${choose(9)}T0${choose(9)}:0${choose(9)}:00Z`,
          1_700_000_000_000,
          '2024-12-30T12:00:00Z',
        ],
        choose,
      );
    case 'field': {
      const text = pick(['a', 'aB', 'xa'], choose);
      place(event, value.other, text, 0);
      return pick([text, `${text}x`, `x${text}`, text.toUpperCase()], choose);
    }
  }
}

function writeText(text: SigmaText, choose: Choose): string {
  return text
    .map((part) => {
      if (typeof part === 'string') return part;
      if ('placeholder' in part) return 'x';
      return part.wild === '?' ? pick(['q', '\\', ''], choose) : pick(['', 'x', '\\a ', 'İK'], choose);
    })
    .join('');
}

/** A text near a pattern: what is left when its signs are taken out. */
function writeRegex(pattern: string, choose: Choose): string {
  const bare = pattern
    .replaceAll(/\\s[+*]?/g, ' ')
    .replaceAll(/\\d[+*]?|\[0-9\][+*]?/g, '7')
    .replaceAll(/\\w[+*]?|\[\^?[^\]]*\]/g, 'a')
    .replaceAll(/\{\d+(?:,\d*)?\}|(?<!\\)[()^$*+?|]|\?[:=!]/g, '')
    .replaceAll(/(?<!\\)\./g, 'x')
    .replaceAll(/\\(.)/g, '$1');
  return pick([bare, `x${bare}`, bare.toUpperCase(), `${bare}\n${bare}`], choose);
}

/** Signs whose case is more than one letter's: Kelvin for k, long s, dotted I, final sigma. */
const TWINS: readonly (readonly [RegExp, string])[] = [
  [/k/gi, '\u212a'],
  [/s/gi, 'ſ'],
  [/i/gi, 'İ'],
  [/ss/gi, 'ß'],
];

type Change<T> = (text: string) => T;

const FLAT_CHANGES: readonly Change<string>[] = [
  (text) => text,
  (text) => text.toUpperCase(),
  (text) => text.toLowerCase(),
  (text) => `x${text}`,
  (text) => `${text}x`,
  (text) => text.slice(0, -1),
  (text) => text.slice(1),
  (text) => text.replace(/[-/]/g, (dash) => (dash === '-' ? '/' : '-')),
  (text) => text.replace(/ /g, '  '),
  ...TWINS.map(
    ([letter, twin]): Change<string> =>
      (text) =>
        text.replace(letter, twin),
  ),
];

const CHANGES: readonly Change<unknown>[] = [
  ...FLAT_CHANGES,
  (text) => `${'a'.repeat(1_030)}${text}`,
  (text) => `${text}${'b\\'.repeat(2_100)}`,
  (text) => `😀${text}\ud83d`,
  (text) => [text],
  (text) => [null, 'x', [text]],
  (text) => [{ other: text }, text],
  (text) => ({ other: text }),
];

function stray(value: unknown, choose: Choose, straying: Straying): unknown {
  if (typeof value !== 'string') return straying === 'any' && choose(6) === 5 ? [value, value] : value;
  if (choose(2) === 0) return value;
  if (straying === 'any') return pick(CHANGES, choose)(value);
  // Databases keep UTF-8, which has no halves of a surrogate pair.
  return pick(FLAT_CHANGES, choose)(value).toWellFormed();
}

/** Sets a dotted field as one key, nested, in lists of objects, or split anywhere; what stands there is kept where it can be. */
function place(event: JsonObject, field: string, value: unknown, style: number): void {
  const keys = field.split('.');
  const [first = '', ...rest] = keys;
  if (style === 0 || rest.length === 0) {
    set(event, field, value);
    return;
  }
  const split = style === 4 ? [keys.slice(0, -1).join('.'), keys.at(-1) as string] : keys;
  let node = event;
  for (const key of split.slice(0, -1)) {
    const next: JsonObject = {};
    const there: unknown = Object.hasOwn(node, key) ? node[key] : undefined;
    if (style === 1 && there !== null && typeof there === 'object' && !Array.isArray(there)) {
      node = there as JsonObject;
      continue;
    }
    set(
      node,
      key,
      style === 2 ? [there ?? null, next] : style === 3 && key === first ? [[next], first] : next,
    );
    node = next;
  }
  set(node, split.at(-1) as string, value);
}

function set(node: JsonObject, key: string, value: unknown): void {
  Object.defineProperty(node, key, { value, enumerable: true, writable: true, configurable: true });
}
