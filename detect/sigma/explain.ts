// Why a rule held for an event: which field had which value for which part of which selection.
import type { MatchReason } from '../../platform/core/alert.ts';
import { compileExpression, compileTest, scalarText } from '../../platform/core/expression/compile.ts';
import type { Expression, Leaf, Test } from '../../platform/core/expression/expression.ts';
import { readField, splitField } from '../../platform/core/fields.ts';
import type { Condition, MappedRule } from './rule.ts';
import { compileSafeRegex } from './safe-regex.ts';

/** Reasons are for people: the first fifty, each value cut. */
const MAX_REASONS = 50;
const MAX_VALUE = 500;

/** The tests that held in selections that the condition asserts (not those under `not`). Slow: for matches only. */
export function explainRule(mapped: MappedRule, event: object): MatchReason[] {
  const reasons: MatchReason[] = [];
  for (const selection of assertedNames(mapped.condition)) {
    const expression = mapped.selections.get(selection);
    if (expression && evaluate(expression, event)) gather({ expression, event, selection, reasons });
  }
  return reasons.slice(0, MAX_REASONS);
}

function assertedNames(condition: Condition): string[] {
  if (condition.op === 'selection') return [condition.name];
  if (condition.op === 'not') return [];
  return [...new Set(condition.of.flatMap(assertedNames))];
}

/** As compileExpression means it, with regular expressions run safely. */
export function evaluate(expression: Expression, event: object): boolean {
  switch (expression.op) {
    case 'and':
      return expression.of.every((part) => evaluate(part, event));
    case 'or':
      return expression.of.some((part) => evaluate(part, event));
    case 'not':
      return !evaluate(expression.of, event);
    case 'constant':
      return expression.value;
    case 'leaf':
      if (expression.test.kind === 'regex') return valuesPassing(expression, event).length > 0;
      return compileExpression(expression)(event);
  }
}

function gather(options: {
  expression: Expression;
  event: object;
  selection: string;
  reasons: MatchReason[];
}): void {
  const { expression, event, selection, reasons } = options;
  if (expression.op === 'and' || expression.op === 'or') {
    for (const part of expression.of) {
      if (evaluate(part, event)) gather({ ...options, expression: part });
    }
  } else if (expression.op === 'leaf') {
    const { field, test } = expression;
    const [value] = valuesPassing(expression, event);
    const text = typeof value === 'object' ? JSON.stringify(value) : (scalarText(value) ?? '');
    reasons.push({ selection, field, value: text.slice(0, MAX_VALUE), condition: describeTest(test) });
  }
}

/** The values that make a leaf true; none for `null`. */
export function valuesPassing({ field, test }: Leaf, event: object): unknown[] {
  const values = field === '*' ? allScalars(event, []) : readField(event, splitField(field));
  if (test.kind === 'null') return [];
  if (test.kind === 'regex') {
    const matches = compileSafeRegex(test.pattern, test.flags ?? '');
    return values.filter(
      (value) => ['string', 'number', 'boolean'].includes(typeof value) && matches(String(value)),
    );
  }
  const passes = compileTest(test);
  return values.filter((value) => passes(value, event));
}

export function allScalars(node: unknown, found: unknown[]): unknown[] {
  if (node !== null && typeof node === 'object')
    for (const child of Object.values(node)) allScalars(child, found);
  else if (node !== null && node !== undefined) found.push(node);
  return found;
}

/** A test in words, as Sigma would write it. */
export function describeTest(test: Test): string {
  switch (test.kind) {
    case 'string':
      return `${test.mode}${test.cased ? ' (cased)' : ''} ${JSON.stringify(test.value)}`;
    case 'number':
    case 'boolean':
      return `equals ${String(test.value)}`;
    case 'compare':
      return `${test.with} ${test.value}`;
    case 'regex':
      return `matches /${test.pattern}/${test.flags ?? ''}`;
    case 'cidr':
      return `in ${test.value}`;
    case 'exists':
      return 'is present';
    case 'null':
      return 'is absent or null';
    case 'field':
      return `${test.mode} field ${test.other}`;
    case 'time_part':
      return `${test.part} is ${test.value}`;
    case 'text':
      return `has the words ${JSON.stringify(test.value)}`;
  }
}
