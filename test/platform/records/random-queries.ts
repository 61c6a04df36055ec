// Random records and random questions about them, over few names and values so that they meet often.
import * as fc from 'fast-check';
import type { Expression } from '../../../platform/core/expression/expression.ts';

const scalar = fc.oneof(
  fc.constantFrom<unknown>('a', 'A', 'k', '\u212A', 'é', 'É', '', '1', '1.0', 'true', null, true, false, 0),
  fc.constantFrom<unknown>(1, 1.5, -0, 1e300, 2 ** 53 + 2, '2026-01-01T00:00:00Z', 'a\u0000b'),
);
const node = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'a.b', 'b.c', '__x'), tie('value'), { maxKeys: 3 }),
  ),
})).value;
/** A record. */
export const arbitraryRecord = fc.dictionary(fc.constantFrom('a', 'b', 'a.b', 'a.b.c', 'n'), node, {
  maxKeys: 3,
  noNullPrototype: true,
});
const leaf = fc.record({
  op: fc.constant('leaf' as const),
  field: fc.constantFrom('a', 'b', 'a.b', 'a.b.c', 'n', '*', '__x', 'a"b'),
  test: fc.oneof(
    fc.record({
      kind: fc.constant('string' as const),
      mode: fc.constantFrom('equals' as const, 'startswith' as const),
      value: fc.constantFrom('a', 'A', 'K', 'é', '1', 'true', ''),
      cased: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('number' as const), value: fc.constantFrom(0, 1, 1.5, 1e300) }),
    fc.record({ kind: fc.constant('boolean' as const), value: fc.boolean() }),
    fc.record({
      kind: fc.constant('compare' as const),
      with: fc.constantFrom('lt' as const, 'gte' as const),
      value: fc.constantFrom<number | string>(1, 0, '1', '2026-01-01T00:00:00Z'),
    }),
    fc.constantFrom({ kind: 'exists' as const }, { kind: 'null' as const }),
  ),
});
/** A question about such records. */
export const arbitraryQuestion: fc.Arbitrary<Expression> = fc.letrec<{ tree: Expression }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.record({ op: fc.constant('not' as const), of: tie('tree') }),
    fc.record({
      op: fc.constantFrom('and' as const, 'or' as const),
      of: fc.array(tie('tree'), { maxLength: 3 }),
    }),
  ),
})).tree;
