// Writes what is asked of one field into the scanner's memory: patterns, and the tables that find them.

import type { UnitTest } from '../field-trie.ts';
import { COMMON_PENALTY, listCommonGrams } from '../ordinary-values.ts';
import * as at from './layout.ts';
import type { ScanMemory } from './memory.ts';

/** The hash that the scanner itself uses. */
export type HashBytes = (start: number, length: number) => number;

interface Pattern {
  readonly kind: number;
  readonly text: string;
  readonly units: number[];
}

/** The bit that tells lower from upper case, in each of four bytes. */
export const FOLD = 0x20202020;
const commonPairs = listCommonGrams(2);
const commonGrams = countCommonGrams(0);
const foldedCommonGrams = countCommonGrams(FOLD);

/** Values that may hold a pattern with other characters are left to FieldMatcher. */
const FOREIGN = /\P{ASCII}/u;

/** A whole number as JSON and String() both write it. */
const WHOLE = /^-?(?:[1-9]\d{0,14}|0)$/;

/** @returns the matcher's address, 0 when no pattern is left, and its patterns' for `restart` */
export function writeMatcher(options: {
  memory: ScanMemory;
  hash: HashBytes;
  tests: readonly UnitTest[];
  /** Units that bring a rule to be looked at: they are listed first. */
  eager: Uint8Array;
}): { matcher: number; patterns: number[] } {
  const { memory, tests } = options;
  const { patterns, numbers, foreign } = gatherPatterns(tests);
  if (patterns.length === 0 && !numbers && !foreign) return { matcher: 0, patterns: [] };
  const matcher = memory.allocate(at.MATCHER_BYTES);
  const stride = strideOf(patterns.filter(({ kind }) => kind === at.KIND_CONTAINS).map(({ text }) => text));
  const placed = patterns.flatMap((pattern) =>
    Array.from({ length: pattern.kind === at.KIND_CONTAINS ? stride : 1 }, () => ({
      pattern,
      place: writePattern(memory, pattern, options.eager),
    })),
  );
  memory.store(matcher + at.MATCHER_STRIDE, stride);
  const of = (kind: number): Placed[] => placed.filter(({ pattern }) => pattern.kind === kind);
  const contained = of(at.KIND_CONTAINS);
  writeGrams({ memory, matcher, long: contained.filter(isLong), stride, mask: 0 });
  writePairs(memory, matcher, contained.filter(isShort));
  chain(
    memory,
    matcher + at.MATCHER_SINGLES,
    contained.filter(({ pattern }) => pattern.text.length === 1),
  );
  writeAnchors({
    memory,
    hash: options.hash,
    matcher,
    anchored: placed.filter(({ pattern }) => pattern.kind !== at.KIND_CONTAINS),
  });
  const whole = of(at.KIND_EXACT).length > 0;
  memory.store(matcher + at.MATCHER_FLAGS, (whole ? 1 : 0) | (numbers ? 2 : 0) | (foreign ? 4 : 0));
  return { matcher, patterns: placed.map(({ place }) => place) };
}

export interface Placed {
  readonly pattern: Pattern;
  readonly place: number;
}

function gatherPatterns(tests: readonly UnitTest[]): {
  patterns: Pattern[];
  numbers: boolean;
  foreign: boolean;
} {
  const found = new Map<string, Pattern>();
  let numbers = false;
  let foreign = false;
  const add = (kind: number, text: string, unit: number): void => {
    if (FOREIGN.test(text)) {
      foreign = true;
      return;
    }
    const key = `${kind}${text}`;
    const pattern = found.get(key);
    if (pattern === undefined) found.set(key, { kind, text, units: [unit] });
    else if (pattern.units.at(-1) !== unit) pattern.units.push(unit);
  };
  for (const { test, unit } of tests) {
    if (test.kind === 'exists') continue;
    if (test.kind === 'number') {
      numbers = true;
      const text = String(test.value);
      if (WHOLE.test(text)) add(at.KIND_EXACT, text, unit);
    } else add(KINDS[test.mode], test.value, unit);
  }
  return { patterns: [...found.values()], numbers, foreign };
}

const KINDS = {
  contains: at.KIND_CONTAINS,
  equals: at.KIND_EXACT,
  startswith: at.KIND_PREFIX,
  endswith: at.KIND_SUFFIX,
} as const;

