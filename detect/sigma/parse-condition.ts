// Parses Sigma's condition language: and, or, not, parentheses, `1|any|all of` names, patterns and `them`.
import type { Place } from '../../platform/core/errors.ts';
import { sigmaError } from './problem.ts';
import type { Condition } from './rule.ts';

interface Token {
  readonly text: string;
  readonly at: number;
}

const TOKEN = /\s+|[()]|[^\s()]+/g;

/** The deepest nesting of parentheses and `not`. */
const MAX_DEPTH = 64;

/**
 * `not` binds before `and`, `and` before `or`; keywords in any case. `names` are the selections; patterns
 * and `them` leave out names that begin with `_`. `used` gathers every name referred to.
 * @throws PicketError SIGMA_CONDITION with the column inside the condition
 */
export function parseCondition(options: {
  text: string;
  names: readonly string[];
  place: Place;
  used?: Set<string>;
}): Condition {
  const { text, names, place, used } = options;
  const tokens: Token[] = [];
  for (const match of text.matchAll(TOKEN)) {
    if (match[0].trim() !== '') tokens.push({ text: match[0], at: match.index });
  }
  let next = 0;

  const fail = (message: string): never => {
    const at = tokens[next]?.at ?? text.length;
    throw sigmaError('SIGMA_CONDITION', `${message} at character ${at + 1} of the condition`, place);
  };
  const keyword = (word: string): boolean => tokens[next]?.text.toLowerCase() === word;

  const parseOr = (depth: number): Condition => {
    const of = [parseAnd(depth)];
    while (keyword('or')) {
      next++;
      of.push(parseAnd(depth));
    }
    return of.length === 1 ? (of[0] as Condition) : { op: 'or', of };
  };
  const parseAnd = (depth: number): Condition => {
    const of = [parseNot(depth)];
    while (keyword('and')) {
      next++;
      of.push(parseNot(depth));
    }
    return of.length === 1 ? (of[0] as Condition) : { op: 'and', of };
  };
  const parseNot = (depth: number): Condition => {
    if (depth > MAX_DEPTH) fail('nested too deeply');
    if (!keyword('not')) return parseAtom(depth);
    next++;
    return { op: 'not', of: parseNot(depth + 1) };
  };
  const parseAtom = (depth: number): Condition => {
    const token = tokens[next];
    if (!token) return fail('a selection name is missing');
    if (token.text === '(') {
      next++;
      const inner = parseOr(depth + 1);
      if (tokens[next]?.text !== ')') fail('`)` is missing');
      next++;
      return inner;
    }
    const lower = token.text.toLowerCase();
    if (tokens[next + 1]?.text.toLowerCase() === 'of' && /^(?:\d+|any|all)$/.test(lower)) {
      return parseQuantifier(lower);
    }
    if (token.text === ')' || lower === 'and' || lower === 'or') return fail(`unexpected \`${token.text}\``);
    if (token.text.startsWith('|'))
      return fail('aggregations after `|` are gone from Sigma 2: use a correlation rule');
    if (!names.includes(token.text)) {
      throw sigmaError(
        'SIGMA_CONDITION_UNKNOWN_NAME',
        `the condition names \`${token.text}\`, which is no selection`,
        place,
      );
    }
    next++;
    used?.add(token.text);
    return { op: 'selection', name: token.text };
  };
  const parseQuantifier = (count: string): Condition => {
    if (/^\d+$/.test(count) && count !== '1')
      fail(`\`${count} of\` is not in the language, only 1, any and all`);
    next += 2;
    const target = tokens[next]?.text;
    if (target === undefined) return fail('`of` needs `them`, a name or a pattern');
    const wanted = namesLike(target, names);
    if (wanted.length === 0) {
      throw sigmaError('SIGMA_CONDITION_UNKNOWN_NAME', `no selection is called like \`${target}\``, place);
    }
    next++;
    for (const name of wanted) used?.add(name);
    const of = wanted.map((name): Condition => ({ op: 'selection', name }));
    return of.length === 1 ? (of[0] as Condition) : { op: count === 'all' ? 'and' : 'or', of };
  };

  const condition = parseOr(0);
  if (next < tokens.length) fail(`unexpected \`${tokens[next]?.text}\``);
  return condition;
}

/** Names that a quantifier's target stands for: `them`, a pattern with `*` and `?`, or one name. */
function namesLike(target: string, names: readonly string[]): string[] {
  if (target.toLowerCase() === 'them') return names.filter((name) => !name.startsWith('_'));
  if (!/[*?]/.test(target)) return names.filter((name) => name === target);
  const pattern = target
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll(/\*+/g, '.*')
    .replaceAll('?', '.');
  const regex = new RegExp(`^${pattern}$`);
  return names.filter((name) => regex.test(name) && (!name.startsWith('_') || target.startsWith('_')));
}
