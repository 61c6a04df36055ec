// Breaks rules' expressions into units (a field with alternatives that its value decides) shared by all rules, and trees over them.
import { compileExpression, compileTest, scalarText } from '../../../platform/core/expression/compile.ts';
import type { Expression, Leaf } from '../../../platform/core/expression/expression.ts';
import { readField, splitField } from '../../../platform/core/fields.ts';
import { foldCase } from '../../../platform/core/text.ts';
import { compileSafeRegex, requiredLiteral } from '../safe-regex.ts';
import { asFastTest, type FastTest } from './field-matcher.ts';

/** Any of the tests on any value of the field. */
export interface Unit {
  readonly field: string;
  readonly tests: readonly FastTest[];
}

export type UnitTree =
  | { readonly op: 'unit'; readonly id: number }
  /** Asked of the document when nothing cheaper decided. */
  | { readonly op: 'ask'; readonly ask: (document: unknown) => boolean }
  | { readonly op: 'and' | 'or'; readonly of: readonly UnitTree[] }
  | { readonly op: 'not'; readonly of: UnitTree }
  | { readonly op: 'constant'; readonly value: boolean };

/** Gives units their ids. */
export interface UnitIds {
  intern(field: string, tests: readonly FastTest[]): number;
}

/** For who only wants to know whether a tree can be compiled. */
export const NO_UNITS: UnitIds = { intern: () => 0 };

export class UnitTable implements UnitIds {
  readonly units: Unit[] = [];
  readonly #ids = new Map<string, number>();

  /** The id of a unit, the same for the same field and tests. */
  intern(field: string, tests: readonly FastTest[]): number {
    const written = tests.map((test) => JSON.stringify(test)).sort();
    const key = `${field}\u0000${written.join('\u0000')}`;
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.units.length;
      this.units.push({ field, tests });
      this.#ids.set(key, id);
    }
    return id;
  }
}

/** @throws PicketError EXPRESSION_INVALID */
export function compileTree(expression: Expression, table: UnitIds): UnitTree {
  switch (expression.op) {
    case 'constant':
      return expression;
    case 'not':
      return { op: 'not', of: compileTree(expression.of, table) };
    case 'and':
      return { op: 'and', of: expression.of.flatMap((part) => flatten('and', compileTree(part, table))) };
    case 'or':
      return compileAlternatives(expression.of, table);
    case 'leaf':
      return compileLeaf(expression, table);
  }
}

function flatten(op: 'and' | 'or', tree: UnitTree): readonly UnitTree[] {
  return tree.op === op ? tree.of : [tree];
}

/** Alternatives on one field become one unit, so that a list of a hundred values is one look. */
function compileAlternatives(of: readonly Expression[], table: UnitIds): UnitTree {
  const byField = new Map<string, FastTest[]>();
  const others: UnitTree[] = [];
  const visit = (part: Expression): void => {
    const fast = part.op === 'leaf' ? asFastTest(part.test) : undefined;
    if (part.op === 'or') part.of.forEach(visit);
    else if (part.op === 'leaf' && fast) {
      const tests = byField.get(part.field);
      if (tests) tests.push(fast);
      else byField.set(part.field, [fast]);
    } else others.push(...flatten('or', compileTree(part, table)));
  };
  of.forEach(visit);
  const units = [...byField].map(
    ([field, tests]): UnitTree => ({ op: 'unit', id: table.intern(field, tests) }),
  );
  const all = [...units, ...others];
  return all.length === 1 ? (all[0] as UnitTree) : { op: 'or', of: all };
}

function compileLeaf(leaf: Leaf, table: UnitIds): UnitTree {
  const { field, test } = leaf;
  const fast = asFastTest(test);
  if (fast) return { op: 'unit', id: table.intern(field, [fast]) };
  if (test.kind === 'null') {
    if (field === '*') return { op: 'constant', value: false };
    return { op: 'not', of: { op: 'unit', id: table.intern(field, [{ kind: 'exists' }]) } };
  }
  const guard: UnitTree = { op: 'unit', id: table.intern(field, [guardOf(leaf)]) };
  return { op: 'and', of: [guard, { op: 'ask', ask: compileAsk(leaf) }] };
}

/** A fast test that must hold whenever the slow one does. */
function guardOf({ test }: Leaf): FastTest {
  if (test.kind === 'string' && test.mode === 'wildcard') {
    const literal = foldCase(longestPiece(test.value));
    if (literal !== '') return { kind: 'string', mode: 'contains', value: literal };
  } else if (test.kind === 'string' && test.value !== '') {
    const { mode } = test;
    if (mode !== 'wildcard') return { kind: 'string', mode, value: foldCase(test.value) };
  } else if (test.kind === 'regex') {
    const literal = requiredLiteral(test.pattern);
    if (literal !== undefined) return { kind: 'string', mode: 'contains', value: literal };
  }
  return { kind: 'exists' };
}

/** The longest run of literal characters in a wildcard pattern. */
function longestPiece(pattern: string): string {
  let best = '';
  let run = '';
  for (let at = 0; at <= pattern.length; at++) {
    const character = pattern[at];
    const next = pattern[at + 1];
    if (character === '\\' && (next === '*' || next === '?' || next === '\\')) {
      run += next;
      at++;
    } else if (character === undefined || character === '*' || character === '?') {
      if (run.length > best.length) best = run;
      run = '';
    } else run += character;
  }
  return best;
}

function compileAsk(leaf: Leaf): (document: unknown) => boolean {
  const { field, test } = leaf;
  if (test.kind !== 'regex') {
    if (field === '*') return compileExpression(leaf);
    const path = splitField(field);
    const passes = compileTest(test);
    return (document) => readField(document, path).some((value) => passes(value, document));
  }
  const matches = compileSafeRegex(test.pattern, test.flags ?? '');
  const passes = (value: unknown): boolean => {
    const text = scalarText(value);
    return text !== undefined && matches(text);
  };
  if (field === '*') return (document) => someScalar(document, passes, 0);
  const path = splitField(field);
  return (document) => readField(document, path).some(passes);
}

/** As platform/core/expression reads `*`: every scalar, to the same depth. */
function someScalar(node: unknown, passes: (value: unknown) => boolean, depth: number): boolean {
  if (node === null || node === undefined || depth > 64) return false;
  if (typeof node !== 'object') return passes(node);
  return Object.values(node).some((child) => someScalar(child, passes, depth + 1));
}
