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
  const known: Known = new Map();
  for (const selection of assertedNames(mapped.condition)) {
    const expression = mapped.selections.get(selection);
    if (expression && evaluate(expression, event, known))
      gather({ expression, event, selection, reasons, known });
  }
  return reasons.slice(0, MAX_REASONS);
}

function assertedNames(condition: Condition): string[] {
  if (condition.op === 'selection') return [condition.name];
  if (condition.op === 'not') return [];
  return [...new Set(condition.of.flatMap(assertedNames))];
}

/** What was found of parts of a rule over one event. */
type Known = Map<Expression, boolean>;

/** As compileExpression means it, with regular expressions run safely. What `known` holds of the same event is not asked again. */
export function evaluate(expression: Expression, event: object, known?: Known): boolean {
  const before = known?.get(expression);
  if (before !== undefined) return before;
  const holds = evaluateAnew(expression, event, known);
  known?.set(expression, holds);
  return holds;
}

function evaluateAnew(expression: Expression, event: object, known: Known | undefined): boolean {
  switch (expression.op) {
    case 'and':
      return expression.of.every((part) => evaluate(part, event, known));
    case 'or':
      return expression.of.some((part) => evaluate(part, event, known));
    case 'not':
      return !evaluate(expression.of, event, known);
    case 'constant':
      return expression.value;
    case 'leaf':
      if (expression.test.kind === 'regex') return valuesPassing(expression, event).length > 0;
      return compiledLeaf(expression)(event);
  }
}

/** Made once for each part of a rule: rules outlive the events that they match. */
function once<Part extends object, Made extends object>(make: (part: Part) => Made): (part: Part) => Made {
  const made = new WeakMap<Part, Made>();
  return (part) => {
    let found = made.get(part);
    if (!found) made.set(part, (found = make(part)));
    return found;
  };
}

const compiledLeaf = once((leaf: Leaf) => compileExpression(leaf));
const compiledTest = once((test: Test) => (test.kind === 'regex' ? safeTest(test) : compileTest(test)));

function safeTest({ pattern, flags = '' }: Extract<Test, { kind: 'regex' }>): (value: unknown) => boolean {
  const matches = compileSafeRegex(pattern, flags);
  return (value) => ['string', 'number', 'boolean'].includes(typeof value) && matches(String(value));
}

function gather(options: {
  expression: Expression;
  event: object;
  selection: string;
  reasons: MatchReason[];
  known: Known;
}): void {
  const { expression, event, selection, reasons, known } = options;
  if (expression.op === 'and' || expression.op === 'or') {
    for (const part of expression.of) {
      if (evaluate(part, event, known)) gather({ ...options, expression: part });
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
  const passes = compiledTest(test);
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
