// The safe predicate means what the reference evaluation means.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileSafely } from '../../../detect/exceptions/compile-safely.ts';
import { evaluate } from '../../../detect/sigma/explain.ts';
import type { Expression, Test } from '../../../platform/core/expression/expression.ts';

const asked: fc.Arbitrary<Test> = fc.oneof(
  fc.record({ kind: fc.constant('regex' as const), pattern: fc.constantFrom('^x', 'y$', '1', '(a+)+$') }),
  fc.record({
    kind: fc.constant('string' as const),
    mode: fc.constantFrom('equals' as const, 'contains' as const),
    value: fc.constantFrom('x', 'y', '1'),
  }),
  fc.constant({ kind: 'null' as const }),
  fc.constant({ kind: 'exists' as const }),
);
const { tree } = fc.letrec<{ tree: Expression }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    fc.record({ op: fc.constant('leaf' as const), field: fc.constantFrom('a', 'a.b', '*'), test: asked }),
    fc.record({ op: fc.constant('constant' as const), value: fc.boolean() }),
    fc.record({
      op: fc.constantFrom('and' as const, 'or' as const),
      of: fc.array(tie('tree'), { maxLength: 3 }),
    }),
    fc.record({ op: fc.constant('not' as const), of: tie('tree') }),
  ),
}));
const value = fc.oneof(
  fc.constantFrom<unknown>('x', 'xy', 'y', 1, true, null),
  fc.array(fc.constantFrom('x', 'z')),
);
const document = fc.oneof(
  fc.record({ a: value }),
  fc.record({ a: fc.record({ b: value }) }),
  fc.constant({}),
);

test('agrees with the plain evaluation on random expressions and events', () => {
  const wrong = fc.check(
    fc.property(
      tree,
      document,
      (expression, event) => compileSafely(expression)(event) === evaluate(expression, event),
    ),
    { numRuns: 3_000 },
  );
  expect(wrong.counterexample).toBeNull();
});
