// The conditions of a pipeline item as one tree: a list joined by and/or, or an expression over named conditions.

import type { Place } from '../../../platform/core/errors.ts';
import { parseCondition } from '../parse-condition.ts';
import { sigmaError } from '../problem.ts';
import type { Condition } from '../rule.ts';

/** Undefined in place of a tree: no condition, which holds always, whatever `*_cond_not` says, as in pySigma. */
export type ConditionTree<T> =
  | { readonly op: 'condition'; readonly condition: T }
  | { readonly op: 'and' | 'or'; readonly of: readonly ConditionTree<T>[] }
  | { readonly op: 'not'; readonly of: ConditionTree<T> };

export function holds<T>(tree: ConditionTree<T> | undefined, test: (condition: T) => boolean): boolean {
  if (!tree) return true;
  switch (tree.op) {
    case 'condition':
      return test(tree.condition);
    case 'not':
      return !holds(tree.of, test);
    case 'and':
      return tree.of.every((part) => holds(part, test));
    case 'or':
      return tree.of.some((part) => holds(part, test));
  }
}

/**
 * `name and not (other or third)` over the named conditions; each must be used.
 * @throws PicketError PIPELINE_INVALID with the place
 */
export function readExpression<T>(options: {
  text: string;
  named: ReadonlyMap<string, T>;
  place: Place;
}): ConditionTree<T> {
  const { text, named, place } = options;
  const used = new Set<string>();
  let parsed: Condition;
  try {
    parsed = parseCondition({ text, names: [...named.keys()], place, used });
  } catch (error) {
    throw sigmaError('PIPELINE_INVALID', (error as Error).message, place);
  }
  const unused = [...named.keys()].filter((name) => !used.has(name));
  if (unused.length > 0)
    throw sigmaError('PIPELINE_INVALID', `the expression leaves out ${unused.join(', ')}`, place);
  const toTree = (condition: Condition): ConditionTree<T> => {
    if (condition.op === 'selection') return { op: 'condition', condition: named.get(condition.name) as T };
    if (condition.op === 'not') return { op: 'not', of: toTree(condition.of) };
    return { op: condition.op, of: condition.of.map(toTree) };
  };
  return toTree(parsed);
}