/** The pattern, its text and its units lie together, so that looking at it touches little memory. */
export function writePattern(memory: ScanMemory, { kind, text, units }: Pattern, eager: Uint8Array): number {
  const textAt = at.PATTERN_BYTES;
  const unitsAt = (textAt + text.length + 3) & ~3;
  const place = memory.allocate(unitsAt + 8 + 4 * units.length);
  memory.put(place + textAt, text);
  putUnits({ memory, place: place + unitsAt, units, eager });
  memory.store(place + at.PATTERN_KIND, kind);
  memory.store(place + at.PATTERN_LENGTH, text.length);
  memory.store(place + at.PATTERN_TEXT, place + textAt);
  memory.store(place + at.PATTERN_UNITS, place + unitsAt);
  return place;
}

/** Writes a list of units: how many are eager, how many are not, the eager, the others. @returns its address */
export function writeUnits(memory: ScanMemory, units: readonly number[], eager: Uint8Array): number {
  const place = memory.allocate(8 + 4 * units.length);
  putUnits({ memory, place, units, eager });
  return place;
}

function putUnits(options: {
  memory: ScanMemory;
  place: number;
  units: readonly number[];
  eager: Uint8Array;
}): void {
  const { memory, place, units, eager } = options;
  const first = units.filter((unit) => eager[unit] === 1);
  const rest = units.filter((unit) => eager[unit] !== 1);
  memory.store(place, first.length);
  memory.store(place + 4, rest.length);
  [...first, ...rest].forEach((unit, index) => memory.store(place + 8 + index * 4, unit));
}

/**
 * Where all patterns are long, only every second to fourth place of a text is looked at: each pattern is then written
 * once for each remainder of its place, and filed under a gram that stands on a place looked at.
 */
function strideOf(texts: readonly string[]): number {
  const shortest = texts.reduce((least, { length }) => Math.min(least, length), 7);
  return Math.max(1, shortest - 3);
}

function isLong({ pattern }: Placed): boolean {
  return pattern.text.length >= 4;
}

function isShort({ pattern }: Placed): boolean {
  return pattern.text.length === 2 || pattern.text.length === 3;
}

/**
 * Files patterns of four bytes and more under their rarest gram. `mask`: bits that both sides set in each byte before
 * they compare grams. `long` holds each pattern `stride` times, to be filed for each remainder of a gram's place.
 */
export function writeGrams(options: {
  memory: ScanMemory;
  matcher: number;
  long: readonly Placed[];
  mask: number;
  stride: number;
}): void {
  const { memory, matcher, long, mask, stride } = options;
  if (long.length === 0) return;
  const counts = new Map<number, number>();
  for (const { pattern } of long) countGrams(counts, pattern.text, 1, mask);
  const bitCount = powerOfTwo(long.length * 16, 10, 17);
  const bits = memory.allocate(2 ** (bitCount - 3));
  const headCount = powerOfTwo(long.length * 2, 4, 17);
  const heads = memory.allocate(4 * 2 ** headCount);
  memory.store(matcher + at.MATCHER_GRAMS, bits);
  memory.store(matcher + at.MATCHER_GRAMS_SHIFT, 32 - bitCount);
  memory.store(matcher + at.MATCHER_HEADS, heads);
  memory.store(matcher + at.MATCHER_HEADS_SHIFT, 32 - headCount);
  for (const [index, placed] of long.entries()) {
    const { text } = placed.pattern;
    const { offset, gram } = rarestGram({ text, counts, mask, from: index % stride, stride });
    memory.store(placed.place + at.PATTERN_OFFSET, offset);
    const hash = Math.imul(gram, at.GOLDEN);
    setBit(memory, bits, hash >>> (32 - bitCount));
    chain(memory, heads + 4 * (hash >>> (32 - headCount)), [placed]);
  }
}

function setBit(memory: ScanMemory, bits: number, index: number): void {
  const place = bits + (index >>> 3);
  memory.bytes[place] = (memory.bytes[place] as number) | (1 << (index & 7));
}

function countCommonGrams(mask: number): Map<number, number> {
  const counts = new Map<number, number>();
  for (const gram of listCommonGrams(4)) countGrams(counts, gram, COMMON_PENALTY, mask);
  return counts;
}

function countGrams(counts: Map<number, number>, text: string, by: number, mask: number): void {
  for (let offset = 0; offset + 4 <= text.length; offset++) {
    const gram = gramAt(text, offset) | mask;
    counts.set(gram, (counts.get(gram) ?? 0) + by);
  }
}

