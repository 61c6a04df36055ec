// Makes a rule's regular expression one that no event can stall: translated to ECMAScript, run linearly, or refused with the reason.
import v8 from 'node:v8';
import { RE2JS } from 're2js';
import { describeError } from '../../platform/core/errors.ts';

// Set before any rule's pattern is compiled: V8 then moves a match to its linear engine after 50,000
// backtracks (for patterns that engine knows), and the flag `l` tells whether it knows a pattern.
v8.setFlagsFromString('--enable-experimental-regexp-engine');
v8.setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');

/** The longest pattern taken. */
const MAX_PATTERN = 8_192;

/** How a pattern is run; `bounded` tests only the first `limit` characters of a text. */
export type RegexPlan =
  | { readonly engine: 'v8' }
  | { readonly engine: 're2' }
  | { readonly engine: 'bounded'; readonly limit: number };

/**
 * Translates a pattern written for Python or PCRE, as Sigma rules are, to ECMAScript and checks that it can
 * be run safely. Leading inline flags become flags; `\A`, `\Z`, `(?P<n>)`, `[[:alpha:]]` are rewritten.
 */
export function checkRegex(
  written: string,
  flags: string,
): { pattern: string; flags: string } | { refused: string } {
  if (written.length > MAX_PATTERN) return { refused: `a pattern of over ${MAX_PATTERN} characters` };
  let pattern = written;
  let allFlags = flags;
  for (let inline = /^\(\?([ims]+)\)/.exec(pattern); inline; inline = /^\(\?([ims]+)\)/.exec(pattern)) {
    allFlags += inline[1];
    pattern = pattern.slice(inline[0].length);
  }
  allFlags = [...new Set(allFlags)].sort().join('');
  if (/\(\?>|(?<!\\)[*+?}]\+/.test(pattern.replace(/\[(?:\\.|[^\]\\])*\]/g, '[]'))) {
    return { refused: 'atomic groups and possessive quantifiers are not supported' };
  }
  pattern = pattern
    .replaceAll(/(?<!\\)((?:\\\\)*)\\A/g, '$1^')
    .replaceAll(/(?<!\\)((?:\\\\)*)\\[Zz]/g, '$1$')
    .replaceAll('(?P<', '(?<')
    .replaceAll(/\[:(\w+):\]/g, (whole, name: string) => POSIX[name] ?? whole)
    .replaceAll(/\(\?([ims]+)\)/g, '(?$1:)');
  if (/\(\?[ims]+:\)/.test(pattern)) return { refused: 'inline flags are supported at the beginning only' };
  try {
    RegExp(pattern, allFlags);
  } catch (error) {
    return { refused: `not a regular expression: ${describeError(error)}` };
  }
  const plan = planRegex(pattern, allFlags);
  if ('refused' in plan) return plan;
  return { pattern, flags: allFlags };
}

const POSIX: Readonly<Record<string, string>> = {
  alpha: 'a-zA-Z',
  digit: '0-9',
  alnum: 'a-zA-Z0-9',
  upper: 'A-Z',
  lower: 'a-z',
  space: '\\s',
  xdigit: '0-9a-fA-F',
  word: '\\w',
  punct: '!-\\/:-@\\[-`{-~',
};

/**
 * V8 where it falls back to its linear engine or where backtracking is bounded by the pattern's form; re2js
 * where that is linear and V8 is not; with lookaround or back references, V8 over a bounded text when
 * repetition is not nested, else refused.
 */
export function planRegex(pattern: string, flags: string): RegexPlan | { refused: string } {
  if (runsLinearly(pattern, flags)) return { engine: 'v8' };
  const shape = measureRepetition(pattern);
  if (!shape.nested && shape.open <= 1) return { engine: 'v8' };
  if (compileRe2(pattern, flags)) return { engine: 're2' };
  if (shape.nested) {
    return {
      refused: 'repetition inside repetition with lookaround or back references can take exponential time',
    };
  }
  if (shape.open > 4) return { refused: 'too many open repetitions beside lookaround or back references' };
  // Time grows with length^(open + 1): the limit keeps a test near ten million steps.
  return { engine: 'bounded', limit: Math.floor(1e7 ** (1 / (shape.open + 1))) };
}

/** A test over one text, by the plan of the pattern. Pattern and flags must have passed checkRegex. */
export function compileSafeRegex(pattern: string, flags: string): (text: string) => boolean {
  const plan = planRegex(pattern, flags);
  if ('refused' in plan) return () => false;
  if (plan.engine === 're2') {
    const compiled = compileRe2(pattern, flags);
    if (compiled) return (text) => compiled.matcher(text).find();
  }
  const regex = new RegExp(pattern, flags);
  if (plan.engine === 'bounded') {
    const { limit } = plan;
    return (text) => regex.test(text.length > limit ? text.slice(0, limit) : text);
  }
  return (text) => regex.test(text);
}

