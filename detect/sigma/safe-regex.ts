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

/** About how many steps one test may take: a few hundred milliseconds at worst, mostly far below one. */
const MOST_STEPS = 1e7;
/** A rule that may look at fewer characters than this is of no use. */
const LEAST_LOOK = 200;
/** V8's backtracking engine takes texts up to this long where its linear engine can take the longer ones. */
const SHORT = 512;

/**
 * How a pattern is run. Texts of up to `upTo` characters by V8's backtracking engine, longer ones by what is
 * linear; without `upTo`, all. `limit`: only that many characters at the beginning of a text are looked at.
 */
export type RegexPlan =
  | { readonly engine: 'v8' }
  | { readonly engine: 'v8'; readonly upTo: number; readonly beyond: 'linear' }
  | { readonly engine: 'v8'; readonly upTo: number; readonly beyond: 're2'; readonly limit: number }
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
 * V8 where the pattern's form bounds it; else V8 for texts so short that the worst case ends soon, and beyond
 * them V8's linear engine or re2js. With back references, or look-around that neither of the two knows, V8 over
 * the beginning of a text when repetition is not nested, else refused.
 */
export function planRegex(pattern: string, flags: string): RegexPlan | { refused: string } {
  const { nested, open, references } = measureRepetition(pattern);
  if (!nested && open === 0) return { engine: 'v8' };
  // Excessive backtracking moves a match of these to the linear engine, so that even nested repetition ends.
  if (runsLinearly(pattern, flags)) return { engine: 'v8', upTo: SHORT, beyond: 'linear' };
  // Time grows with length^(open + 1), and a back reference compares as many characters again.
  const longest = Math.floor(MOST_STEPS ** (1 / (open + references + 1)));
  const re2 = compileRe2(pattern, flags);
  if (re2) {
    const limit = Math.max(256, Math.floor(MOST_STEPS / Math.max(1, re2.programSize())));
    return { engine: 'v8', upTo: nested ? 0 : Math.min(longest, 2_000), beyond: 're2', limit };
  }
  if (nested) {
    return {
      refused: 'repetition inside repetition with look-around or back references can take exponential time',
    };
  }
  // A pattern bound to the beginning is not tried anew at each character.
  const anchored = pattern.startsWith('^') && !flags.includes('m') && !/(?<!\\)\|/.test(pattern);
  const limit = anchored ? Math.floor(MOST_STEPS ** (1 / (open + references))) : longest;
  if (limit < LEAST_LOOK) {
    return { refused: 'too many open repetitions beside look-around or back references' };
  }
  return { engine: 'bounded', limit };
}

/** A test over one text, by the plan of the pattern. Pattern and flags must have passed checkRegex. */
export function compileSafeRegex(pattern: string, flags: string): (text: string) => boolean {
  const plan = planRegex(pattern, flags);
  if ('refused' in plan) return () => false;
  const regex = new RegExp(pattern, flags);
  if ('upTo' in plan) {
    const { upTo } = plan;
    // Made when the first long text comes: most never do.
    let beyond: ((text: string) => boolean) | undefined;
    return (text) => {
      if (text.length <= upTo) return regex.test(text);
      beyond ??=
        plan.beyond === 'linear' ? testLinearly(pattern, flags) : testByRe2(pattern, flags, plan.limit);
      return beyond(text);
    };
  }
  if (plan.engine === 'v8') return (text) => regex.test(text);
  const { limit } = plan;
  return (text) => regex.test(text.length > limit ? text.slice(0, limit) : text);
}

function testLinearly(pattern: string, flags: string): (text: string) => boolean {
  const linear = new RegExp(pattern, `${flags}l`);
  return (text) => linear.test(text);
}

function testByRe2(pattern: string, flags: string, limit: number): (text: string) => boolean {
  const compiled = compileRe2(pattern, flags);
  return (text) => compiled?.matcher(text.length > limit ? text.slice(0, limit) : text).find() === true;
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

/** Counts repetitions without a small bound and back references, and whether one repetition stands inside another. */
function measureRepetition(pattern: string): { nested: boolean; open: number; references: number } {
  const references = pattern.replaceAll(/\\\\/g, '').match(/\\(?:[1-9]|k<)/g)?.length ?? 0;
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
  return { nested, open, references };
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
