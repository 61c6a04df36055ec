// The one boolean tree over fields that rules, searches, exceptions and residency rules all are.
import { z } from 'zod';

/** How a string is compared. `wildcard` knows `*` (any run) and `?` (any one character), `\` escapes. */
export const StringMode = z.enum(['equals', 'startswith', 'endswith', 'contains', 'wildcard']);
export type StringMode = z.infer<typeof StringMode>;

export const Comparison = z.enum(['lt', 'lte', 'gt', 'gte']);
export type Comparison = z.infer<typeof Comparison>;

/**
 * What is asked of a field's values. A leaf is true when ANY value at the field passes (lists and nested
 * objects are flattened per path); a missing field passes nothing but `null`.
 * - `string`: compared with the text of a string, number or boolean; without `cased` in lower case (simple
 *   Unicode lower-casing of both sides).
 * - `number`: equality with a number, or with a string that is that number written in decimal.
 * - `compare`: numbers, numeric strings, and for `@timestamp`-like ISO strings a `value` that is an ISO string.
 * - `boolean`: true/false, or the strings `true`/`false`.
 * - `regex`: ECMAScript pattern, searched anywhere (not anchored); flags among i, m, s.
 * - `cidr`: an IPv4 or IPv6 network; IPv4-mapped IPv6 addresses count as IPv4.
 * - `exists`: at least one value that is not null. `null`: no value that is not null.
 * - `field`: compared with any value of another field.
 * - `time_part`: a number taken from the UTC timestamp in the field (Sigma's minute, hour, day, week, month, year; week is ISO 8601).
 * - `text`: the words of `value` stand next to one another and in order in the field's text (tokeniser of core/text).
 */
export const Test = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('string'),
    mode: StringMode,
    value: z.string(),
    cased: z.boolean().optional(),
  }),
  z.strictObject({ kind: z.literal('number'), value: z.number() }),
  z.strictObject({ kind: z.literal('compare'), with: Comparison, value: z.union([z.number(), z.string()]) }),
  z.strictObject({ kind: z.literal('boolean'), value: z.boolean() }),
  z.strictObject({
    kind: z.literal('regex'),
    pattern: z.string(),
    flags: z
      .string()
      .regex(/^[ims]*$/)
      .optional(),
  }),
  z.strictObject({ kind: z.literal('cidr'), value: z.string() }),
  z.strictObject({ kind: z.literal('exists') }),
  z.strictObject({ kind: z.literal('null') }),
  z.strictObject({
    kind: z.literal('field'),
    mode: StringMode.exclude(['wildcard']),
    other: z.string(),
    cased: z.boolean().optional(),
  }),
  z.strictObject({
    kind: z.literal('time_part'),
    part: z.enum(['minute', 'hour', 'day', 'week', 'month', 'year']),
    value: z.number(),
  }),
  z.strictObject({ kind: z.literal('text'), value: z.string() }),
]);
export type Test = z.infer<typeof Test>;

export interface Leaf {
  op: 'leaf';
  /** Dotted ECS field, or `*` for every string, number and boolean in the document (Sigma keywords, free text). */
  field: string;
  test: Test;
}

export type Expression =
  | { op: 'and'; of: Expression[] }
  | { op: 'or'; of: Expression[] }
  | { op: 'not'; of: Expression }
  | { op: 'constant'; value: boolean }
  | Leaf;

/** The deepest tree accepted from outside. */
export const MAX_EXPRESSION_DEPTH = 64;

/** The schema of an expression that comes from outside (API, files). */
export const Expression: z.ZodType<Expression> = z.lazy(() =>
  z.union([
    z.strictObject({ op: z.literal('and'), of: z.array(Expression) }),
    z.strictObject({ op: z.literal('or'), of: z.array(Expression) }),
    z.strictObject({ op: z.literal('not'), of: Expression }),
    z.strictObject({ op: z.literal('constant'), value: z.boolean() }),
    z.strictObject({ op: z.literal('leaf'), field: z.string().min(1), test: Test }),
  ]),
);

/** Matches every document. */
export const EVERYTHING: Expression = { op: 'constant', value: true };

/** `and` of the given, folded: no nesting for one, EVERYTHING for none. */
export function allOf(of: readonly Expression[]): Expression {
  const kept = of.filter((part) => !(part.op === 'constant' && part.value));
  return kept.length === 0
    ? EVERYTHING
    : kept.length === 1
      ? (kept[0] as Expression)
      : { op: 'and', of: kept };
}

/** `or` of the given, folded; matches nothing for none. */
export function anyOf(of: readonly Expression[]): Expression {
  if (of.length === 1) return of[0] as Expression;
  return of.length === 0 ? { op: 'constant', value: false } : { op: 'or', of: [...of] };
}

/** A leaf that asks whether a field equals a string (case-insensitive), number or boolean. */
export function equals(field: string, value: string | number | boolean): Leaf {
  const test: Test =
    typeof value === 'string'
      ? { kind: 'string', mode: 'equals', value }
      : typeof value === 'number'
        ? { kind: 'number', value }
        : { kind: 'boolean', value };
  return { op: 'leaf', field, test };
}

/** Every field that an expression names, sorted, `*` left out. */
export function fieldsOf(expression: Expression): string[] {
  const fields = new Set<string>();
  const visit = (node: Expression): void => {
    if (node.op === 'leaf') {
      if (node.field !== '*') fields.add(node.field);
      if (node.test.kind === 'field') fields.add(node.test.other);
    } else if (node.op === 'not') visit(node.of);
    else if (node.op !== 'constant') node.of.forEach(visit);
  };
  visit(expression);
  return [...fields].sort();
}