/** The gram that fewest patterns share, among those that begin at `from`, `from + stride`, … */
function rarestGram(options: {
  text: string;
  counts: ReadonlyMap<number, number>;
  mask: number;
  from: number;
  stride: number;
}): { offset: number; gram: number } {
  const { text, counts, mask, from, stride } = options;
  const common = mask === 0 ? commonGrams : foldedCommonGrams;
  let best = { offset: from, gram: gramAt(text, from) | mask };
  let least = Number.POSITIVE_INFINITY;
  for (let offset = from; offset + 4 <= text.length; offset += stride) {
    const gram = gramAt(text, offset) | mask;
    const count = (counts.get(gram) ?? 0) + (common.get(gram) ?? 0);
    if (count < least) {
      least = count;
      best = { offset, gram };
    }
  }
  return best;
}

function gramAt(text: string, offset: number): number {
  return (
    text.charCodeAt(offset) |
    (text.charCodeAt(offset + 1) << 8) |
    (text.charCodeAt(offset + 2) << 16) |
    (text.charCodeAt(offset + 3) << 24)
  );
}

/** Files patterns of two and three bytes under a pair: that of three under its rarer one. */
function writePairs(memory: ScanMemory, matcher: number, short: readonly Placed[]): void {
  if (short.length === 0) return;
  const bits = memory.allocate(8_192);
  const heads = memory.allocate(4 * 1_024);
  memory.store(matcher + at.MATCHER_PAIRS, bits);
  memory.store(matcher + at.MATCHER_PAIR_HEADS, heads);
  for (const placed of short) {
    const { text } = placed.pattern;
    const offset = text.length === 3 && commonness(text.slice(1)) < commonness(text.slice(0, 2)) ? 1 : 0;
    const pair = text.charCodeAt(offset) | (text.charCodeAt(offset + 1) << 8);
    memory.store(placed.place + at.PATTERN_OFFSET, offset);
    setBit(memory, bits, pair);
    chain(memory, heads + 4 * (Math.imul(pair, at.GOLDEN) >>> 22), [placed]);
  }
}

function commonness(pair: string): number {
  return commonPairs.filter((common) => common === pair).length;
}

/** Whole texts, prefixes and suffixes, filed under a hash of their whole, first or last (up to eight) bytes. */
function writeAnchors(options: {
  memory: ScanMemory;
  hash: HashBytes;
  matcher: number;
  anchored: readonly Placed[];
}): void {
  const { memory, hash, matcher, anchored } = options;
  if (anchored.length === 0) return;
  const size = 2 ** powerOfTwo(anchored.length * 2, 3, 18);
  const table = memory.allocate(4 * size);
  memory.store(matcher + at.MATCHER_ANCHORS, table);
  memory.store(matcher + at.MATCHER_ANCHORS_MASK, size - 1);
  const bits = memory.allocate(at.ANCHOR_BITS / 8);
  memory.store(matcher + at.MATCHER_ANCHOR_BITS, bits);
  const lengths = { [at.KIND_PREFIX]: 0, [at.KIND_SUFFIX]: 0 };
  for (const placed of anchored) {
    const { kind, text } = placed.pattern;
    const filed = kind === at.KIND_EXACT ? text.length : Math.min(text.length, 8);
    const start =
      memory.load(placed.place + at.PATTERN_TEXT) + (kind === at.KIND_SUFFIX ? text.length - filed : 0);
    if (kind === at.KIND_PREFIX || kind === at.KIND_SUFFIX) lengths[kind] |= 1 << filed;
    const hashed = hash(start, filed) + Math.imul(kind, 0x3c6ef372);
    setBit(memory, bits, (hashed >>> 8) & (at.ANCHOR_BITS - 1));
    chain(memory, table + 4 * (hashed & (size - 1)), [placed]);
  }
  memory.store(matcher + at.MATCHER_PREFIX_LENGTHS, lengths[at.KIND_PREFIX]);
  memory.store(matcher + at.MATCHER_SUFFIX_LENGTHS, lengths[at.KIND_SUFFIX]);
}

/** Puts patterns before those that the word at `head` leads to. */
export function chain(memory: ScanMemory, head: number, placed: readonly Placed[]): void {
  for (const { place } of placed) {
    memory.store(place + at.PATTERN_NEXT, memory.load(head));
    memory.store(head, place);
  }
}

/** The exponent of the least power of two that is at least `wanted`, within bounds. */
export function powerOfTwo(wanted: number, least: number, most: number): number {
  let exponent = least;
  while (2 ** exponent < wanted && exponent < most) exponent++;
  return exponent;
}
