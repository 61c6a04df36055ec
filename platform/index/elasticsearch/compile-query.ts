// Compiles an Expression to two Elasticsearch queries: one that finds at least what it matches, one that finds nothing else.
import type { estypes } from '@elastic/elasticsearch';
import type { Expression, Leaf, Test } from '../../core/expression/expression.ts';
import { foldCase, tokenise } from '../../core/text.ts';
import { ALL_TEXT, isDeclared, isUnasked, kindOf, LONGEST_TERM, termsOf, UNMAPPED } from './fields.ts';

type Query = estypes.QueryDslQueryContainer;
/** True is everything, false nothing. */
export type Bound = Query | boolean;

export interface Bounds {
  /** Every event that matches is in here. */
  readonly upper: Bound;
  /** Every event in here matches. */
  readonly lower: Bound;
}

/** The bounds of what an expression matches; between them the reference matcher decides, event by event. */
export function compileBounds(expression: Expression): Bounds {
  switch (expression.op) {
    case 'constant':
      return { upper: expression.value, lower: expression.value };
    case 'not': {
      const { upper, lower } = compileBounds(expression.of);
      return { upper: not(lower), lower: not(upper) };
    }
    case 'and': {
      const parts = expression.of.map(compileBounds);
      return { upper: both(parts.map(({ upper }) => upper)), lower: both(parts.map(({ lower }) => lower)) };
    }
    case 'or': {
      const parts = expression.of.map(compileBounds);
      return {
        upper: either(parts.map(({ upper }) => upper)),
        lower: either(parts.map(({ lower }) => lower)),
      };
    }
    case 'leaf':
      return expression.field === '*' ? compileAnywhere(expression.test) : compileLeaf(expression);
  }
}

/** A query for a bound, to filter by. */
export function toQuery(bound: Bound): Query {
  return bound === true ? { match_all: {} } : bound === false ? { match_none: {} } : bound;
}

export function both(bounds: readonly Bound[]): Bound {
  const kept = bounds.filter((bound) => bound !== true);
  if (kept.includes(false)) return false;
  if (kept.length < 2) return kept[0] ?? true;
  return { bool: { filter: kept as Query[] } };
}

export function either(bounds: readonly Bound[]): Bound {
  const kept = bounds.filter((bound) => bound !== false);
  if (kept.includes(true)) return true;
  if (kept.length < 2) return kept[0] ?? false;
  return { bool: { should: kept as Query[], minimum_should_match: 1 } };
}

export function not(bound: Bound): Bound {
  return typeof bound === 'boolean' ? !bound : { bool: { must_not: [bound] } };
}

/** Somewhere in the event: by its words, where the test has some. */
function compileAnywhere(test: Test): Bounds {
  const words = wordsOf(test);
  return {
    upper: words === true ? true : either([words, { exists: { field: '_ignored' } }, unmapped()]),
    lower: false,
  };
}

function compileLeaf({ field, test }: Leaf): Bounds {
  if (isUnasked(field)) return { upper: true, lower: false };
  const exists: Query = { exists: { field } };
  // A value that was too long or of no fit type stands in the event alone; its words are still known where it is declared.
  const hidden = isDeclared(field) ? both([ignored(field), wordsOf(test)]) : ignored(field);
  const somewhere = either([exists, mayHideValue(field)]);
  if (test.kind === 'exists') return { upper: somewhere, lower: isDeclared(field) ? exists : false };
  if (test.kind === 'null') return { upper: not(isDeclared(field) ? exists : false), lower: not(somewhere) };
  const { core, exact } = compileValue(field, test) ?? { core: both([exists, wordsOf(test)]), exact: false };
  return { upper: either([core, hidden, unmapped()]), lower: exact ? core : false };
}

function unmapped(): Query {
  return { term: { [UNMAPPED]: true } };
}

/** A value of the field is not indexed: `_ignored` lists it by its own name, or by that of an object around it. */
function ignored(field: string): Query {
  const steps = field.split('.');
  const names = [...steps.map((_, end) => steps.slice(0, end + 1).join('.')), `${field}.keyword`];
  return { terms: { _ignored: names } };
}

/** The event may hold a value of the field that its terms do not tell of. */
export function mayHideValue(field: string): Bound {
  return either([ignored(field), unmapped()]);
}

interface Core {
  readonly core: Query;
  /** What it finds matches for certain. */
  readonly exact: boolean;
}

/** What the field's own terms or points say; undefined when they say nothing of this test. */
function compileValue(field: string, test: Test): Core | undefined {
  const kind = kindOf(field);
  switch (test.kind) {
    case 'string': {
      const terms = termsOf(field);
      if (terms !== undefined) return compileText(terms, test);
      const whole = kind === 'long' && test.mode === 'equals' && /^(?:0|-?[1-9]\d{0,14})$/.test(test.value);
      return whole ? { core: { term: { [field]: Number(test.value) } }, exact: true } : undefined;
    }
    case 'number':
      return kind === 'long' && Number.isSafeInteger(test.value)
        ? { core: { term: { [field]: test.value } }, exact: true }
        : undefined;
    case 'compare':
      return kind === 'long' && typeof test.value === 'number' && Number.isSafeInteger(test.value)
        ? { core: { range: { [field]: { [test.with]: test.value } } }, exact: true }
        : undefined;
    case 'cidr':
      return kind === 'ip' && /^[0-9a-f.:]+\/\d+$/i.test(test.value)
        ? { core: { term: { [field]: test.value } }, exact: false }
        : undefined;
    default:
      return undefined;
  }
}

