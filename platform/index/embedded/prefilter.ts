// Compiles an Expression to an FTS5 query that every block with a matching event fulfils: a superset, checked again by the reference matcher.
import type { Expression, Test } from '../../core/expression/expression.ts';
import { MAX_TOKEN_LENGTH, tokenise } from '../../core/text.ts';
import { MAX_VALUE_TERM, valueTerm } from './terms.ts';

/** Which blocks may hold a match. */
export type Prefilter =
  | { readonly kind: 'all' }
  | { readonly kind: 'none' }
  | { readonly kind: 'match'; readonly query: string; readonly terms: number };

const ALL: Prefilter = { kind: 'all' };
const NONE: Prefilter = { kind: 'none' };

/** Above this many terms a query is left out: the scan costs less than the reading of so many lists. */
const MAX_TERMS = 128;

/** Compiles; never narrows below what the expression matches. */
export function compilePrefilter(expression: Expression): Prefilter {
  switch (expression.op) {
    case 'constant':
      return expression.value ? ALL : NONE;
    case 'not':
      return ALL;
    case 'and':
      return both(expression.of.map(compilePrefilter));
    case 'or':
      return either(expression.of.map(compilePrefilter));
    case 'leaf':
      return compileTest(expression.test);
  }
}

function both(parts: readonly Prefilter[]): Prefilter {
  if (parts.some((part) => part.kind === 'none')) return NONE;
  let terms = 0;
  const queries: string[] = [];
  for (const part of parts) {
    if (part.kind !== 'match' || terms + part.terms > MAX_TERMS) continue;
    terms += part.terms;
    queries.push(part.query);
  }
  return queries.length === 0 ? ALL : { kind: 'match', query: `(${queries.join(' AND ')})`, terms };
}

function either(parts: readonly Prefilter[]): Prefilter {
  if (parts.some((part) => part.kind === 'all')) return ALL;
  const matches = parts.filter((part) => part.kind === 'match');
  const terms = matches.reduce((sum, part) => sum + part.terms, 0);
  if (matches.length === 0) return NONE;
  return terms > MAX_TERMS
    ? ALL
    : { kind: 'match', query: `(${matches.map((part) => part.query).join(' OR ')})`, terms };
}

/** Terms hold only letters, marks, digits and `_`, so that quoting is enough. */
function oneTerm(term: string, prefix = false): Prefilter {
  return { kind: 'match', query: `"${term}"${prefix ? '*' : ''}`, terms: 1 };
}

function compileTest(test: Test): Prefilter {
  switch (test.kind) {
    case 'string':
      if (test.mode === 'equals') return wholeValue(test.value);
      if (test.mode === 'wildcard') return both(wildcardPieces(test.value).map(partOfValue));
      return partOfValue({
        text: test.value,
        openLeft: test.mode !== 'startswith',
        openRight: test.mode !== 'endswith',
      });
    case 'number':
      return oneTerm(valueTerm(String(test.value)));
    case 'boolean':
      return oneTerm(valueTerm(String(test.value)));
    case 'text': {
      const tokens = new Set(tokenise(test.value));
      return tokens.size === 0 ? NONE : both([...tokens].map((token) => oneTerm(token)));
    }
    default:
      return ALL;
  }
}

function wholeValue(value: string): Prefilter {
  // Lower-casing never shortens, so that an equal value is within the limit too.
  if (value !== '' && value.toLowerCase().length <= MAX_VALUE_TERM) return oneTerm(valueTerm(value));
  return partOfValue({ text: value, openLeft: false, openRight: false });
}

interface Piece {
  readonly text: string;
  /** True when a word of the value may go on beyond that end. */
  readonly openLeft: boolean;
  readonly openRight: boolean;
}

/** The words that a value containing the piece must hold. Only ASCII pieces say anything: elsewhere NFKC may join or split. */
function partOfValue({ text, openLeft, openRight }: Piece): Prefilter {
  if (!isAscii(text)) return ALL;
  const lower = text.toLowerCase();
  const found: Prefilter[] = [];
  for (const match of lower.matchAll(/[a-z0-9_]+/g)) {
    const end = match.index + match[0].length;
    const boundLeft = match.index > 0 || !openLeft;
    const boundRight = end < lower.length || !openRight;
    if (boundLeft && boundRight) found.push(oneTerm(match[0].slice(0, MAX_TOKEN_LENGTH)));
    // The last letter may be joined to a following mark by NFKC.
    else if (boundLeft && match[0].length >= 4)
      found.push(oneTerm(match[0].slice(0, -1).slice(0, MAX_TOKEN_LENGTH), true));
  }
  return both(found);
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}

/** Literal pieces of a wildcard pattern (same escapes as core/expression/compile.ts). */
function wildcardPieces(pattern: string): Piece[] {
  const pieces: Piece[] = [];
  let text = '';
  let openLeft = false;
  const cut = (openRight: boolean): void => {
    if (text !== '') pieces.push({ text, openLeft, openRight });
    text = '';
    openLeft = true;
  };
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] as string;
    const next = pattern[at + 1];
    if (character === '\\' && (next === '*' || next === '?' || next === '\\')) {
      text += next;
      at++;
    } else if (character === '*' || character === '?') cut(true);
    else text += character;
  }
  cut(false);
  return pieces;
}
