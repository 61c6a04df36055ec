// Whether a rule can still hold over events of which some fields are hidden.
import { type Expression, fieldsOf } from '../../platform/core/expression/expression.ts';

/** `blind`: it can never hold; `partly`: some of what it looks for is hidden; `sees`: nothing of it is. */
export type Sight = 'sees' | 'partly' | 'blind';

export interface JudgedSight {
  readonly sight: Sight;
  /** The hidden fields that it reads, sorted. */
  readonly hidden: readonly string[];
}

/** `isHidden` tells whether a field's true value is gone; `*` (keywords) looks everywhere and is never all hidden. */
export function judgeSight(expression: Expression, isHidden: (field: string) => boolean): JudgedSight {
  const hidden = fieldsOf(expression).filter(isHidden);
  if (hidden.length === 0) return { sight: 'sees', hidden };
  return { sight: canHold(expression, isHidden, true) ? 'partly' : 'blind', hidden };
}

/** `wanted`: whether the part must be true, or (under `not`) false. */
function canHold(expression: Expression, isHidden: (field: string) => boolean, wanted: boolean): boolean {
  switch (expression.op) {
    case 'constant':
      return expression.value === wanted;
    case 'leaf': {
      const fields =
        expression.test.kind === 'field' ? [expression.field, expression.test.other] : [expression.field];
      if (!fields.some(isHidden)) return true;
      // A field that is gone is null, and equals nothing.
      return (expression.test.kind === 'null') === wanted;
    }
    case 'not':
      return canHold(expression.of, isHidden, !wanted);
    case 'and':
    case 'or': {
      const all = (expression.op === 'and') === wanted;
      const can = (part: Expression): boolean => canHold(part, isHidden, wanted);
      return all ? expression.of.every(can) : expression.of.some(can);
    }
  }
}
