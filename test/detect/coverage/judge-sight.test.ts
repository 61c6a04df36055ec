// Whether a rule can hold where fields are hidden.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judgeSight } from '../../../detect/coverage/judge-sight.ts';
import { compileExpression } from '../../../platform/core/expression/compile.ts';
import { type Expression, equals } from '../../../platform/core/expression/expression.ts';

const leaf = fc.record({
  op: fc.constant('leaf' as const),
  field: fc.constantFrom('open', 'hidden.a', 'hidden.b'),
  test: fc.oneof(
    fc.record({
      kind: fc.constant('string' as const),
      mode: fc.constant('equals' as const),
      value: fc.constantFrom('x', 'y'),
    }),
    fc.constant({ kind: 'null' as const }),
    fc.constant({ kind: 'exists' as const }),
  ),
});
const { tree } = fc.letrec<{ tree: Expression }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.record({
      op: fc.constantFrom('and' as const, 'or' as const),
      of: fc.array(tie('tree'), { maxLength: 3 }),
    }),
    fc.record({ op: fc.constant('not' as const), of: tie('tree') }),
  ),
}));
const isHidden = (field: string): boolean => field.startsWith('hidden.');
const open = fc.record({ open: fc.constantFrom('x', 'y', 'z') }, { requiredKeys: [] });

describe('sight', () => {
  test('is never called blind when the rule can hold on what is left of an event', () => {
    const wrong = fc.check(
      fc.property(tree, open, (expression, event) => {
        const { sight } = judgeSight(expression, isHidden);
        return sight !== 'blind' || !compileExpression(expression)(event);
      }),
      { numRuns: 3_000 },
    );
    expect(wrong.counterexample).toBeNull();
  });

  test('is blind where a needed field is hidden, partly where one of several is, and whole where none is', () => {
    const or: Expression = { op: 'or', of: [equals('hidden.a', 'x'), equals('open', 'x')] };
    const and: Expression = { op: 'and', of: [equals('hidden.a', 'x'), equals('open', 'x')] };
    const not: Expression = {
      op: 'and',
      of: [equals('open', 'x'), { op: 'not', of: equals('hidden.b', 'x') }],
    };
    expect(judgeSight(and, isHidden)).toEqual({ sight: 'blind', hidden: ['hidden.a'] });
    expect(judgeSight(or, isHidden)).toEqual({ sight: 'partly', hidden: ['hidden.a'] });
    expect(judgeSight(not, isHidden)).toEqual({ sight: 'partly', hidden: ['hidden.b'] });
    expect(judgeSight(equals('open', 'x'), isHidden)).toEqual({ sight: 'sees', hidden: [] });
  });
});
