// Compiles an Expression to a predicate: the one meaning that every engine is checked against.
import { PicketError } from '../errors.ts';
import { readField, splitField } from '../fields.ts';
import { parseNetwork } from '../network.ts';
import { containsPhrase, foldCase, tokenise } from '../text.ts';
import type { Comparison, Expression, Leaf, StringMode, Test } from './expression.ts';

/** True or false for one document (a parsed JSON object). Never throws, whatever the document holds. */
export type Predicate = (document: unknown) => boolean;

type ValueTest = (value: unknown, document: unknown) => boolean;

/**
 * Compiles once, to be called many times.
 * @throws PicketError EXPRESSION_INVALID for a regular expression, network or number that cannot be read.
 */
export function compileExpression(expression: Expression): Predicate {
  switch (expression.op) {
    case 'constant': {
      const { value } = expression;
      return () => value;
    }
    case 'not': {
      const inner = compileExpression(expression.of);
      return (document) => !inner(document);
    }
    case 'and': {
      const parts = expression.of.map(compileExpression);
      return (document) => parts.every((part) => part(document));
    }
    case 'or': {
      const parts = expression.of.map(compileExpression);
      return (document) => parts.some((part) => part(document));
    }
    case 'leaf':
      return compileLeaf(expression);
  }
}

function compileLeaf({ field, test }: Leaf): Predicate {
  if (field === '*') {
    const passes = compileTest(test);
    return (document) => someScalar(document, (value) => passes(value, document), 0);
  }
  const path = splitField(field);
  if (test.kind === 'exists') return (document) => readField(document, path).some((value) => value !== null);
  if (test.kind === 'null') return (document) => readField(document, path).every((value) => value === null);
  const passes = compileTest(test);
  return (document) => readField(document, path).some((value) => passes(value, document));
}

/** The deepest nesting that `*` looks into. */
const MAX_SCALAR_DEPTH = 64;

/** True when any scalar in the document passes; objects and arrays are walked to a bounded depth. */
function someScalar(node: unknown, passes: (value: unknown) => boolean, depth: number): boolean {
  if (node === null || node === undefined || depth > MAX_SCALAR_DEPTH) return false;
  if (typeof node !== 'object') return passes(node);
  for (const child of Array.isArray(node) ? node : Object.values(node)) {
    if (someScalar(child, passes, depth + 1)) return true;
  }
  return false;
}

/** Compiles what is asked of one value. @throws PicketError EXPRESSION_INVALID */
export function compileTest(test: Test): ValueTest {
  switch (test.kind) {
    case 'string': {
      const matches = compileStringTest(test.mode, test.value, test.cased === true);
      return (value) => {
        const text = scalarText(value);
        return text !== undefined && matches(text);
      };
    }
    case 'number':
      return (value) => toNumber(value) === test.value;
    case 'compare':
      return compileComparison(test.with, test.value);
    case 'boolean': {
      const text = String(test.value);
      return (value) => value === test.value || (typeof value === 'string' && value.toLowerCase() === text);
    }
    case 'regex': {
      const regex = compileRegex(test.pattern, test.flags ?? '');
      return (value) => {
        const text = scalarText(value);
        return text !== undefined && regex.test(text);
      };
    }
    case 'cidr': {
      const contains = parseNetwork(test.value);
      if (!contains) throw invalid(`not an IPv4 or IPv6 network: ${test.value}`);
      return (value) => typeof value === 'string' && contains(value);
    }
    case 'exists':
      return (value) => value !== null;
    case 'null':
      return (value) => value === null;
    case 'field': {
      const other = splitField(test.other);
      const cased = test.cased === true;
      return (value, document) => {
        const text = scalarText(value);
        if (text === undefined) return false;
        return readField(document, other).some((candidate) => {
          const against = scalarText(candidate);
          return against !== undefined && compareText(test.mode, fold(text, cased), fold(against, cased));
        });
      };
    }
    case 'time_part':
      return (value) => timePart(value, test.part) === test.value;
    case 'text': {
      const phrase = tokenise(test.value);
      return (value) => {
        const text = scalarText(value);
        return text !== undefined && containsPhrase(text, phrase);
      };
    }
  }
}

/** The text of a scalar as rules compare it; undefined for null, objects and arrays. */
export function scalarText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return undefined;
}

function fold(text: string, cased: boolean): string {
  return cased ? text : foldCase(text);
}

function compareText(mode: Exclude<StringMode, 'wildcard'>, text: string, value: string): boolean {
  switch (mode) {
    case 'equals':
      return text === value;
    case 'startswith':
      return text.startsWith(value);
    case 'endswith':
      return text.endsWith(value);
    case 'contains':
      return text.includes(value);
  }
}

