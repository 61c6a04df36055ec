// The query of a backtest finds whatever the engine would match.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { narrowQuery } from '../../../detect/history/narrow-query.ts';
import { evaluate } from '../../../detect/sigma/explain.ts';
import type { MappedRule } from '../../../detect/sigma/rule.ts';
import { compileExpression } from '../../../platform/core/expression/compile.ts';
import { EVERYTHING, type Expression } from '../../../platform/core/expression/expression.ts';

const asRules = (...expressions: Expression[]): { mapped: MappedRule }[] =>
  expressions.map((expression) => ({ mapped: { expression } as MappedRule }));

const leaf = fc.oneof(
  fc.record({
    op: fc.constant('leaf' as const),
    field: fc.constantFrom('a', 'b', '*'),
    test: fc.record({ kind: fc.constant('regex' as const), pattern: fc.constantFrom('^x', 'y$', 'z') }),
  }),
  fc.record({
    op: fc.constant('leaf' as const),
    field: fc.constantFrom('a', 'b'),
    test: fc.oneof(
      fc.constant({ kind: 'null' as const }),
      fc.record({
        kind: fc.constant('string' as const),
        mode: fc.constant('contains' as const),
        value: fc.constantFrom('x', 'y'),
      }),
    ),
  }),
  fc.record({ op: fc.constant('constant' as const), value: fc.boolean() }),
);
const { tree } = fc.letrec<{ tree: Expression }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    leaf as fc.Arbitrary<Expression>,
    fc.record({
      op: fc.constantFrom('and' as const, 'or' as const),
      of: fc.array(tie('tree'), { maxLength: 3 }),
    }),
    fc.record({ op: fc.constant('not' as const), of: tie('tree') }),
  ),
}));
const text = fc.constantFrom('x', 'y', 'z', 'xy', 'q');
const document = fc.record({ a: text, b: text }, { requiredKeys: [] });

test('every event that a rule matches is found, whatever the rule', () => {
  const missed = fc.check(
    fc.property(fc.array(tree, { minLength: 1, maxLength: 3 }), document, (rules, event) => {
      const found = compileExpression(narrowQuery(asRules(...rules)))(event);
      return found || !rules.some((rule) => evaluate(rule, event));
    }),
    { numRuns: 2_000 },
  );
  expect(missed.counterexample).toBeNull();
});

test('no regular expression reaches the index, and what stands beside one still narrows', () => {
  const evil: Expression = { op: 'leaf', field: 'a', test: { kind: 'regex', pattern: '^(x+x+)+y$' } };
  const beside: Expression = {
    op: 'leaf',
    field: 'b',
    test: { kind: 'string', mode: 'equals', value: 'cmd.exe' },
  };
  const query = narrowQuery(asRules({ op: 'and', of: [evil, beside, { op: 'not', of: evil }] }));
  expect(JSON.stringify(query)).not.toContain('regex');
  const finds = compileExpression(query);
  expect(finds({ a: 'xxxx', b: 'cmd.exe' })).toBe(true);
  expect(finds({ a: 'xxxx', b: 'calc.exe' })).toBe(false);
  expect(finds({ b: 'cmd.exe' })).toBe(false);
});

test('rules without number ask for everything, and no rules for nothing', () => {
  const one: Expression = { op: 'leaf', field: 'a', test: { kind: 'exists' } };
  expect(narrowQuery(asRules(...Array.from({ length: 1_001 }, () => one)))).toEqual(EVERYTHING);
  expect(narrowQuery([])).toEqual({ op: 'constant', value: false });
});
