// Compiles an expression to a predicate whose regular expressions cannot stall.
import { compileExpression, type Predicate, scalarText } from '../../platform/core/expression/compile.ts';
import type { Expression } from '../../platform/core/expression/expression.ts';
import { readField, splitField } from '../../platform/core/fields.ts';
import { allScalars } from '../sigma/explain.ts';
import { compileSafeRegex } from '../sigma/safe-regex.ts';

/** Means what compileExpression does. @throws PicketError EXPRESSION_INVALID, SIGMA_REGEX */
export function compileSafely(expression: Expression): Predicate {
  switch (expression.op) {
    case 'constant':
      return compileExpression(expression);
    case 'not': {
      const inner = compileSafely(expression.of);
      return (document) => !inner(document);
    }
    case 'and': {
      const parts = expression.of.map(compileSafely);
      return (document) => parts.every((part) => part(document));
    }
    case 'or': {
      const parts = expression.of.map(compileSafely);
      return (document) => parts.some((part) => part(document));
    }
    case 'leaf': {
      const { field, test } = expression;
      if (test.kind !== 'regex') return compileExpression(expression);
      const matches = compileSafeRegex(test.pattern, test.flags ?? '');
      const path = field === '*' ? undefined : splitField(field);
      return (document) => {
        const values = path ? readField(document, path) : allScalars(document, []);
        return values.some((value) => {
          const text = scalarText(value);
          return text !== undefined && matches(text);
        });
      };
    }
  }
}