/** Compiles a string comparison; wildcard patterns run in linear space and polynomial time, never as a regular expression. */
export function compileStringTest(
  mode: StringMode,
  value: string,
  cased: boolean,
): (text: string) => boolean {
  const wanted = fold(value, cased);
  if (mode !== 'wildcard') return (text) => compareText(mode, fold(text, cased), wanted);
  const pieces = parseWildcard(wanted);
  return (text) => matchWildcard(fold(text, cased), pieces);
}

/** One piece of a wildcard pattern: a literal character, any one (`?`) or any run (`*`). */
type WildcardPiece = string | typeof ANY_ONE | typeof ANY_RUN;
const ANY_ONE = Symbol('?');
const ANY_RUN = Symbol('*');

function parseWildcard(pattern: string): WildcardPiece[] {
  const pieces: WildcardPiece[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] as string;
    const next = pattern[at + 1];
    if (character === '\\' && (next === '*' || next === '?' || next === '\\')) {
      pieces.push(next);
      at++;
    } else if (character === '*') {
      if (pieces.at(-1) !== ANY_RUN) pieces.push(ANY_RUN);
    } else pieces.push(character === '?' ? ANY_ONE : character);
  }
  return pieces;
}

/** Greedy match with one point of return: O(text × pattern) at worst. */
function matchWildcard(text: string, pieces: readonly WildcardPiece[]): boolean {
  let at = 0;
  let piece = 0;
  let runPiece = -1;
  let runAt = 0;
  while (at < text.length) {
    const wanted = pieces[piece];
    if (wanted === ANY_RUN) {
      runPiece = piece++;
      runAt = at;
    } else if (wanted === ANY_ONE || wanted === text[at]) {
      piece++;
      at++;
    } else if (runPiece >= 0) {
      piece = runPiece + 1;
      at = ++runAt;
    } else return false;
  }
  while (pieces[piece] === ANY_RUN) piece++;
  return piece === pieces.length;
}

const DECIMAL = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*$/i;

/** A number, or the number that a decimal string is; undefined otherwise. */
export function toNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'string' && DECIMAL.test(value)) return Number(value);
  return undefined;
}

const ISO_START = /^\d{4}-\d{2}-\d{2}/;

function toInstant(value: unknown): number | undefined {
  if (typeof value !== 'string' || !ISO_START.test(value)) return undefined;
  const time = Date.parse(value);
  return Number.isNaN(time) ? undefined : time;
}

function compileComparison(comparison: Comparison, wanted: number | string): ValueTest {
  const read = typeof wanted === 'string' && toNumber(wanted) === undefined ? toInstant : toNumber;
  const bound = read(wanted);
  if (bound === undefined) throw invalid(`neither a number nor an ISO 8601 time: ${wanted}`);
  return (value) => {
    const number = read(value);
    if (number === undefined) return false;
    switch (comparison) {
      case 'lt':
        return number < bound;
      case 'lte':
        return number <= bound;
      case 'gt':
        return number > bound;
      case 'gte':
        return number >= bound;
    }
  };
}

function timePart(value: unknown, part: Extract<Test, { kind: 'time_part' }>['part']): number | undefined {
  const time = typeof value === 'number' ? value : toInstant(value);
  if (time === undefined) return undefined;
  const date = new Date(time);
  switch (part) {
    case 'minute':
      return date.getUTCMinutes();
    case 'hour':
      return date.getUTCHours();
    case 'day':
      return date.getUTCDate();
    case 'week':
      return isoWeek(date);
    case 'month':
      return date.getUTCMonth() + 1;
    case 'year':
      return date.getUTCFullYear();
  }
}

/** ISO 8601 week number: the week that holds the year's first Thursday is week 1. */
function isoWeek(date: Date): number {
  const day = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()));
  day.setUTCDate(day.getUTCDate() + 4 - (day.getUTCDay() || 7));
  return Math.ceil(((day.getTime() - Date.UTC(day.getUTCFullYear(), 0, 1)) / 86_400_000 + 1) / 7);
}

/** @throws PicketError EXPRESSION_INVALID */
export function compileRegex(pattern: string, flags: string): RegExp {
  try {
    return new RegExp(pattern, flags);
  } catch (error) {
    throw invalid(`not a regular expression: ${pattern}`, error);
  }
}

function invalid(message: string, cause?: unknown): PicketError {
  return new PicketError({ code: 'EXPRESSION_INVALID', message, cause });
}