function compileRe2(pattern: string, flags: string): RE2JS | undefined {
  let bits = 0;
  if (flags.includes('i')) bits |= RE2JS.CASE_INSENSITIVE;
  if (flags.includes('m')) bits |= RE2JS.MULTILINE;
  if (flags.includes('s')) bits |= RE2JS.DOTALL;
  try {
    return RE2JS.compile(pattern, bits);
  } catch {
    return undefined;
  }
}

/** True when V8's linear engine knows the pattern, so that excessive backtracking falls back to it. */
function runsLinearly(pattern: string, flags: string): boolean {
  try {
    return new RegExp(pattern, `${flags}l`).flags.includes('l');
  } catch {
    return false;
  }
}

/** Counts repetitions without a small bound, and whether one stands inside another. */
function measureRepetition(pattern: string): { nested: boolean; open: number } {
  let open = 0;
  let nested = false;
  /** For each open group: repetitions seen inside. */
  const groups: number[] = [0];
  let last = 0;
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at];
    if (character === '\\') {
      at++;
      last = 0;
    } else if (character === '[') {
      for (at++; at < pattern.length && pattern[at] !== ']'; at++) if (pattern[at] === '\\') at++;
      last = 0;
    } else if (character === '(') {
      groups.push(0);
      last = 0;
      if (pattern[at + 1] === '?') at++;
    } else if (character === ')') {
      last = groups.length > 1 ? (groups.pop() as number) : 0;
      groups[groups.length - 1] = (groups.at(-1) as number) + last;
    } else if (character === '*' || character === '+' || character === '{') {
      const counted = character === '{' ? /^\{(\d+)(,?)(\d*)\}/.exec(pattern.slice(at, at + 16)) : undefined;
      if (character === '{' && !counted) {
        last = 0;
        continue;
      }
      const most = counted
        ? counted[2]
          ? counted[3]
            ? Number(counted[3])
            : Number.POSITIVE_INFINITY
          : Number(counted[1])
        : Number.POSITIVE_INFINITY;
      if (most > 1 && last > 0) nested = true;
      // A fixed count (`{3}`) has one way to match what it repeats; a span of counts has several.
      const spans = counted ? counted[2] === ',' && most > 8 : true;
      if (spans) {
        open++;
        groups[groups.length - 1] = (groups.at(-1) as number) + 1;
      }
      if (counted) at += counted[0].length - 1;
      last = 0;
    } else if (character === '|' || character === '?') {
      // Alternatives and optional parts inside a repetition give many ways too.
      groups[groups.length - 1] = (groups.at(-1) as number) + 1;
      if (character === '|') last = 0;
    } else last = 0;
  }
  return { nested, open };
}

/**
 * The longest lower-case literal that every match of the pattern holds, or undefined: what stands outside
 * groups, classes (but those of one letter in both cases), alternatives and optional parts.
 */
export function requiredLiteral(pattern: string): string | undefined {
  let best = '';
  let run = '';
  let depth = 0;
  const end = (): void => {
    if (run.length > best.length) best = run;
    run = '';
  };
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] as string;
    if (depth === 0 && character === '|') return undefined;
    if (character === '(') {
      end();
      depth++;
    } else if (character === ')') {
      depth--;
      end();
    } else if (character === '[') {
      const letter = /^\[([a-z])([a-z])\]/i.exec(pattern.slice(at, at + 4));
      if (
        depth === 0 &&
        letter &&
        (letter[1] as string).toLowerCase() === (letter[2] as string).toLowerCase()
      ) {
        run += letter[1];
        at += 3;
        continue;
      }
      end();
      for (at++; at < pattern.length && pattern[at] !== ']'; at++) if (pattern[at] === '\\') at++;
    } else if (character === '*' || character === '?' || character === '{') {
      run = run.slice(0, -1);
      end();
      if (character === '{') {
        const close = pattern.indexOf('}', at);
        if (close < 0) return undefined;
        at = close;
      }
    } else if (character === '+' || character === '.' || character === '^' || character === '$') end();
    else if (character === '\\') {
      const next = pattern[++at] as string | undefined;
      if (next === undefined) return undefined;
      if (/[a-z0-9]/i.test(next)) {
        end();
        // What an escape such as \x41 or \u0041 takes along is no literal of ours.
        if (/[xucpPk0-9]/.test(next)) return fold(best);
      } else if (depth === 0) run += next;
    } else if (depth === 0) run += character;
  }
  end();
  return fold(best);
}

/** Letters whose case folding is not one to one would make the literal miss. */
function fold(literal: string): string | undefined {
  return /^[\x20-\x7e]+$/.test(literal) ? literal.toLowerCase() : undefined;
}
