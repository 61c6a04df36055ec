// Compiles an Expression to a filter that finds every record it matches and perhaps more; the reference matcher checks the rest.
import type { estypes } from '@elastic/elasticsearch';
import { EVERYTHING, type Expression, type Leaf } from '../../core/expression/expression.ts';
import { foldCase } from '../../core/text.ts';
import { PLAIN_STEP } from '../check-record.ts';
import { LONGEST_TEXT } from './record-document.ts';

type Query = estypes.QueryDslQueryContainer;

const ALL: Query = { match_all: {} };

export function compileFilter(expression: Expression = EVERYTHING): Query {
  switch (expression.op) {
    case 'constant':
      return expression.value ? ALL : { match_none: {} };
    case 'not':
      // The negation of "perhaps more" would be "perhaps fewer".
      return ALL;
    case 'and':
      return { bool: { filter: expression.of.map(compileFilter) } };
    case 'or':
      return expression.of.length === 0
        ? { match_none: {} }
        : { bool: { should: expression.of.map(compileFilter), minimum_should_match: 1 } };
    case 'leaf':
      return compileLeaf(expression);
  }
}

function compileLeaf({ field, test }: Leaf): Query {
  // Paths of other names, and those that are deep, are not written down.
  const steps = field.split('.');
  if (field === '*' || test.kind === 'null' || test.kind === 'exists') return ALL;
  if (steps.length > 12 || !steps.every((step) => PLAIN_STEP.test(step))) return ALL;
  const path = `folded.${field}`;
  if (test.kind === 'string' && test.mode === 'equals') {
    const text = foldCase(test.value);
    return text === '' ? ALL : { term: { [path]: text.slice(0, LONGEST_TEXT) } };
  }
  return { exists: { field: path } };
}