/** Longest value whose every character is in the pattern; Elasticsearch bounds patterns at 1,000. */
const LONGEST_PATTERN = 120;

/** A pattern over the terms of a field (Lucene's regular expressions). */
function compileText(field: string, test: Extract<Test, { kind: 'string' }>): Core | undefined {
  const { mode, cased = false } = test;
  const value = cased ? test.value : foldCase(test.value);
  if (!hasPlainCase(value)) return undefined;
  const cut = value.length > LONGEST_PATTERN;
  const kept = cut ? value.slice(0, LONGEST_PATTERN).replace(/\\+$/, '') : value;
  const body = mode === 'wildcard' ? wildcardPattern(kept, cased) : literalPattern(kept, cased);
  const before = mode === 'endswith' || mode === 'contains' ? '.*' : '';
  const after = mode === 'startswith' || mode === 'contains' || cut ? '.*' : '';
  // `.` is a character of Unicode, `?` one of UTF-16's units.
  const exact = !cut && kept.length <= LONGEST_TERM && !(mode === 'wildcard' && kept.includes('?'));
  return { core: { regexp: { [field]: { value: `${before}${body}${after}` } } }, exact };
}

/** Characters that no other folds to, save those that the patterns below name. */
function hasPlainCase(value: string): boolean {
  for (const character of value) {
    if (character <= '\u007f') continue;
    if (character.toLowerCase() !== character || character.toUpperCase() !== character) return false;
    if (/\p{M}|\p{Surrogate}/u.test(character)) return false;
  }
  return true;
}

function literalPattern(value: string, cased: boolean): string {
  return Array.from(value, (character) => oneCharacter(character, cased)).join('');
}

/** As core/expression reads wildcards: `*` any run, `?` any one, `\` before either or itself. */
function wildcardPattern(value: string, cased: boolean): string {
  let pattern = '';
  const characters = Array.from(value);
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] as string;
    const next = characters[at + 1];
    if (character === '\\' && (next === '*' || next === '?' || next === '\\')) {
      pattern += oneCharacter(next, cased);
      at++;
    } else if (character === '*') pattern += '.*';
    // One of UTF-16's units: a whole character, or half of one whose other half is the next wildcard's.
    else pattern += character === '?' ? '.{0,1}' : oneCharacter(character, cased);
  }
  return pattern;
}

function oneCharacter(character: string, cased: boolean): string {
  if (/[a-z]/i.test(character)) {
    if (cased) return character;
    // U+212A (Kelvin) folds to k.
    const others = character.toLowerCase() === 'k' ? '\u212a' : '';
    return `[${character.toLowerCase()}${character.toUpperCase()}${others}]`;
  }
  return /\d/.test(character) || character > '\u007f' ? character : `\\${character}`;
}

/** Shorter runs are in nearly every event. */
const SHORTEST_WORD = 3;

/** What the words of any matching value say; true when nothing can be said. */
function wordsOf(test: Test): Bound {
  if (test.kind === 'text') {
    const words = tokenise(test.value);
    // An empty phrase is in nothing.
    return words.length === 0 ? false : both(words.flatMap(wordQuery));
  }
  if (test.kind !== 'string') return true;
  return both(
    [...test.value.matchAll(/[a-z0-9]+/gi)].flatMap(([run]) =>
      run.length < SHORTEST_WORD ? [] : runQuery(run),
    ),
  );
}

/**
 * Ranges that hold every character beyond ASCII whose compatibility form (NFKC) has a letter or digit of ASCII: `ﬁ`, `ｗ`,
 * `𝚋`. The standard analyser leaves them as they are, so that such a word may stand for the one that is looked for.
 */
export const STANDS_FOR_ASCII = [
  '\u00aa\u00b2-\u00b3\u00b9-\u00ba\u00bc-\u00be\u0130\u0132-\u0133\u013f-\u0140\u0149\u017f',
  '\u01c4-\u01cc\u01f1-\u01f3\u02b0\u02b2-\u02b3\u02b7-\u02b8\u02e1-\u02e3\u1d2c\u1d2e',
  '\u1d30-\u1d31\u1d33-\u1d3a\u1d3c\u1d3e-\u1d43\u1d47-\u1d49\u1d4d\u1d4f-\u1d50\u1d52',
  '\u1d56-\u1d58\u1d5b\u1d62-\u1d65\u1d9c\u1da0\u1dbb\u1e9a\u2070-\u20a8\u2100-\u2189',
  '\u2460-\u24ea\u2c7c-\u2c7d\u3250-\u325f\u32b1-\u32cf\u3358-\u33ff\ua7f1-\ua7f4',
  '\ufb00-\ufb06\ufe33-\ufe4f\uff10-\uff5a\u{107a5}\u{1ccd6}-\u{1ccf9}\u{1d400}-\u{1d6a3}',
  '\u{1d7ce}-\u{1d7ff}\u{1f100}-\u{1f190}\u{1fbf0}-\u{1fbf9}',
].join('');

/** Words of the standard analyser that hold a run of letters and digits: it never parts one, but keeps more with it. */
function runQuery(run: string): Bound[] {
  return [{ wildcard: { [ALL_TEXT]: { value: `*${run.toLowerCase()}*` } } }];
}

/** Words that may hold a word of ours (core/text). */
function wordQuery(word: string): Bound[] {
  if (/^\p{Script=Han}$/u.test(word)) return [{ term: { [ALL_TEXT]: word } }];
  if (!/^[a-z0-9_]+$/.test(word)) return [];
  return [{ regexp: { [ALL_TEXT]: { value: `.*(${word}|[${STANDS_FOR_ASCII}]).*` } } }];
}
