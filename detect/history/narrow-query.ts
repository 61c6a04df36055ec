// Makes the index query that finds every event that rules may match: a superset, which the engine decides.
import { anyOf, EVERYTHING, type Expression } from '../../platform/core/expression/expression.ts';
import type { EngineRule } from '../sigma/engine/engine.ts';

/** With more leaves than this, asking each costs more than handing the engine every event of the time. */
const MAX_LEAVES = 1_000;

/**
 * One query for all of the rules. Regular expressions are left to the engine, which runs them safely: the index
 * is only asked for what must hold beside them.
 */
export function narrowQuery(rules: readonly Pick<EngineRule, 'mapped'>[]): Expression {
  let leaves = 0;
  const parts: Expression[] = [];
  for (const { mapped } of rules) {
    leaves += countLeaves(mapped.expression);
    if (leaves > MAX_LEAVES) return EVERYTHING;
    const wide = loosen(mapped.expression, true);
    if (wide.op === 'constant') {
      if (wide.value) return EVERYTHING;
      continue;
    }
    parts.push(wide);
  }
  return anyOf(parts);
}

function countLeaves(expression: Expression): number {
  switch (expression.op) {
    case 'leaf':
      return 1;
    case 'constant':
      return 0;
    case 'not':
      return countLeaves(expression.of);
    default:
      return expression.of.reduce((sum, part) => sum + countLeaves(part), 0);
  }
}

/** What holds wherever `expression` does (`wide`), or, under a `not`, only where it does. */
function loosen(expression: Expression, wide: boolean): Expression {
  switch (expression.op) {
    case 'constant':
      return expression;
    case 'leaf':
      if (expression.test.kind !== 'regex') return expression;
      if (!wide) return { op: 'constant', value: false };
      return expression.field === '*' ? EVERYTHING : { ...expression, test: { kind: 'exists' } };
    case 'not': {
      const of = loosen(expression.of, !wide);
      return of.op === 'constant' ? { op: 'constant', value: !of.value } : { op: 'not', of };
    }
    case 'and':
    case 'or': {
      // A constant decides the whole or says nothing.
      const deciding = expression.op === 'or';
      const of = expression.of.map((part) => loosen(part, wide));
      if (of.some((part) => part.op === 'constant' && part.value === deciding))
        return { op: 'constant', value: deciding };
      const kept = of.filter((part) => part.op !== 'constant');
      if (kept.length === 0) return { op: 'constant', value: !deciding };
      return kept.length === 1 ? (kept[0] as Expression) : { op: expression.op, of: kept };
    }
  }
}
