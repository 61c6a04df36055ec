// Parses KQL, the Kibana Query Language, into an Expression (elastic.co/docs/reference/query-languages/kql).
import { allOf, anyOf, EVERYTHING, type Expression, MAX_EXPRESSION_DEPTH } from '../expression/expression.ts';
import { compileRange, compileValue, type Literal } from './compile-value.ts';
import { type KqlToken, kqlError, type Mark, tokeniseKql } from './tokenise-kql.ts';

/** The longest query read. */
export const MAX_KQL_LENGTH = 100_000;

/**
 * KQL as Kibana documents it: `field: value`, quoted phrases, `*` wildcards, `field: *`, `field: (a or b)`,
 * ranges, `not`, `and` before `or`, `field: { nested }`, free text over all fields. Differences, for want of
 * Elasticsearch's mappings: strings compare without case; a value is a whole one except in the text fields
 * (`message`, `error.message`, `event.original`, `*.text`), where it matches by words; a nested group asks the
 * paths below its field, not one and the same object; field names take no wildcard. An empty text matches all.
 * `now` (ms since the epoch) is what date math such as `now-15m` counts from.
 * @throws PicketError KQL_SYNTAX with the column, from 1
 */
export function parseKql(text: string, options: { now?: number } = {}): Expression {
  if (text.length > MAX_KQL_LENGTH)
    throw kqlError(`longer than ${MAX_KQL_LENGTH} characters`, MAX_KQL_LENGTH + 1);
  const parser = new KqlParser(tokeniseKql(text), options.now);
  return parser.parse();
}

/** What an expression inside stands under: nothing, a nested group's prefix, or a list of values of one field. */
interface Context {
  readonly prefix: string;
  readonly listField: string | undefined;
  readonly depth: number;
}

class KqlParser {
  readonly #tokens: readonly KqlToken[];
  readonly #now: number | undefined;
  #at = 0;

  constructor(tokens: readonly KqlToken[], now: number | undefined) {
    this.#tokens = tokens;
    this.#now = now;
  }

  parse(): Expression {
    if (this.#peek().kind === 'end') return EVERYTHING;
    const expression = this.#parseOr({ prefix: '', listField: undefined, depth: 0 });
    const rest = this.#peek();
    if (rest.kind !== 'end') throw kqlError(`unexpected ${describeToken(rest)}`, rest.column);
    return expression;
  }

  #peek(ahead = 0): KqlToken {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)] as KqlToken;
  }

  #takeKeyword(keyword: 'and' | 'or' | 'not'): boolean {
    const token = this.#peek();
    const found = token.kind === 'literal' && token.keyword === keyword;
    if (found) this.#at++;
    return found;
  }

  #takeMark(...marks: Mark[]): Mark | undefined {
    const token = this.#peek();
    if (token.kind !== 'mark' || !marks.includes(token.mark)) return undefined;
    this.#at++;
    return token.mark;
  }

  #expectMark(mark: Mark): void {
    const token = this.#peek();
    if (!this.#takeMark(mark))
      throw kqlError(`expected \`${mark}\` but found ${describeToken(token)}`, token.column);
  }

  #parseOr(context: Context): Expression {
    const parts = [this.#parseAnd(context)];
    while (this.#takeKeyword('or')) parts.push(this.#parseAnd(context));
    return anyOf(parts);
  }

  #parseAnd(context: Context): Expression {
    const parts = [this.#parseNot(context)];
    while (this.#takeKeyword('and')) parts.push(this.#parseNot(context));
    return allOf(parts);
  }

  #parseNot(context: Context): Expression {
    const { column } = this.#peek();
    // Half of what an expression may be deep: a group can add two levels to the tree.
    if (context.depth >= MAX_EXPRESSION_DEPTH / 2) throw kqlError('nested too deeply', column);
    const deeper = { ...context, depth: context.depth + 1 };
    if (this.#takeKeyword('not')) return { op: 'not', of: this.#parseNot(deeper) };
    if (this.#takeMark('(')) {
      const inner = this.#parseOr(deeper);
      this.#expectMark(')');
      return inner;
    }
    return context.listField === undefined
      ? this.#parseClause(deeper)
      : compileValue(context.listField, this.#takeWords());
  }

  #parseClause(context: Context): Expression {
    const [token, next] = [this.#peek(), this.#peek(1)];
    if (token.kind !== 'literal' || token.keyword || next.kind !== 'mark' || '(){}'.includes(next.mark)) {
      return this.#parseFreeText(context);
    }
    this.#at++;
    const field = this.#fieldName(token, context);
    const operator = this.#takeMark('<', '<=', '>', '>=');
    if (operator === '<' || operator === '<=' || operator === '>' || operator === '>=') {
      return compileRange({ field, operator, value: this.#takeRangeValue(), now: this.#now });
    }
    this.#expectMark(':');
    if (this.#takeMark('{')) {
      const inner = this.#parseOr({ ...context, prefix: `${field}.` });
      this.#expectMark('}');
      return inner;
    }
    if (this.#takeMark('(')) {
      const inner = this.#parseOr({ ...context, listField: field });
      this.#expectMark(')');
      return inner;
    }
    return compileValue(field, this.#takeWords());
  }

  #fieldName({ text, pattern, column }: Literal, { prefix }: Context): string {
    if (pattern !== undefined && (pattern !== '*' || prefix !== '')) {
      throw kqlError('field names take no wildcard', column);
    }
    if (text === '') throw kqlError('the field has no name', column);
    return pattern === undefined ? prefix + text : '*';
  }

  #parseFreeText({ prefix }: Context): Expression {
    const { column } = this.#peek();
    const words = this.#takeWords();
    if (prefix !== '') throw kqlError('inside `{ }` each value needs a field', column);
    return compileValue(undefined, words);
  }

  /** One quoted text, or unquoted words up to the next keyword, mark or field. */
  #takeWords(): Literal[] {
    const first = this.#peek();
    if (first.kind !== 'literal' || first.keyword) {
      throw kqlError(`expected a value but found ${describeToken(first)}`, first.column);
    }
    this.#at++;
    const words = [first];
    for (let token = this.#peek(); token.kind === 'literal' && !token.keyword; token = this.#peek()) {
      if (token.quoted || first.quoted) throw kqlError('expected `and` or `or` between values', token.column);
      const after = this.#peek(1);
      if (after.kind === 'mark' && !'(){}'.includes(after.mark)) {
        throw kqlError('expected `and` or `or` before the next field', token.column);
      }
      words.push(token);
      this.#at++;
    }
    return words;
  }

  #takeRangeValue(): Literal {
    const token = this.#peek();
    if (token.kind !== 'literal' || token.keyword) {
      throw kqlError(`expected a value but found ${describeToken(token)}`, token.column);
    }
    this.#at++;
    return token;
  }
}

function describeToken(token: KqlToken): string {
  if (token.kind === 'end') return 'the end';
  return `\`${(token.kind === 'mark' ? token.mark : token.text).slice(0, 60)}\``;
}
